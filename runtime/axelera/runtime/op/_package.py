"""`.axe`: a pipeline and its models in one file.

The vendor publishes what a package holds (a `pipeline.toml` with the chain of operators, and the models) and not how that is
written. These packages are ours: they hold what `save_axe` wrote.
"""

from __future__ import annotations

import enum
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from axelera.runtime.cv import ColorFormat
from axelera.runtime.op._core import Operator, OperatorRegistry, every
from axelera.runtime.op._labels import KNOWN_CLASSES, classes_of, known_classes
from axelera.runtime.op._types import CoordFormat
from axemu.driver import InvalidArgument, NotImplemented, Scratch, path_errors  # noqa: A004
from axemu.driver.bounded import parse_toml
from axemu.model import read_axm, write_axm

if TYPE_CHECKING:
    from axelera.runtime.op._combinators import Seq

FORMAT = "axemu 1"
"""Says in `pipeline.toml` who wrote it."""
CHAIN = "pipeline.toml"
_ENUMS: Mapping[str, type[enum.Enum]] = {"ColorFormat": ColorFormat, "CoordFormat": CoordFormat}
_SCALARS: Sequence[tuple[Any, Callable[[Any], Any]]] = (
    ((bool, np.bool_), bool),
    ((int, np.integer), int),
    ((float, np.floating), float),
    (str, str),
)
_PLAIN: Mapping[str, Any] = {"int": int, "str": str}


def save(pipeline: Seq, path: Path, about: Mapping[str, str]) -> None:
    """Write a package; errors as `Seq.save_axe`."""
    import tomli_w  # noqa: PLC0415  few programs save

    if path.suffix != ".axe":
        raise ValueError(f"{path}: a package is called something.axe")
    with Scratch("axemu-package-") as directory:
        chain = _Writer(directory).described(pipeline)
        text = tomli_w.dumps({"format": FORMAT, **about, "pipeline": chain})
        parse_toml(text.encode())  # what is too deep to be read again is not written
        (directory / CHAIN).write_text(text, encoding="utf-8")
        write_axm(directory, path)


