"""Weights and per-channel constants in the order in which the micro-kernels read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._paths import Operands, PathSpec

CACHE_LINE = 64


@dataclass(frozen=True, slots=True)
class Folded:
    """Constants of channels that give the same results in fewer steps."""

    roles: tuple[npt.NDArray[np.float32], ...]
    proved: npt.NDArray[np.bool_]
    """Of which channels that is known."""

    def part(self, first: int, last: int) -> Folded:
        """Return those of some channels."""
        return Folded(tuple(role[first:last] for role in self.roles), self.proved[first:last])


def lane_order(vectors: int, lanes: int) -> npt.NDArray[np.int64]:
    """Return which channel of a panel each lane holds, shape (vectors, lanes).

    The packing instructions of x86 interleave 16-byte blocks of their operands. With this order the bytes come out
    in the order of the channels. Four vectors: channel 16j + 4n + q in lane 4j + q of vector n; two: 8j + 4n + q;
    three are two and one.
    """
    if vectors == 3:
        return np.concatenate([lane_order(2, lanes), 2 * lanes + lane_order(1, lanes)])
    n = np.arange(vectors)[:, None, None]
    j = np.arange(lanes // 4)[None, :, None]
    q = np.arange(4)[None, None, :]
    return (4 * vectors * j + 4 * n + q).reshape(vectors, lanes)


def pack_weights(
    weights: npt.NDArray[np.int8], panels: int, vectors: int, spec: PathSpec
) -> npt.NDArray[np.int8]:
    """Return the weights of all panels as bytes, shape (panels, bytes per panel).

    Args:
        weights: int8 (output channels, taps, bytes per tap); bytes per tap is a multiple of 4.
        panels: number of panels; missing channels become 0.
        vectors: vectors per panel.
        spec: the path (`Operands`: WORDS or, as all others, BYTES).
    """
    channels, taps, depth = weights.shape
    width = vectors * spec.lanes
    whole = weights
    if channels < panels * width:
        whole = np.zeros((panels * width, taps, depth), np.int8)
        whole[:channels] = weights
    order = (np.arange(panels)[:, None] * width + lane_order(vectors, spec.lanes).reshape(-1)).reshape(-1)
    quads = whole[order].reshape(panels, vectors, spec.lanes, taps, depth // 4, 4)
    if spec.operands is Operands.WORDS:
        pairs = quads.reshape(*quads.shape[:-1], 2, 2).astype(np.int16)
        packed: npt.NDArray[Any] = pairs.transpose(0, 3, 4, 1, 6, 2, 5)
    else:
        packed = quads.transpose(0, 3, 4, 1, 2, 5)
    return aligned(packed).reshape(panels, -1).view(np.int8)


def pack_dense(
    weights: npt.NDArray[np.int8], panels: int, vectors: int, spec: PathSpec
) -> npt.NDArray[np.int8]:
    """As `pack_weights`, for dense products.

    `Operands.PAIRS`: eight weights of two channels that follow each other; each tap is filled up with zeros.
    """
    if spec.operands is not Operands.PAIRS:
        return pack_weights(weights, panels, vectors, spec)
    channels, taps, depth = weights.shape
    octets = -(-depth // 8)
    whole = np.zeros((panels * vectors * spec.lanes, taps, 8 * octets), np.int8)
    whole[:channels, :, :depth] = weights
    pairs = whole.reshape(panels, vectors * spec.lanes // 2, 2, taps, octets, 8)
    return aligned(pairs.transpose(0, 3, 4, 1, 2, 5)).reshape(panels, -1)


def start_values(
    starts: npt.NDArray[np.int32], weights: npt.NDArray[np.int8], spec: PathSpec
) -> npt.NDArray[np.int32]:
    """Return the start values (output channels,) of sums over weights (output channels, …) as a path makes them.

    Args:
        starts: those of sums over stored bytes, q + 128.
        weights: all that the sums are made of.
        spec: the path.
    """
    if spec.operands is not Operands.SIGNED:
        return starts
    sums: npt.NDArray[np.int64] = weights.reshape(starts.size, -1).sum(axis=1, dtype=np.int64)
    return np.asarray(starts + 128 * sums).astype(np.int32)


def pack_channels(
    starts: npt.NDArray[np.int32],
    roles: Sequence[npt.NDArray[np.float32]],
    panels: int,
    vectors: int,
    spec: PathSpec,
    folded: Folded | None = None,
) -> npt.NDArray[np.int32]:
    """Return start values, constants, and whether these are the folded ones, of all panels; int32 (panels, 2 + roles, vectors, lanes).

    A panel takes the folded constants if they are proved for all its channels.
    """
    width = vectors * spec.lanes
    whole = np.zeros((2 + len(roles), panels * width), np.int32)
    whole[0, : starts.size] = starts
    short = np.zeros(panels * width, np.bool_)
    if folded:
        proved = np.ones(panels * width, np.bool_)
        proved[: folded.proved.size] = folded.proved
        short = np.repeat(proved.reshape(panels, width).all(axis=1), width)
        whole[-1] = short
    for index, role in enumerate(roles):
        chosen = np.where(short[: role.size], folded.roles[index], role) if folded else role
        whole[1 + index, : role.size] = np.ascontiguousarray(chosen, np.float32).view(np.int32)
    order = lane_order(vectors, spec.lanes)
    by_panel = whole.reshape(2 + len(roles), panels, width).transpose(1, 0, 2)
    return aligned(by_panel[:, :, order])


def aligned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a contiguous copy that starts at a cache line: vectors and rows of tiles then never lie across two."""
    copy = _room(array.shape, array.dtype)
    copy[...] = array
    return copy


def joined(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return arrays one after the other along their first axis, aligned likewise."""
    shape = sum(array.shape[0] for array in arrays), *arrays[0].shape[1:]
    return np.concatenate(arrays, out=_room(shape, arrays[0].dtype))


def _room(shape: tuple[int, ...], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    size = math.prod(shape) * kind.itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(kind).reshape(shape)
