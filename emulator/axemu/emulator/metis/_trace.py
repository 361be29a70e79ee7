"""A timeline as a Perfetto trace: a track per unit and thread, flows from calls to tasks, counters of bandwidth.

Packets are made and written in the order of time, so that a trace takes little more memory than its spans.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from axemu.chip import TICKS_PER_SECOND
from axemu.emulator.metis._spec import Span, Timeline
from axemu.model import replacing

SEQUENCE = 1
CHUNK = 4096
"""Packets that are written together."""

END, COUNT, BEGIN = range(3)
"""What comes first at one tick."""

Flows = tuple[Sequence[int], Sequence[int]]


class _Event(NamedTuple):
    """What happens at a tick; `emit` writes it into a packet's event."""

    tick: int
    order: int
    emit: Callable[[Any], None]


def write_trace(path: Path, timeline: Timeline, note: str = "") -> None:
    """Write `timeline`, simulated with `trace=True`, as a Perfetto protobuf file, whole or not at all.

    Timestamps are nanoseconds of virtual time. `note` is added to the name of the process of each board.

    Raises:
        ModuleNotFoundError: the perfetto package is not installed; install `axemu[trace]`.
        OSError: the file cannot be written.
    """
    try:
        from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TracePacket  # noqa: PLC0415  optional
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("traces need the perfetto package; install axemu[trace]") from error
    packets = _packets(timeline, note, TracePacket)
    with replacing(path) as temporary, temporary.open("wb") as file:
        while chunk := list(itertools.islice(packets, CHUNK)):
            # Traces one after the other are one trace.
            file.write(Trace(packet=chunk).SerializeToString())


def nanoseconds(tick: int) -> int:
    """Return a tick of 1/84 GHz in whole nanoseconds, rounded down."""
    return tick * 1_000_000_000 // TICKS_PER_SECOND


def _packets(timeline: Timeline, note: str, new: Callable[..., Any]) -> Iterator[Any]:
    """Yield packets, each track described before anything happens on it."""
    tracks = _Tracks(
        new, f"simulated, model {timeline.model_version}, calibration {timeline.calibration_id}{note}"
    )
    for event in _events(timeline, tracks):
        packet = new(timestamp=nanoseconds(event.tick), trusted_packet_sequence_id=SEQUENCE)
        event.emit(packet.track_event)
        yield from tracks.described()
        yield packet


class _Tracks:
    """Tracks by name, described when first used."""

    def __init__(self, new: Callable[..., Any], note: str) -> None:
        self._new = new
        self._note = note
        self._ids: dict[str, int] = {}
        self._described: list[Any] = []

    def described(self) -> list[Any]:
        """Return the descriptions that were not returned yet."""
        result, self._described = self._described, []
        return result

    def process(self, name: str) -> int:
        """Return the track of a board or the program."""
        if name not in self._ids:
            descriptor = self._describe(name)
            descriptor.process.pid = self._ids[name]
            descriptor.process.process_name = f"{name} ({self._note})"
        return self._ids[name]

    def unit(self, name: str) -> int:
        """Return the track of a thread, a copy or a core."""
        process = name.partition(".")[0] if name.startswith("board") else "program"
        return self._below(name, self.process(process))

    def part(self, core: str, unit: str) -> int:
        """Return the track of a unit of a core, below that of the core."""
        return self._below(f"{core}.{unit}", self.unit(core))

    def counter(self, name: str) -> int:
        """Return the track of a bandwidth."""
        key = f"{name}:counter"
        if key not in self._ids:
            parent = self.process(name.partition(".")[0])
            descriptor = self._describe(key)
            descriptor.parent_uuid = parent
            descriptor.name = f"{name} bytes/s"
            descriptor.counter.unit_name = "bytes/s"
        return self._ids[key]

    def _below(self, name: str, parent: int) -> int:
        if name not in self._ids:
            descriptor = self._describe(name)
            descriptor.parent_uuid = parent
            descriptor.name = name
        return self._ids[name]

    def _describe(self, key: str) -> Any:
        self._ids[key] = len(self._ids) + 1
        packet = self._new(trusted_packet_sequence_id=SEQUENCE)
        packet.track_descriptor.uuid = self._ids[key]
        self._described.append(packet)
        return packet.track_descriptor