class _Writer:
    """Copies models into a directory and describes operators as TOML has them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._names: dict[Path, str] = {}

    def described(self, operator: Operator) -> dict[str, Any]:
        from axelera.runtime.op._combinators import ForEach  # noqa: PLC0415  which imports this module
        from axelera.runtime.op._load import LoadedSeq, found  # noqa: PLC0415
        from axelera.runtime.op._onnx import OnnxModel  # noqa: PLC0415

        kind = type(operator).__name__
        if isinstance(operator, LoadedSeq):
            path, model = found(operator.model.file), operator.model
            return self._table(
                "LoadedSeq",
                {"file": self._kept(path), "name": operator.name, "core_allocation": model.core_allocation},
            )
        if isinstance(operator, ForEach) and any(isinstance(one, LoadedSeq) for one in every(operator)):
            raise ValueError("save_axe: a for_each with a model inside cannot be saved")
        parameters = operator.parameters()
        if isinstance(operator, OnnxModel):
            parameters["path"] = self._kept(Path(operator.path))
        if _saved(kind) is not type(operator):
            raise ValueError(
                f"save_axe: {operator!r} cannot be saved; write it as a subclass of op.Operator, and register it under its "
                f"name: op.OperatorRegistry.register({kind!r}, {kind})"
            )
        table = self._table(kind, parameters)
        if operator.children:
            table["operators"] = [self.described(child) for child in operator.children]
        return table

    def _table(self, kind: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        encoded = {
            name: _encoded(value, f"{kind}.{name}") for name, value in parameters.items() if value is not None
        }
        return {"type": kind, **encoded}

    def _kept(self, path: Path) -> str:
        """Copy a model into the directory and return its name there."""
        if not path.exists():
            raise FileNotFoundError(f"{path}: is gone; a package holds the models of its pipeline")
        path = path.resolve()
        if path not in self._names:
            is_archive = path.is_file() and path.suffix != ".json"
            name = path.name if is_archive else f"{(path if path.is_dir() else path.parent).name}.axm"
            while name in self._names.values() or name == CHAIN:
                name = f"another-{name}"
            if is_archive:
                shutil.copyfile(path, self._directory / name)
            else:
                write_axm(path if path.is_dir() else path.parent, self._directory / name)
            self._names[path] = name
        return self._names[path]


def _saved(name: str) -> type[Operator] | None:
    """Return the operator of this name that a package may hold."""
    kind = OperatorRegistry.known(name)
    return kind if kind is not None and kind.can_be_saved else None


def _encoded(value: Any, where: str) -> Any:
    """Return a parameter as TOML has it."""
    for kinds, plain in _SCALARS:
        if isinstance(value, kinds):
            return plain(value)
    if isinstance(value, list | tuple | range | set | frozenset):
        return [_encoded(item, where) for item in value]
    if (table := _table_of(value)) is None:
        raise ValueError(f"save_axe: {where} is a {type(value).__name__}, which cannot be written down")
    return table


def _table_of(value: Any) -> dict[str, Any] | None:
    """Return what TOML has no word for as a table."""
    match value:
        case ColorFormat() | CoordFormat():
            return {"enum": type(value).__name__, "member": value.name}
        case slice():
            parts = {"start": value.start, "stop": value.stop, "step": value.step}
            return {"slice": {name: int(part) for name, part in parts.items() if part is not None}}
        case np.dtype():
            return {"dtype": value.name}
        case type():
            return _table_of_type(value)
    return None


def _table_of_type(kind: type) -> dict[str, Any] | None:
    name = kind.__name__
    if issubclass(kind, np.generic):
        return {"dtype": np.dtype(kind).name}
    if _PLAIN.get(name) is kind or (name in KNOWN_CLASSES and kind is known_classes(name)):
        return {"classes": name}
    if issubclass(kind, enum.IntEnum):
        return {"classes": name, "labels": [[one.value, one.name] for one in kind]}
    return None


def read(path: Path, name: str, core_allocation: int | str | None) -> Seq:
    """Load a package.

    Raises:
        InvalidArgument: it is missing or damaged, or holds what no pipeline can be.
        NotImplemented: it is not one that `save_axe` wrote here.
    """
    from axelera.runtime.op._combinators import Seq  # noqa: PLC0415  which imports this module

    if core_allocation is not None:
        raise InvalidArgument(f"{path}: core_allocation is of models; those of a package have theirs")
    with path_errors(InvalidArgument, path):
        if not path.is_file():
            raise InvalidArgument(f"{path}: no such file")
        scratch = Scratch("axemu-package-")
        read_axm(path, scratch.path)
        chain = scratch.path / CHAIN
        if not chain.is_file():
            raise InvalidArgument(f"{path}: is no package: it has no {CHAIN}")
        try:
            whole = parse_toml(chain.read_bytes())
        except ValueError as error:
            raise InvalidArgument(f"{path}: {CHAIN}: {error}") from error
        if whole.get("format") != FORMAT:
            raise NotImplemented(  # noqa: F901  the documented exception
                f"{path}: a package that was not written here; how the vendor writes {CHAIN} is not published. Load the .axm "
                "inside (it is a ZIP archive) and write the pipeline out"
            )
        pipeline = _Reader(path, scratch.path).operator(whole.get("pipeline"), "pipeline")
    if not isinstance(pipeline, Seq):
        raise InvalidArgument(f"{path}: {CHAIN}: pipeline is a {type(pipeline).__name__}; expected a Seq")
    pipeline.name = name or pipeline.name
    pipeline.package = scratch
    return pipeline


class _Reader:
    """Makes operators of what TOML says, of known classes only."""

    def __init__(self, package: Path, directory: Path) -> None:
        self._package, self._directory = package, directory

    def operator(self, table: Any, where: str) -> Operator:
        from axelera.runtime.op._load import load  # noqa: PLC0415  which imports this module

        if not isinstance(table, dict):
            raise self._wrong(where, "is no table")
        inside = table.get("operators", [])
        if not isinstance(inside, list):
            raise self._wrong(where, "has operators that are no list")
        operators = [self.operator(one, f"{where}.operators[{index}]") for index, one in enumerate(inside)]
        name = str(table.get("type"))[:100]
        make: Any = load if name == "LoadedSeq" else _saved(name)
        if make is None:
            raise self._wrong(
                where,
                f"has type {name!r}, which no operator here is called; one of your own has to be registered before "
                "(op.OperatorRegistry.register)",
            )
        given = {key: item for key, item in table.items() if key not in ("type", "operators")}
        for key in ("file", "path"):
            if key in given:
                given[key] = self._file(given[key], where)
        try:
            made: Operator = make(*operators, **{key: _decoded(item) for key, item in given.items()})
        except Exception as error:  # whatever constructors say of a stranger's parameters
            raise self._wrong(where, f"cannot be made: {error}") from error
        return made

    def _file(self, name: Any, where: str) -> Path:
        if not isinstance(name, str) or Path(name).name != name or not (self._directory / name).is_file():
            raise self._wrong(where, f"names the file {str(name)[:100]!r}, which is not in the package")
        return self._directory / name

    def _wrong(self, where: str, what: str) -> InvalidArgument:
        return InvalidArgument(f"{self._package}: {CHAIN}: {where[:200]} {what}")


def _decoded(value: Any) -> Any:
    """Return a parameter of what `_encoded` made of it."""
    if isinstance(value, list):
        return tuple(_decoded(item) for item in value)
    if not isinstance(value, dict):
        return value
    for key, make in _OF_TABLES.items():
        if key in value and set(value) <= {key, "member", "labels"}:
            return make(value)
    raise ValueError("a parameter is a table of no known kind")


def _slice(table: Mapping[str, Any]) -> slice:
    parts = table["slice"]
    return slice(*(parts.get(name) for name in ("start", "stop", "step")))


def _classes(table: Mapping[str, Any]) -> Any:
    name = str(table["classes"])
    if "labels" in table:
        return classes_of(name, {int(number): str(label) for number, label in table["labels"]})
    return _PLAIN[name] if name in _PLAIN else known_classes(name)


_OF_TABLES: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "enum": lambda table: _ENUMS[table["enum"]][table["member"]],
    "slice": _slice,
    "dtype": lambda table: np.dtype(table["dtype"]),
    "classes": _classes,
}
