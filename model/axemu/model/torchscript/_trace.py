"""Following `forward` of a TorchScript program through its modules: which operators are called with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import IncompatibleDevice, InvalidArgument
from axemu.driver.bounded import decoded
from axemu.model.torchscript._archive import Archive
from axemu.model.torchscript._graph import Argument, Graph, Operation, Value
from axemu.model.torchscript._pickle import StoredModule, StoredTensor, read_pickle
from axemu.model.torchscript._syntax import (
    Attribute,
    Call,
    Classes,
    Expression,
    Items,
    Literal,
    Method,
    Name,
    Statement,
    read_classes,
)
from axemu.model.torchscript._tokens import UnknownTextError

MAX_OPERATIONS = 1 << 15
MAX_STATEMENTS = 1 << 18
MAX_DEPTH = 16
MAX_ARGUMENTS = 1 << 18
"""Arguments of all operators, those within lists included."""
VERSIONS = range(3, 11)
"""Versions of the archive's format: that of the examined programs, up to that of PyTorch 2."""


def read_torchscript(path: Path) -> Graph:
    """Read a TorchScript program.

    Nothing of it is executed: its text is read by a grammar that has no operators, conditions or loops, its pickles by a
    reader that calls nothing.

    Raises:
        InvalidArgument: the file is missing, damaged or larger than any such program.
        IncompatibleDevice: it holds something that is not known in a program of the vendor's compiler; names it.
    """
    with Archive(Path(path)) as archive:
        archive.require_little_endian()
        try:
            return _Tracer(archive).trace()
        except RecursionError as error:
            raise InvalidArgument(f"{path}: its values or calls are nested too deeply") from error


@dataclass(frozen=True, slots=True)
class _Module:
    stored: StoredModule
    path: str


@dataclass(frozen=True, slots=True)
class _Member:
    """`torch.pad` before it is called, `CONSTANTS`, or a method of a module."""

    of: _Module | str
    name: str


class _Stored:
    """A stored tensor with its name, loaded when it is used."""

    __slots__ = ("_folder", "_tracer", "_values", "name", "tensor")

    def __init__(self, tracer: _Tracer, tensor: StoredTensor, folder: str, name: str) -> None:
        self._tracer, self.tensor, self._folder, self.name = tracer, tensor, folder, name
        self._values: npt.NDArray[Any] | None = None

    def values(self) -> npt.NDArray[Any]:
        """Return its values."""
        if self._values is None:
            self._values = self.tensor.load(self._tracer.archive, self._folder)
        return self._values


_ROOTS = ("torch", "ops", "CONSTANTS")
_CASTS = {"int": int, "float": float, "bool": bool}


