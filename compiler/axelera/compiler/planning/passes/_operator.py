"""Operators of a core's program before they are cut into tiles: what they read, write and use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from axelera.compiler.planning.passes._kernel import INSTRUCTION_CYCLES, Kernel
from axemu.model.passes import Tile, Units

Home = Literal["l1", "ddr_input", "ddr_const"]


@dataclass(frozen=True, slots=True)
class Map:
    """A tensor in memory: `rows` rows of `row_bytes` each. `home` is where a map lies that no operator makes."""

    name: str
    rows: int
    row_bytes: int
    home: Home = "l1"

    @property
    def size(self) -> int:
        """Bytes of the whole map."""
        return self.rows * self.row_bytes


@dataclass(frozen=True, slots=True)
class Read:
    """How an operator reads a map: output row y needs rows from y * stride - pad on, `extent` of them."""

    name: str
    extent: int = 1
    stride: float = 1.0
    pad: int = 0
    whole: bool = False

    def rows(self, tile: Tile, available: int) -> int:
        """Return how many of the map's `available` rows a tile needs, halo included."""
        first, stop = self.window(tile, available)
        return stop - first

    def window(self, tile: Tile, available: int) -> tuple[int, int]:
        """Return the first of the map's `available` rows that a tile needs, halo included, and the one after the last."""
        if self.whole:
            return 0, available
        first = int(tile.first * self.stride) - self.pad
        last = int((tile.first + tile.rows - 1) * self.stride) - self.pad + self.extent
        first = min(max(first, 0), available - 1)
        return first, max(first + 1, min(last, available))


@dataclass(slots=True)
class Operator:
    """One operator: a kernel (or several loadings of one) or a pass without the array.

    Cycles per output word are those of tables (`lookup`), products of two maps (`product`) and other instructions
    (`vector`); `gather` are taps of a window that hangs over the edge of its map; `constants` are words of vector constants.
    `lines` is the number of rows the array works through, `height` the number of rows of the output.
    """

    layer: str
    role: str
    reads: tuple[Read, ...]
    output: str
    height: int
    width: int
    words: int
    input_words: int
    kernels: tuple[Kernel, ...] = ()
    lines: int = 0
    feed: int = 1
    adder: int = 0
    vector: int = 0
    lookup: int = 0
    product: int = 0
    gather: int = 0
    depthwise: int = 0
    second: bool = False
    constants: int = 0
    grouped: bool = False
    macs: int = 0

    @property
    def size(self) -> int:
        """Bytes of weights that are fetched."""
        return sum(kernel.size for kernel in self.kernels if not kernel.from_l1)

    @property
    def largest(self) -> int:
        """Bytes of the largest weight tensor that is fetched."""
        return max((kernel.size for kernel in self.kernels if not kernel.from_l1), default=0)

    @property
    def stalls(self) -> bool:
        """Whether vector constants and a second operand share a feed, so that constants are waited for."""
        return self.second and self.constants > 0

    @property
    def commands(self) -> int:
        """Commands of a pass: five units in a row, the second feed and the vector unit again where they are needed."""
        return 5 + (self.second or self.constants > 0) + 2 * self.stalls

    def units(self, kernel: Kernel | None, rows: int) -> Units:
        """Return what a pass over `rows` rows of the output uses."""
        if kernel is None or not kernel.fed:
            made = rows * self.width * self.words
            return Units(
                feed=made * self.feed,
                adder=made * self.adder,
                second=made * self.second + self.constants,
                vector=made * (self.vector + self.lookup + self.product),
                drain=made,
                depthwise=made * self.depthwise,
            )
        groups = -(-rows * self.lines // self.height) * kernel.groups
        made = groups * kernel.outputs
        several = kernel.instructions if kernel.instructions > 1 else 0
        return Units(
            feed=groups * kernel.fed,
            array=groups * kernel.instructions * INSTRUCTION_CYCLES,
            adder=made * several,
            second=made * self.second + self.constants,
            vector=made * (self.vector + self.lookup + self.product),
            drain=made,
        )
