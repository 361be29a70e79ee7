"""Comparing the integer program with the float network, tensor by tensor, on a few calibration samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from axelera.compiler.lowering import LoweredNetwork, Rescaling
from axelera.compiler.quantisation import Feeds, Segment, segments_of
from axemu.emulator import compute
from axemu.model.program import Program, Tensor

_SLACK = 1e-3
"""How far a score may lie outside 0 to 1."""
LEVELS = 16
"""A channel that uses fewer integers than this on all samples is reported."""
_ENOUGH = 256
"""Values of a channel, at least: with fewer values than int8 has levels, few levels say nothing."""

_TOGETHER = 4
"""Segments of the float network for which the program runs once: their int8 values take the bytes of one in float32."""

_BLOCK = 1 << 16
"""Values that are compared at once: few enough for the caches."""


@dataclass(slots=True)
class _Tally:
    signal: float = 0.0
    noise: float = 0.0
    values: int = 0
    used: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 256), bool))

    def add(
        self,
        real: npt.NDArray[np.float32] | None,
        codes: npt.NDArray[np.int8],
        tensor: Tensor,
        rescaling: Rescaling | None,
    ) -> None:
        """Take in one sample: `codes` as (pixels, channels), `real` as (channels, pixels) or None."""
        rows, channels = codes.shape
        if not self.used.size:
            self.used = np.zeros((channels, 256), bool)
        self.values += rows
        ends = np.array([[-128.0], [127.0]])
        meanings = np.repeat((ends - tensor.zero_point) * tensor.scale, channels, axis=1)
        if rescaling is not None:
            meanings = rescaling.undo(meanings)
        slope = (meanings[1] - meanings[0])[:, None] / 255
        offset = meanings[0][:, None] + 128 * slope
        step = max(1, _BLOCK // channels)
        for start in range(0, rows, step):
            block = codes[start : start + step]
            self._note_levels(block)
            if real is not None:
                part = real[:, start : start + step].astype(np.float64, order="C")
                if rescaling is not None:
                    np.clip(part, rescaling.low, rescaling.high, out=part)
                self.signal += float(part.reshape(-1) @ part.reshape(-1))
                dequantised = block.T.astype(np.float64, order="C")
                dequantised *= slope
                dequantised += offset
                if rescaling is not None:
                    np.clip(dequantised, rescaling.low, rescaling.high, out=dequantised)
                part -= dequantised
                self.noise += float(part.reshape(-1) @ part.reshape(-1))

    def _note_levels(self, codes: npt.NDArray[np.int8]) -> None:
        few = self._few
        if few.any():
            narrow = codes if few.all() else codes[:, few]
            self.used[np.flatnonzero(few)[None], narrow.astype(np.intp) + 128] = True

    @property
    def _few(self) -> npt.NDArray[np.bool_]:
        """Which channels have shown fewer than LEVELS integers; the others need no further look."""
        few: npt.NDArray[np.bool_] = self.used.sum(axis=1) < LEVELS
        return few

    def entry(self, *, of_network: bool) -> dict[str, Any]:
        return {
            "sqnr_db": decibels(self.signal, self.noise),
            "channels": int(self.used.shape[0]),
            "channels_below_16_levels": int(self._few.sum())
            if of_network and self.values >= _ENOUGH
            else None,
        }


def decibels(signal: float, noise: float) -> float | None:
    """Return 10 log10(signal / noise); None where one of them is zero (nothing to compare, or no error)."""
    return round(10.0 * math.log10(signal / noise), 2) if signal > 0.0 and noise > 0.0 else None


def measure_operators(
    core: onnx.ModelProto,
    network: LoweredNetwork,
    program: Program,
    samples: Sequence[tuple[Feeds, Sequence[npt.NDArray[np.int8]]]],
) -> list[dict[str, Any]]:
    """Return one entry per chip operator: its ONNX nodes, what its tensor is of the float network, SQNR, channels with few levels.

    The last is None where the samples hold too few values to tell, and for values the float network does not have.

    Args:
        core: the float network of the chip's part.
        network: the lowered network, which says which tensor is which float value.
        program: the integer program.
        samples: inputs of the core, and the same as padded int8 buffers.
    """
    tensors = [operator.output for operator in network.operators]
    shown = {name: network.activations[name].value for name in tensors}
    tallies = {name: _Tally() for name in tensors}
    given = {value.name for value in core.graph.input}
    segments = segments_of(core, {value for value in shown.values() if value is not None} - given)
    alive: list[dict[str, npt.NDArray[Any]]] = [dict(feeds) for feeds, _ in samples]
    parts = _tensors_of(segments, tensors, shown)
    for start in range(0, len(segments), _TOGETHER):
        group = list(zip(segments, parts, strict=True))[start : start + _TOGETHER]
        runners = [segment.session("report", alone=len(segments) == 1) for segment, _ in group]
        instance = compute.load(program, taps=[name for _, part in group for name in part]).instance()
        outputs = [np.empty(program.tensors[name].size, np.int8) for name in program.outputs]
        for (feeds, buffers), values in zip(samples, alive, strict=True):
            instance.run([buffer.reshape(-1) for buffer in buffers], outputs)
            for (segment, part), runner in zip(group, runners, strict=True):
                real = {**feeds, **segment.run(runner, values, "report")}
                for name in part:
                    tensor, value = program.tensors[name], shown[name]
                    expected = None if value is None else _planes(real[value], tensor.shape)
                    codes = instance.taps[name][0].reshape(-1, tensor.shape[2])
                    tallies[name].add(expected, codes, tensor, network.activations[name].rescaling)
    return [
        {
            "name": operator.name,
            "operator": operator.op,
            "source": list(operator.source),
            "tensor": operator.output,
            "value": shown[operator.output],
            "rescaling": _rescaling(network.activations[operator.output].rescaling),
            **tallies[operator.output].entry(of_network=shown[operator.output] is not None),
        }
        for operator in network.operators
    ]


def _rescaling(change: Rescaling | None) -> dict[str, Any] | None:
    """Return how a tensor's channels differ from the float value: tensor = clip(value, low, high) * gain + shift."""
    if change is None:
        return None
    ends = {"low": change.low, "high": change.high}
    return {
        "gain": [float(np.float32(gain)) for gain in change.gain],
        "shift": [float(np.float32(shift)) for shift in change.shift],
        **{key: end if math.isfinite(end) else None for key, end in ends.items()},
    }


