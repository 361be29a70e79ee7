"""Where tensors live: buffers with halos, and views into them.

Inside the arena a value q is stored as the byte q + 128. Channels are adjacent; a pixel takes a multiple of 16 bytes
(so that kernels may write whole blocks), except for the few channels of an image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arguments import Arguments, Kernel

BLOCK = 16
SLACK = 128
"""Bytes readable after every buffer: kernels read whole vectors."""


def blocks(channels: int) -> int:
    """Return channels rounded up to whole blocks."""
    return -(-channels // BLOCK) * BLOCK


@dataclass(eq=False, slots=True)
class Buffer:
    """A piece of the arena: rows × columns pixels, halo included, all of one fill byte in the halo."""

    name: str
    rows: int
    columns: int
    pixel: int
    halo: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Rows and columns around the tensor: top, left, bottom, right."""
    fill: int = 0
    contents: npt.NDArray[np.uint8] | None = None
    """What a constant holds; written when an instance is made."""
    kept: bool = False
    """Whether it is read after the program has run."""
    offset: int = field(default=0)
    """Bytes from the start of the arena, once planned."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.rows * self.columns * self.pixel


@dataclass(frozen=True, slots=True)
class View:
    """A tensor in a buffer."""

    buffer: Buffer
    start: int
    row: int
    pixel: int
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, buffer: Buffer, shape: tuple[int, int, int]) -> View:
        """Return the tensor inside the halo."""
        row = buffer.columns * buffer.pixel
        return cls(buffer, buffer.halo[0] * row + buffer.halo[1] * buffer.pixel, row, buffer.pixel, shape)

    def part(self, starts: tuple[int, int, int], shape: tuple[int, int, int]) -> View:
        """Return a contiguous part."""
        start = self.start + starts[0] * self.row + starts[1] * self.pixel + starts[2]
        return View(self.buffer, start, self.row, self.pixel, shape)

    @property
    def width(self) -> int:
        """Bytes of a pixel that belong to the tensor, in whole blocks."""
        return blocks(self.shape[2])

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    @property
    def dense(self) -> bool:
        """Whether all pixels are one run of memory without anything between."""
        return self.row == self.shape[1] * self.pixel and self.pixel == self.width

    def offsets(self) -> npt.NDArray[np.int64]:
        """Return the byte offset of every pixel from the first, in row-major order."""
        rows = np.arange(self.shape[0], dtype=np.int64)[:, None] * self.row
        return (rows + np.arange(self.shape[1], dtype=np.int64)[None, :] * self.pixel).reshape(-1)


@dataclass(frozen=True, slots=True)
class Address:
    """A byte of a buffer."""

    buffer: Buffer
    offset: int


@dataclass(frozen=True, slots=True)
class Data:
    """An array that instances share."""

    array: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class External:
    """A byte of a user's buffer: the frame of input or output number `index`."""

    output: bool
    index: int
    offset: int


@dataclass(eq=False, slots=True)
class Stage:
    """One kernel call of a program, possibly split into chunks."""

    kernel: Kernel[Any]
    arguments: Arguments
    chunks: int
    reads: tuple[View, ...]
    writes: tuple[View, ...]
    ordered: bool = False
    """Whether it must wait for the stage before although it reads nothing of it."""
    group: int = 0

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """What it reads and writes lies in these."""
        return tuple(dict.fromkeys(view.buffer for view in (*self.reads, *self.writes)))
