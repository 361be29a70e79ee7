"""A timeline as a Perfetto trace: a track per unit and thread, flows from calls to tasks, counters of bandwidth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axelera.chip import TICKS_PER_SECOND
from axelera.emulator.metis._spec import Span, Timeline

if TYPE_CHECKING:
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace

SEQUENCE = 1


def write_trace(path: Path, timeline: Timeline, note: str = "") -> None:
    """Write `timeline`, simulated with `trace=True`, as a Perfetto protobuf file, whole or not at all.

    Timestamps are nanoseconds of virtual time. `note` is added to the name of the process of each board.

    Raises:
        ModuleNotFoundError: the perfetto package is not installed; install `axemu[trace]`.
        OSError: the file cannot be written.
    """
    content = trace_of(timeline, note).SerializeToString()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


def trace_of(timeline: Timeline, note: str = "") -> Trace:
    """Return the trace as a protobuf message."""
    try:
        from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace  # noqa: PLC0415  optional
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("traces need the perfetto package; install axemu[trace]") from error
    trace = Trace()
    tracks = _Tracks(
        trace, f"simulated, model {timeline.model_version}, calibration {timeline.calibration_id}{note}"
    )
    for tick, _order, emit in sorted(_events(timeline, tracks), key=lambda event: event[:2]):
        packet = trace.packet.add()
        packet.timestamp = nanoseconds(tick)
        packet.trusted_packet_sequence_id = SEQUENCE
        emit(packet.track_event)
    return trace


def nanoseconds(tick: int) -> int:
    """Return a tick of 1/84 GHz in whole nanoseconds, rounded down."""
    return tick * 1_000_000_000 // TICKS_PER_SECOND


class _Tracks:
    """Tracks by name, described in the trace when first used."""

    def __init__(self, trace: Any, note: str) -> None:
        self._trace = trace
        self._note = note
        self._ids: dict[str, int] = {}

    def process(self, name: str) -> int:
        if name not in self._ids:
            descriptor = self._describe(name)
            descriptor.process.pid = len(self._ids)
            descriptor.process.process_name = f"{name} ({self._note})"
        return self._ids[name]

    def unit(self, name: str) -> int:
        if name not in self._ids:
            parent = self.process(name.split(".", maxsplit=1)[0] if name.startswith("board") else "program")
            descriptor = self._describe(name)
            descriptor.parent_uuid = parent
            descriptor.name = name
        return self._ids[name]

    def counter(self, name: str) -> int:
        key = f"{name}:counter"
        if key not in self._ids:
            parent = self.process(name.split(".", maxsplit=1)[0])
            descriptor = self._describe(key)
            descriptor.parent_uuid = parent
            descriptor.name = f"{name} bytes/s"
            descriptor.counter.unit_name = "bytes/s"
        return self._ids[key]

    def _describe(self, key: str) -> Any:
        self._ids[key] = len(self._ids) + 1
        packet = self._trace.packet.add()
        packet.trusted_packet_sequence_id = SEQUENCE
        packet.track_descriptor.uuid = self._ids[key]
        return packet.track_descriptor


END, COUNT, BEGIN = range(3)
"""What comes first at one tick."""


def _events(timeline: Timeline, tracks: _Tracks) -> Iterator[tuple[int, int, Callable[[Any], None]]]:
    """Yield (tick, order at that tick, what to write)."""
    flows = _flows(timeline.spans)
    for number, span in enumerate(timeline.spans):
        if span.end == span.start:
            continue
        track = tracks.unit(span.track)
        yield span.start, BEGIN, partial(_begin, span, track, flows.get(number, ((), ())))
        yield span.end, END, partial(_end, track)
    for rate in timeline.rates:
        yield rate.tick, COUNT, partial(_count, tracks.counter(rate.unit), rate.speed)
    for board, changes in _l2_rates(timeline.spans).items():
        track = tracks.counter(f"{board}.l2")
        for tick, speed in changes:
            yield tick, COUNT, partial(_count, track, speed)


def _begin(span: Span, track: int, flows: tuple[Sequence[int], Sequence[int]], event: Any) -> None:
    event.type = event.TYPE_SLICE_BEGIN
    event.track_uuid = track
    event.name = span.name
    event.categories.append(span.track.rsplit(".", 1)[-1])
    for name, value in (("call", span.call), ("bytes", span.amount)):
        if value or name == "call":
            note = event.debug_annotations.add()
            note.name, note.uint_value = name, value
    event.flow_ids.extend(flows[0])
    event.terminating_flow_ids.extend(flows[1])


def _end(track: int, event: Any) -> None:
    event.type = event.TYPE_SLICE_END
    event.track_uuid = track


def _count(track: int, value: int, event: Any) -> None:
    event.type = event.TYPE_COUNTER
    event.track_uuid = track
    event.counter_value = value


def _flows(spans: Sequence[Span]) -> dict[int, tuple[list[int], list[int]]]:
    """Return per span (flows that begin, flows that end): from each call to the first thing each unit does for it."""
    firsts: dict[tuple[int, int], dict[str, int]] = {}
    calls: dict[tuple[int, int], int] = {}
    for number, span in enumerate(spans):
        key = (span.thread, span.call)
        if span.end == span.start:
            continue
        if span.track.startswith("thread"):
            calls[key] = number
        else:
            firsts.setdefault(key, {}).setdefault(span.track, number)
    result: dict[int, tuple[list[int], list[int]]] = {}
    count = 0
    for key, number in calls.items():
        for first in firsts.get(key, {}).values():
            count += 1
            result.setdefault(number, ([], []))[0].append(count)
            result.setdefault(first, ([], []))[1].append(count)
    return result


def _l2_rates(spans: Sequence[Span]) -> dict[str, list[tuple[int, int]]]:
    """Return per board the changes of the bytes per second that cross L2, each task at its mean."""
    changes: dict[str, dict[int, int]] = {}
    for span in spans:
        board, _, unit = span.track.partition(".")
        if (
            unit.startswith("core")
            and span.amount
            and not span.name.startswith("ddr ")
            and span.end > span.start
        ):
            speed = span.amount * TICKS_PER_SECOND // (span.end - span.start)
            steps = changes.setdefault(board, {})
            steps[span.start] = steps.get(span.start, 0) + speed
            steps[span.end] = steps.get(span.end, 0) - speed
    result = {}
    for board, steps in changes.items():
        total = 0
        result[board] = [(tick, total := total + steps[tick]) for tick in sorted(steps)]
    return result
