"""Looking at what goes through a pipeline. Only what these do is published: parameters and files are ours."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from axelera.runtime.op._core import Unpacked, as_array
from axelera.runtime.op._turns import Ordered
from axemu.driver import InvalidArgument, path_errors


class Observer(Ordered):
    """Call a function with what comes in, and hand it on unchanged. Frames of a stream come in order."""

    can_be_saved = False
    callback: Callable[..., Any]

    def __call__(self, *values: Any) -> Any:
        """Return what came in."""
        with self._turn():
            self.callback(*values)
        return values[0] if len(values) == 1 else Unpacked(values)


class Dumper(Ordered):
    """Write what comes in into a directory, and hand it on unchanged.

    Files are called 000000.npy and so on; with several values a frame 000000_0.npy, 000000_1.npy. Frames of a stream come in order.
    """

    can_be_saved = False  # loading a package must not write anywhere
    directory: str | os.PathLike[str]

    def __post_init__(self) -> None:
        """Begin to count."""
        self._count = 0

    def __call__(self, *values: Any) -> Any:
        """Return what came in.

        Raises:
            TypeError: something is no array.
            InvalidArgument: it cannot be written.
        """
        arrays = [as_array(value, self) for value in values]
        folder = Path(self.directory)
        with self._turn(), path_errors(InvalidArgument, folder, "cannot be written"):
            folder.mkdir(parents=True, exist_ok=True)
            for index, array in enumerate(arrays):
                part = f"_{index}" if len(arrays) > 1 else ""
                np.save(folder / f"{self._count:06}{part}.npy", array)
            self._count += 1
        return values[0] if len(values) == 1 else Unpacked(values)


observer, dumper = Observer, Dumper
