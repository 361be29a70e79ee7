"""Blocks of the YOLO families: bottlenecks, cross-stage-partial stages, pooling pyramids and attention."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from axemu.zoo._blocks import conv_silu
from axemu.zoo._emitter import Value
from axemu.zoo._graph import Graph

Block = Callable[[Value], Value]


@dataclass(frozen=True, slots=True)
class Size:
    """Compound scaling of a YOLO variant: factors on depth and width, and a limit on the unscaled width."""

    depth: float
    width: float
    limit: int = 1024

    def channels(self, wanted: int) -> int:
        """Scale a channel count; the result is a multiple of eight."""
        return math.ceil(min(wanted, self.limit) * self.width / 8) * 8

    def blocks(self, wanted: int) -> int:
        """Scale a number of blocks; at least one remains."""
        return max(round(wanted * self.depth), 1) if wanted > 1 else wanted


def bottleneck(g: Graph, x: Value, inner: int, kernels: tuple[int, int], *, shortcut: bool) -> Value:
    """Two convolutions, added to their input when `shortcut`."""
    y = conv_silu(g, conv_silu(g, x, inner, kernels[0]), x.channels, kernels[1])
    return g.add(x, y) if shortcut else y


def c3(
    g: Graph, x: Value, channels: int, blocks: int, *, first_kernel: int = 1, shortcut: bool = True
) -> Value:
    """Stage with two parallel 1×1 paths, one of them through a chain of bottlenecks."""
    inner = channels // 2
    with g.scope("cv1"):
        y = conv_silu(g, x, inner)
    with g.scope("cv2"):
        side = conv_silu(g, x, inner)
    for index in range(blocks):
        with g.scope("m", index):
            y = bottleneck(g, y, inner, (first_kernel, 3), shortcut=shortcut)
    with g.scope("cv3"):
        return conv_silu(g, g.concat([y, side]), channels)


def c2f(g: Graph, x: Value, channels: int, blocks: int, *, shortcut: bool) -> Value:
    """Stage whose last layer reads all intermediate results (YOLOv8)."""
    half = channels // 2
    with g.scope("cv1"):
        parts = g.split(conv_silu(g, x, 2 * half), [half, half])
    for index in range(blocks):
        with g.scope("m", index):
            parts.append(bottleneck(g, parts[-1], half, (3, 3), shortcut=shortcut))
    with g.scope("cv2"):
        return conv_silu(g, g.concat(parts), channels)


def _gathering(g: Graph, x: Value, channels: int, half: int, blocks: Sequence[Block]) -> Value:
    """Stage like `c2f` around any blocks; exporters write its halves as slices."""
    with g.scope("cv1"):
        y = conv_silu(g, x, 2 * half)
        parts = [g.slice(y, 0, half), g.slice(y, half, 2 * half)]
    for index, block in enumerate(blocks):
        with g.scope("m", index):
            parts.append(block(parts[-1]))
    with g.scope("cv2"):
        return conv_silu(g, g.concat(parts), channels)


def c3k2(g: Graph, x: Value, channels: int, blocks: int, *, nested: bool, ratio: float = 0.5) -> Value:
    """Stage like `c2f` whose inner blocks are small bottlenecks or, when `nested`, whole `c3` stages (YOLO11)."""
    half = int(channels * ratio)

    def block(y: Value) -> Value:
        if nested:
            return c3(g, y, half, 2, first_kernel=3)
        return bottleneck(g, y, half // 2, (3, 3), shortcut=True)

    return _gathering(g, x, channels, half, [block] * blocks)


def c2f_inverted(g: Graph, x: Value, channels: int, blocks: int, *, kernel: int = 3) -> Value:
    """Stage like `c2f` whose inner blocks are inverted bottlenecks around a depthwise `kernel` (YOLOv10)."""

    def depthwise(y: Value, side: int = 3) -> Value:
        return conv_silu(g, y, y.channels, side, groups=y.channels)

    def block(y: Value) -> Value:
        wide = depthwise(conv_silu(g, depthwise(y), 2 * y.channels), kernel)
        return g.add(y, depthwise(conv_silu(g, wide, y.channels)))

    return _gathering(g, x, channels, channels // 2, [block] * blocks)


def sppf(g: Graph, x: Value, channels: int, *, residual: bool = False) -> Value:
    """Three 5×5 maxima in a row, joined with their input.

    With `residual` (YOLO26) no activation precedes the maxima, and the stage is added to its input.
    """
    with g.scope("cv1"):
        y = g.conv(x, x.channels // 2)
        parts = [y if residual else g.silu(y)]
    for _ in range(3):
        parts.append(g.max_pool(parts[-1], 5, 1, pad=2))
    with g.scope("cv2"):
        y = conv_silu(g, g.concat(parts), channels)
    return g.add(y, x) if residual else y


def _attention(g: Graph, x: Value, std: float) -> Value:
    """Self-attention over the plane, with a depthwise layer on the values in place of a position code."""
    # Heads of 64 channels; a scaled width may need fewer, for all have the same even size.
    most = max(x.channels // 64, 1)
    heads = next(heads for heads in range(most, 0, -1) if x.channels % (2 * heads) == 0)
    depth = x.channels // heads
    key_depth = depth // 2
    height, width = x.shape[2:]
    with g.scope("qkv"):
        packed = g.conv(x, x.channels + 2 * heads * key_depth)
    packed = g.reshape(packed, 1, heads, 2 * key_depth + depth, height * width)
    query, key, value = g.split(packed, [key_depth, key_depth, depth], axis=2)
    query = g.transpose(g.mul(query, g.number(key_depth**-0.5)), 0, 1, 3, 2)
    weights = g.softmax(g.scores(query, key), -1)
    seen = g.reshape(g.weighted(value, g.transpose(weights, 0, 1, 3, 2)), 1, x.channels, height, width)
    plane = g.reshape(value, 1, x.channels, height, width)
    with g.scope("pe"):
        local = g.conv(plane, x.channels, 3, groups=x.channels)
    with g.scope("proj"):
        return g.conv(g.add(seen, local), x.channels, std=std)


def _attention_block(g: Graph, x: Value, index: int) -> Value:
    """Attention, then two layers on each place by itself, both added to their input; `index` counts in a chain."""
    with g.scope("attn"):
        y = g.add(x, _attention(g, x, g.branch_std(x, 2 * index)))
    with g.scope("ffn"):
        inner = conv_silu(g, y, 2 * x.channels)
        return g.add(y, g.conv(inner, x.channels, std=g.branch_std(y, 2 * index + 1)))


def c2psa(g: Graph, x: Value, blocks: int) -> Value:
    """Stage of which one half goes through attention blocks (YOLO11; a single one: YOLOv10)."""
    half = x.channels // 2
    with g.scope("cv1"):
        side, y = g.split(conv_silu(g, x, 2 * half), [half, half])
    for index in range(blocks):
        with g.scope("m", index):
            y = _attention_block(g, y, index)
    with g.scope("cv2"):
        return conv_silu(g, g.concat([side, y]), x.channels)


def c3k2_attention(g: Graph, x: Value, channels: int) -> Value:
    """Stage like `c3k2` around one bottleneck with an attention block behind it (YOLO26)."""
    half = channels // 2

    def block(y: Value) -> Value:
        return _attention_block(g, bottleneck(g, y, half // 2, (3, 3), shortcut=True), 0)

    return _gathering(g, x, channels, half, [block])
