"""Kernels in the array: in-core replication (R3, R4), replicated bytes (R5) and sets (R6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from axelera.compiler.planning.passes._options import Cut
from axemu.chip import METIS

WORD = int(METIS.channel_granularity)
"""Bytes of a word: 64 channels of one pixel."""

INSTRUCTION_WORDS = int(METIS.array_inputs) // WORD
INSTRUCTION_CYCLES = int(METIS.vector_cycles)
BLOCK_BYTES = WORD * WORD
"""Weights between one word in and one word out."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One loading of the array: a weight tensor, or the part of one that a group of output words needs.

    Args:
        copies: pixels of a row that are made at once (in-core replication).
        fed: words fed per group of `copies` pixels; 0 where the weights do not go into the array (depthwise).
        outputs: words made per group, copies together.
        groups: groups per row of the output.
        size: bytes of weights as stored, replicated.
        commands: load commands; the array holds one block of up to 8 words per instruction.
        from_l1: the weights are an activation that lies in L1; nothing is fetched.
    """

    copies: int
    fed: int
    outputs: int
    groups: int
    size: int
    commands: int
    from_l1: bool = False

    @property
    def instructions(self) -> int:
        """Array instructions per group."""
        return -(-self.fed // INSTRUCTION_WORDS)

    @property
    def load_cycles(self) -> int:
        """Cycles to load the array, one word per cycle."""
        return self.size // WORD if self.fed else 0


@dataclass(frozen=True, slots=True)
class Window:
    """The shape of a convolution as the array sees it: words in and out per pixel, kernel, stride, output side."""

    inputs: int
    outputs: int
    kernel: tuple[int, int]
    stride: int
    height: int
    width: int


def words(channels: int) -> int:
    """Return the words that `channels` of one pixel take."""
    return -(-channels // WORD)


def fed_words(window: Window, copies: int) -> int:
    """R3, R4 (verified): words fed per group of `copies` pixels.

    Windows of neighbouring outputs overlap. A 1x1 kernel of one word in and one out is fed two words per pixel, the
    second zero; why is unknown.
    """
    tall, wide = window.kernel
    if tall * wide == window.inputs == window.outputs == 1:
        return 2 * copies
    return tall * ((copies - 1) * window.stride + wide) * window.inputs


def fits_sets(fed: int, outputs: int) -> bool:
    """R6 (verified): each set holds as many blocks of 8 words in as their outputs go into its 8 words out."""
    return outputs <= INSTRUCTION_WORDS and -(-fed // INSTRUCTION_WORDS) <= int(METIS.weight_sets) * (
        INSTRUCTION_WORDS // outputs
    )


def best_copies(
    fed: Callable[[int], int],
    outputs: int,
    height: int,
    width: int,
    turns: Callable[[int], int] = lambda _: 1,
) -> int | None:
    """R3 (verified, 82 of 82 kernels): the copies that take least to load and to run; None where none fits the sets.

    Args:
        fed: words fed per group of as many copies.
        outputs: words made per pixel.
        height: rows of the output.
        width: pixels per row.
        turns: how often the kernel is loaded, by copies.
    """
    candidates = [
        copies
        for copies in range(1, int(METIS.replication_limit) + 1)
        if fits_sets(fed(copies), copies * outputs)
    ]

    def cost(copies: int) -> int:
        load = WORD * fed(copies) * copies * outputs * turns(copies)
        slots = height * -(-width // copies) * -(-fed(copies) // INSTRUCTION_WORDS)
        return load + INSTRUCTION_CYCLES * slots

    return min(candidates, key=cost, default=None)


def dense_kernels(window: Window, cut: Cut = "outputs") -> tuple[Kernel, ...]:
    """Return the loadings of a dense convolution.

    R5 (verified): weights are stored and moved replicated. A kernel that no number of copies brings into the four sets
    (inferred, no program shows one) is cut into groups of output words, and where these are too deep still, into
    parts of its inputs, whose sums are added up.
    """
    copies = best_copies(lambda count: fed_words(window, count), window.outputs, window.height, window.width)
    if copies is not None:
        return (_kernel(window, copies, window.outputs, fed_words(window, copies)),)
    fed = fed_words(window, 1)
    widest = min(INSTRUCTION_WORDS, window.outputs)
    fitting = (size for size in range(widest, 0, -1) if fits_sets(fed, size))
    group = widest if cut == "inputs" else next(fitting, 1)
    count = -(-window.outputs // group)
    deepest = int(METIS.weight_sets) * (INSTRUCTION_WORDS // group) * INSTRUCTION_WORDS
    parts = -(-fed // deepest)
    return tuple(
        _kernel(window, 1, size, depth)
        for size in shares(window.outputs, count)
        for depth in shares(fed, parts)
    )


def shares(total: int, count: int) -> Iterable[int]:
    """Cut `total` into `count` parts that differ by one at most."""
    return (total * (index + 1) // count - total * index // count for index in range(count))


def _kernel(window: Window, copies: int, outputs: int, fed: int) -> Kernel:
    return Kernel(
        copies=copies,
        fed=fed,
        outputs=copies * outputs,
        groups=-(-window.width // copies),
        size=fed * copies * outputs * BLOCK_BYTES,
        commands=-(-fed // INSTRUCTION_WORDS),
    )


def depthwise_kernel(taps: int, outputs: int) -> Kernel:
    """Return the weights of a depthwise convolution, which bypass the array (inferred; no program shows one)."""
    return Kernel(copies=1, fed=0, outputs=outputs, groups=0, size=taps * outputs * WORD, commands=1)


def image_kernel(window: Window, row_bytes: int, pixel: int, *, phases: bool = True) -> Kernel | None:
    """Return the loading of a kernel that reads an image of `pixel` bytes per pixel; None if it does not fit.

    R3 over the padded row (verified for the copies of three kernels). Inferred from the same three: groups step over a
    row in whole words, and where a group of copies steps by a fraction of a word, the kernel is stored once per phase.
    """
    tall, wide = window.kernel

    def fed(copies: int) -> int:
        span = -(-((copies - 1) * window.stride + wide) * pixel // WORD)
        return 2 * span if tall * wide == span == window.outputs == 1 else tall * span

    padded = max(window.width, row_bytes // (pixel * window.stride))

    def turns(copies: int) -> int:
        step = copies * window.stride * pixel
        return math.lcm(step, WORD) // step if phases else 1

    copies = best_copies(fed, window.outputs, window.height, padded, turns)
    if copies is None:
        return None
    span = math.lcm(copies * window.stride * pixel, WORD)
    groups = -(-row_bytes // span) * min(span // (copies * window.stride * pixel), -(-window.width // copies))
    return Kernel(
        copies=copies,
        fed=fed(copies),
        outputs=copies * window.outputs,
        groups=groups,
        size=fed(copies) * copies * window.outputs * BLOCK_BYTES * turns(copies),
        commands=-(-fed(copies) // INSTRUCTION_WORDS) * turns(copies),
    )