def _planes(real: npt.NDArray[np.float32], shape: tuple[int, int, int]) -> npt.NDArray[np.float32] | None:
    """Return a float value as (channels, pixels); None where the chip's tensor has another size (padding)."""
    height, width, channels = shape
    if real.size != height * width * channels:
        return None
    return real.reshape(channels, height * width)


def _tensors_of(
    segments: Sequence[Segment], names: Iterable[str], shown: Mapping[str, str | None]
) -> list[list[str]]:
    """Return the tensors to compare in each segment: where their float value is, or else that of the tensor before."""
    place = {value: index for index, segment in enumerate(segments) for value in segment.wanted}
    parts: list[list[str]] = [[] for _ in segments]
    index = 0
    for name in names:
        index = place.get(shown[name] or "", index)
        parts[index].append(name)
    return parts


def measure_outputs(
    float_outputs: Sequence[Sequence[npt.NDArray[Any]]],
    integer_outputs: Sequence[Sequence[npt.NDArray[Any]]],
    names: Sequence[str],
) -> list[dict[str, Any]]:
    """Return for each network output how far the quantised network is from the float one, end to end."""
    entries = []
    for index, name in enumerate(names):
        pairs = [
            (np.asarray(real[index], np.float64), np.asarray(result[index], np.float64))
            for real, result in zip(float_outputs, integer_outputs, strict=True)
        ]
        signal = sum(float(np.square(real).sum()) for real, _ in pairs)
        noise = sum(float(np.square(real - result).sum()) for real, result in pairs)
        entries.append(
            {
                "name": name,
                "sqnr_db": decibels(signal, noise),
                "largest_error": max(
                    (float(np.abs(real - result).max(initial=0.0)) for real, result in pairs), default=0.0
                ),
                "same_maximum": sum(
                    int(real.argmax() == result.argmax()) for real, result in pairs if real.size
                ),
                "samples": len(pairs),
                "kinds": _kinds(pairs),
            }
        )
    return entries


def _kinds(pairs: Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]) -> list[dict[str, Any]]:
    """Return the error of coordinates and of scores apart, where an output holds both, as detectors' do.

    A channel is the shorter of the last two axes of (1, channels, boxes) or (1, boxes, channels); one of scores has values
    from 0 to 1 only.
    """
    if not pairs or pairs[0][0].ndim != 3 or pairs[0][0].shape != pairs[0][1].shape:
        return []
    shape = pairs[0][0].shape
    axis = 1 if shape[1] <= shape[2] else 2
    rows = [
        tuple(np.moveaxis(side, axis, 0).reshape(shape[axis], -1) for side in pair)
        for pair in pairs
        if pair[0].shape == shape
    ]
    low = np.min([real.min(axis=1) for real, _ in rows], axis=0)
    high = np.max([real.max(axis=1) for real, _ in rows], axis=0)
    scores = (low >= -_SLACK) & (high <= 1 + _SLACK)
    if scores.all() or not scores.any():
        return []
    return [
        {
            "kind": kind,
            "channels": int(chosen.sum()),
            "sqnr_db": decibels(
                sum(float(np.square(real[chosen]).sum()) for real, _ in rows),
                sum(float(np.square(real[chosen] - result[chosen]).sum()) for real, result in rows),
            ),
        }
        for kind, chosen in (("coordinates", ~scores), ("scores", scores))
    ]
