"""Compiled models as operators."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axelera.runtime.op._combinators import Seq
from axelera.runtime.op._core import Operator, Unpacked
from axelera.runtime.op._host import HostSide, loaded
from axemu.driver import InvalidArgument

CACHE = Path(".cache") / "axelera" / "runtime2"
"""Where in the home directory the published demos keep their archives."""


class ExecModel(Operator):
    """One inference on a core that the current scheduler chooses: float values of the network in and out."""

    file: str
    host: HostSide
    core_allocation: int | str | None = None

    def __call__(self, *values: Any) -> Any:
        """Run one frame.

        Args:
            values: float arrays, one per input of the network, with or without its batch axis of 1.

        Returns:
            The network's output with its batch axis of 1; with several outputs an `Unpacked` tuple of them.
        """
        from axelera.runtime import scheduler  # noqa: PLC0415  which imports this module

        inputs = self.host.encode(values)
        outputs = self.host.outputs()
        scheduler.current()._execute(self.host.compiled, inputs, outputs)  # noqa: SLF001
        results = self.host.decode(outputs)
        return results[0] if len(results) == 1 else Unpacked(results)

    def __repr__(self) -> str:
        return f"load({self.file!r})"


class LoadedSeq(Seq):
    """A compiled model as a pipeline. Made by `load`."""

    def __init__(self, model: ExecModel, name: str = "") -> None:
        """Take the one operator that runs the model."""
        super().__init__(model, name=name)

    @property
    def model(self) -> ExecModel:
        """The operator that runs the model."""
        (model,) = self.operators
        assert isinstance(model, ExecModel)  # noqa: S101
        return model

    def __repr__(self) -> str:
        return repr(self.model)


def load(
    file: str | os.PathLike[str],
    ncores: int | None = None,
    *,
    name: str = "",
    core_allocation: int | str | None = None,
) -> Seq:
    """Make an operator of a compiled model; no board is needed until it is called.

    Args:
        file: an `.axm` archive, a model.json or its directory; or the stem of an archive in the current directory or in
            `~/.cache/axelera/runtime2`. Or an `.axe` package that `Seq.save_axe` wrote: a pipeline from image to result.
        ncores: the same as `core_allocation`, under the name and in the place of release 1.6.
        name: names a branch of `par`.
        core_allocation: cores within a pipeline: a number, a percentage ("50%") of what is left after the numbers, or
            None for an equal share of the rest.

    Returns:
        A `LoadedSeq`; of a package a `Seq`.

    Raises:
        InvalidArgument: the files are missing or damaged, the model is compiled for several cores, or the allocation is none.
        IncompatibleDevice: the model's version is not known.
        NotImplemented: the file is an `.axe` package of the vendor's.
    """
    from axelera.runtime.scheduler._allocation import check_allocation  # noqa: PLC0415  which imports this module

    allocation = ncores if core_allocation is None else core_allocation
    check_allocation(allocation)
    path = found(file)
    if path.suffix == ".axe":
        from axelera.runtime.op._package import read  # noqa: PLC0415  few programs have one

        return read(path, name, allocation)
    host = loaded(path)
    if host.compiled.batch != 1:
        raise InvalidArgument(
            f"{path}: compiled for {host.compiled.batch} cores; op.load spreads frames over cores itself, so compile "
            "with aipu_cores_used=1"
        )
    return LoadedSeq(ExecModel(str(file), host, allocation), name)


def found(file: str | os.PathLike[str]) -> Path:
    """Return the file that a name means.

    Raises:
        InvalidArgument: there is none.
    """
    if not isinstance(file, str | os.PathLike):
        raise InvalidArgument(f"file is a {type(file).__name__}; give the path of an .axm archive")
    path = Path(file)
    if path.suffix in (".axe", ".axm", ".json") or os.path.lexists(path):
        return path
    tried = [path.with_name(path.name + ".axm"), Path(os.path.expanduser("~")) / CACHE / f"{path.name}.axm"]  # noqa: PTH111
    for candidate in tried:
        if os.path.lexists(candidate):
            return candidate
    raise InvalidArgument(f"{path}: no such file or directory, nor {' or '.join(map(str, tried))}")