class _Tracer:
    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._operations: list[Operation] = []
        self._values = self._statements = self._arguments = 0
        self._files: dict[str, Classes] = {}
        self._methods: dict[int, tuple[Statement, ...]] = {}
        constants = read_pickle(archive, "constants.pkl")
        if not isinstance(constants, tuple) or not all(isinstance(one, StoredTensor) for one in constants):
            raise IncompatibleDevice(f"{archive.path}: constants.pkl holds something beside tensors")
        self._constants = {
            f"c{index}": _Stored(self, tensor, "constants", f"CONSTANTS.c{index}")
            for index, tensor in enumerate(constants)
        }

    def trace(self) -> Graph:
        version = self.archive.text("version").strip()
        if not version.isdigit() or len(version) > 9 or int(version) not in VERSIONS:
            raise IncompatibleDevice(
                f"{self.archive.path}: version is {version[:20]!r}, expected {VERSIONS.start} to {VERSIONS.stop - 1}"
            )
        root = read_pickle(self.archive, "data.pkl")
        if not isinstance(root, StoredModule):
            raise InvalidArgument(f"{self.archive.path}: data.pkl holds no module, so this is no program")
        module = _Module(root, "")
        parameters = self._method(module, "forward", None).parameters
        inputs = tuple(self._new() for _ in parameters[1:])
        result = self.call_method(module, "forward", inputs, None, 0)
        outputs = result if isinstance(result, tuple) else (result,)
        for output in outputs:
            if not isinstance(output, Value):
                raise IncompatibleDevice(
                    f"{self.archive.path}: forward returns something that is no computed tensor"
                )
        return Graph(inputs, tuple(self._operations), outputs)

    def _new(self) -> Value:
        self._values += 1
        return Value(self._values - 1)

    def _method(self, module: _Module, name: str, place: _Place | None) -> Method:
        file, _, kind = module.stored.kind.rpartition(".")
        classes = self._files.get(file)
        if classes is None:
            member = f"code/{file.replace('.', '/')}.py"
            try:
                classes = read_classes(decoded(self.archive.text(member)))
            except UnknownTextError as error:
                raise IncompatibleDevice(f"{self.archive.path}: {member}: {error}") from error
            except ValueError as error:
                if isinstance(error, InvalidArgument):
                    raise
                raise InvalidArgument(f"{self.archive.path}: {member}: {error}") from error
            self._files[file] = classes
        method = classes.get(kind, {}).get(name)
        if method is None:
            where = f"{place}: " if place else ""
            raise IncompatibleDevice(
                f"{self.archive.path}: {where}{module.stored.kind} has no method {name!r}"
            )
        return method

    def call_method(
        self, module: _Module, name: str, arguments: tuple[Any, ...], place: _Place | None, depth: int
    ) -> Any:
        method = self._method(module, name, place)
        here = _Place(module, f"{module.stored.kind}.{name}", 0)
        if depth > MAX_DEPTH:
            raise self.unknown(here, f"calls that are nested deeper than {MAX_DEPTH}")
        if len(arguments) != len(method.parameters) - 1:
            raise self.unknown(
                here, f"a call with {len(arguments)} arguments of {len(method.parameters) - 1} parameters"
            )
        statements = self._methods.get(id(method))
        if statements is None:
            try:
                statements = self._methods[id(method)] = method.statements()
            except UnknownTextError as error:
                raise self.unknown(here, str(error)) from error
        names: dict[str, Any] = dict(zip(method.parameters, (module, *arguments), strict=True))
        for statement in statements:
            self._statements += 1
            if self._statements > MAX_STATEMENTS:
                raise InvalidArgument(
                    f"{self.archive.path}: runs more than {MAX_STATEMENTS} statements, which no program does"
                )
            here = _Place(module, here.method, statement.line)
            value = _Evaluation(self, names, here, depth).of(statement.value)
            if not statement.targets:
                return value
            self._assign(statement, value, names, here)
        raise self.unknown(here, "no return")

    def _assign(self, statement: Statement, value: Any, names: dict[str, Any], place: _Place) -> None:
        if not statement.unpacks:
            names[statement.targets[0]] = value
            return
        if not isinstance(value, tuple) or len(value) != len(statement.targets):
            count = len(statement.targets)
            made = next((one.name[:80] for one in self._operations if one.result is value), None)
            raise self.unknown(
                place, f"{made} with {count} results" if made else f"an assignment to {count} names"
            )
        names.update(zip(statement.targets, value, strict=True))

    def constant(self, name: str, place: _Place) -> _Stored:
        if name not in self._constants:
            raise InvalidArgument(
                f"{self.archive.path}: {place}: CONSTANTS.{name[:40]} is not among the {len(self._constants)} of constants.pkl"
            )
        return self._constants[name]

    def attribute(self, module: _Module, name: str, place: _Place) -> Any:
        value = module.stored.attributes.get(name, self)
        path = f"{module.path}.{name}" if module.path else name
        if isinstance(value, StoredModule):
            return _Module(value, path)
        if isinstance(value, StoredTensor):
            return _Stored(self, value, "data", path)
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise self.unknown(place, f"attribute {name[:80]!r} of {module.path or 'the program'!r}")

    def operation(self, name: str, arguments: tuple[Any, ...], place: _Place) -> Value:
        if len(self._operations) >= MAX_OPERATIONS:
            raise InvalidArgument(f"{self.archive.path}: calls more than {MAX_OPERATIONS} operators")
        constants = {index: one.name for index, one in enumerate(arguments) if isinstance(one, _Stored)}
        loaded = tuple(self._loaded(argument, place) for argument in arguments)
        result = self._new()
        self._operations.append(Operation(name, loaded, result, place.module.path, constants))
        return result

    def _loaded(self, argument: Any, place: _Place) -> Argument:
        self._arguments += 1
        if self._arguments > MAX_ARGUMENTS:
            raise InvalidArgument(
                f"{self.archive.path}: its operators have more than {MAX_ARGUMENTS} arguments"
            )
        if isinstance(argument, _Stored):
            return argument.values()
        if isinstance(argument, tuple):
            return tuple(self._loaded(one, place) for one in argument)
        if argument is None or isinstance(argument, Value | bool | int | float | str):
            return argument
        raise self.unknown(place, "a module or name as an argument of an operator")

    def unknown(self, place: _Place, what: str) -> IncompatibleDevice:
        """Return the refusal of something that is not known."""
        return IncompatibleDevice(
            f"{self.archive.path}: {place}: this SDK does not know {what} in a program of the vendor's compiler"
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the tracer is, for messages."""

    module: _Module
    method: str
    line: int

    def __str__(self) -> str:
        inside = f"module {self.module.path!r}, " if self.module.path else ""
        return f"{inside}{self.method}" + (f", line {self.line}" if self.line else "")


@dataclass(frozen=True, slots=True)
class _Evaluation:
    tracer: _Tracer
    names: Mapping[str, Any]
    place: _Place
    depth: int

    def of(self, expression: Expression) -> Any:
        match expression:
            case Literal(value):
                return value
            case Items(items):
                return tuple(self.of(item) for item in items)
            case Name(text):
                return self._name(text)
            case Attribute(of, name):
                return self._attribute(self.of(of), name)
            case Call():
                return self._call(expression)

    def _name(self, text: str) -> Any:
        if text in self.names:
            return self.names[text]
        if text in _ROOTS:
            return _Member(text, "")
        raise self.tracer.unknown(self.place, f"the name {text[:80]!r}")

    def _attribute(self, value: Any, name: str) -> Any:
        match value:
            case _Member("CONSTANTS", ""):
                return self.tracer.constant(name, self.place)
            case _Member(str(root), before):
                return _Member(root, f"{before}.{name}" if before else name)
            case _Module() if name in value.stored.attributes:
                return self.tracer.attribute(value, name, self.place)
            case _Module():
                return _Member(value, name)
        raise self.tracer.unknown(self.place, f"the attribute {name[:80]!r}")

    def _call(self, call: Call) -> Any:
        arguments = tuple(self.of(argument) for argument in call.arguments)
        if call.keywords:
            raise self.tracer.unknown(self.place, f"the argument {call.keywords[0][0][:80]!r} by name")
        match call.function, arguments:
            case Name("getattr"), (_Module() as module, str(name)) if "getattr" not in self.names:
                return self.tracer.attribute(module, name, self.place)
            case Name(("int" | "float" | "bool") as cast), (value,) if cast not in self.names:
                return self._cast(cast, value)
        match self.of(call.function):
            case _Member(_Module() as module, name):
                return self.tracer.call_method(module, name, arguments, self.place, self.depth + 1)
            case _Member(("torch" | "ops") as root, name) if name:
                return self.tracer.operation(f"{root}.{name}", arguments, self.place)
        raise self.tracer.unknown(self.place, "a call of something that is neither module nor operator")

    def _cast(self, cast: str, value: Any) -> int | float | bool:
        if isinstance(value, _Stored):
            values = value.values()
            if values.size == 1 and np.isfinite(values).all():
                value = values.reshape(()).item()
        if isinstance(value, bool | int | float) and np.isfinite(value):
            result: int | float | bool = _CASTS[cast](value)
            return result
        raise self.tracer.unknown(self.place, f"{cast}() of something that is no number")
