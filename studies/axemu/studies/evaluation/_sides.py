"""The two networks that are compared: in float on the host, and in int8 on a board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from axelera.compiler.frontend import load_proto
from axelera.compiler.quantisation import run_session, session
from axelera.runtime import Context
from axemu import faces
from axemu.driver import Driver, IncompatibleDevice, InvalidArgument
from axemu.host import HostPart

Side = Callable[[npt.NDArray[np.float32]], list[npt.NDArray[Any]]]
"""From a network's input to its outputs."""


class FloatSide:
    """A float network in ONNX Runtime.

    Raises:
        ModelError: the file is no network, or ONNX Runtime refuses it.
        InvalidArgument: it has several inputs.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session = session(load_proto(path), str(path))
        names = [value.name for value in self._session.get_inputs()]
        if len(names) != 1:
            raise InvalidArgument(f"{path}: inputs {', '.join(names)}; a picture is one")
        self._name = names[0]

    @property
    def input_shape(self) -> tuple[int | str, ...]:
        """Shape of the input as the file has it."""
        return tuple(self._session.get_inputs()[0].shape)

    def __call__(self, value: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        """Run one frame."""
        return run_session(self._session, None, {self._name: value}, str(self._path))


class Int8Side:
    """A compiled model on a board, with the host's part of it; a context manager that gives the board back.

    Args:
        path: its model.json, directory or archive.
        driver: the board's, by default the one that is configured.

    Raises:
        AxeleraError: it cannot be loaded; IncompatibleDevice if it takes several frames at once.
    """

    def __init__(self, path: Path, driver: str | Driver | None = None) -> None:
        faces.check("axelera.runtime")
        self._context = Context(driver)
        try:
            model = self._context.load_model(path)
            self._part = HostPart(model, path)
            _check_one(self._part, path)
            self._instance = self._context.device_connect().load_model_instance(model)
        except BaseException:
            self._context.release()
            raise

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the network's input, -1 where any size is taken."""
        return self._part.input_shapes[0]

    def __call__(self, value: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        """Run one frame."""
        return self._part.run(self._instance, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.release()


def _check_one(part: HostPart, path: Path) -> None:
    if part.batch != 1:
        raise IncompatibleDevice(
            f"{path}: takes {part.batch} frames at once; its values are those of the build for one core: compile that "
            "(axcompile --aipu-cores 1)"
        )
    if len(part.input_shapes) != 1:
        raise InvalidArgument(f"{path}: {len(part.input_shapes)} inputs; a picture is one")