def _events(timeline: Timeline, tracks: _Tracks) -> Iterator[_Event]:
    """Yield everything that happens, in order."""
    flows = _flows(timeline.spans)
    begun = sorted(range(len(timeline.spans)), key=lambda number: timeline.spans[number].start)

    def slices() -> Iterator[list[_Event]]:
        for number in begun:
            yield list(_slices(timeline.spans[number], flows.get(number, ((), ())), tracks))

    rates = (
        _Event(rate.tick, COUNT, partial(_count, tracks.counter(rate.unit), rate.speed))
        for rate in timeline.rates
    )
    near = _l2((timeline.spans[number] for number in begun), tracks)
    return heapq.merge(_in_order(slices()), rates, near, key=lambda event: event[:2])


Item = TypeVar("Item", bound=tuple[Any, ...])


def _in_order(groups: Iterator[list[Item]]) -> Iterator[Item]:
    """Yield items by their first two members; no group has an item before the first of the group before it."""
    waiting: list[tuple[Any, Any, int, Item]] = []
    numbers = itertools.count()
    for group in groups:
        for item in group:
            heapq.heappush(waiting, (item[0], item[1], next(numbers), item))
        first = group[0][0] if group else 0
        while waiting and waiting[0][0] < first:
            yield heapq.heappop(waiting)[-1]
    while waiting:
        yield heapq.heappop(waiting)[-1]


def _slices(span: Span, flows: Flows, tracks: _Tracks) -> Iterator[_Event]:
    """Yield begin and end of a span and of what the units of a core did in it."""
    if span.end == span.start:
        return
    track = tracks.unit(span.track)
    yield _Event(span.start, BEGIN, partial(_begin, span, track, flows))
    yield _Event(span.end, END, partial(_end, track))
    for unit, begin, end in span.parts:
        if end > begin:
            track = tracks.part(span.track, unit)
            yield _Event(span.start + begin, BEGIN, partial(_part, span.name, unit, track))
            yield _Event(span.start + end, END, partial(_end, track))


def _begin(span: Span, track: int, flows: Flows, event: Any) -> None:
    _part(span.name, span.track.rsplit(".", 1)[-1], track, event)
    for name, value in (("call", span.call), ("bytes", span.amount)):
        if value or name == "call":
            note = event.debug_annotations.add()
            note.name, note.uint_value = name, value
    event.flow_ids.extend(flows[0])
    event.terminating_flow_ids.extend(flows[1])


def _part(name: str, category: str, track: int, event: Any) -> None:
    event.type = event.TYPE_SLICE_BEGIN
    event.track_uuid = track
    event.name = name
    event.categories.append(category)


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


def _l2(spans: Iterator[Span], tracks: _Tracks) -> Iterator[_Event]:
    """Yield the changes of the bytes per second that cross L2 of a board, each task at its mean."""

    def changes() -> Iterator[list[tuple[int, str, int]]]:
        for span in spans:
            board, _, unit = span.track.partition(".")
            if (
                unit.startswith("core")
                and span.amount
                and not span.name.startswith("ddr ")
                and span.end > span.start
            ):
                speed = span.amount * TICKS_PER_SECOND // (span.end - span.start)
                yield [(span.start, board, speed), (span.end, board, -speed)]

    totals: dict[str, int] = {}
    for (tick, board), steps in itertools.groupby(_in_order(changes()), key=lambda change: change[:2]):
        totals[board] = totals.get(board, 0) + sum(speed for _, _, speed in steps)
        yield _Event(tick, COUNT, partial(_count, tracks.counter(f"{board}.l2"), totals[board]))
