"""A Perfetto trace of what the simulated boards did: a track per unit, flows from calls to the tasks they caused."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from axelera.chip import TICKS_PER_SECOND
from axelera.driver import NotImplemented  # noqa: A004
from axelera.emulator._recording import Recording
from axelera.emulator.metis import Span

if TYPE_CHECKING:
    from perfetto.trace_builder.proto_builder import TraceProtoBuilder

TICKS_PER_NANOSECOND = TICKS_PER_SECOND // 1_000_000_000
SEQUENCE = 1
THREADS = "calling threads"


class _Event(NamedTuple):
    """Something at a moment on a track; `kind` is "begin", "end" or "count"."""

    time: int
    track: int
    kind: str
    name: str = ""
    value: int = 0
    flow: int = 0
    ends_flow: bool = False


class _Tracks:
    """Numbers for tracks, grouped by board (or the calling threads), described when they are first used."""

    def __init__(self, builder: TraceProtoBuilder) -> None:
        self._builder = builder
        self._numbers: dict[tuple[str, ...], int] = {}

    def number(self, *path: str, counter: str = "") -> int:
        """Return the number of the track at `path`; `counter` is the unit of a counter track."""
        if path not in self._numbers:
            parent = self.number(*path[:-1]) if len(path) > 1 else 0
            self._numbers[path] = len(self._numbers) + 1
            descriptor = self._builder.add_packet().track_descriptor
            descriptor.uuid = self._numbers[path]
            descriptor.name = path[-1]
            if parent:
                descriptor.parent_uuid = parent
            if counter:
                descriptor.counter.unit_name = counter
        return self._numbers[path]


def require_perfetto() -> None:
    """Refuse traces before anything has run, not afterwards.

    Raises:
        NotImplemented: the package `perfetto` is not installed.
    """
    if importlib.util.find_spec("perfetto") is None:
        message = "a trace needs the package perfetto: pip install 'axemu[trace]'"
        raise NotImplemented(message)  # noqa: F901  the documented error, not the built-in constant


def trace(recording: Recording) -> bytes:
    """Return the trace of a recording that was made with `trace=True`, as a serialized Perfetto protobuf."""
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2  # noqa: PLC0415  optional
    from perfetto.trace_builder.proto_builder import TraceProtoBuilder  # noqa: PLC0415  optional

    builder = TraceProtoBuilder()
    tracks = _Tracks(builder)
    kinds = perfetto_trace_pb2.TrackEvent
    types = {"begin": kinds.TYPE_SLICE_BEGIN, "end": kinds.TYPE_SLICE_END, "count": kinds.TYPE_COUNTER}
    names = {f"board{board.index}": board.name for board in recording.boards}
    spans = sorted(recording.record.timeline.spans, key=lambda span: (span.start, span.end))
    by_track: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_track[span.track].append(span)
    events = list(_slices(by_track, tracks, names))
    events += _counters(by_track, tracks, names)
    events += _l2(recording, tracks)
    # Stable: events of one track keep their order, also where they fall into the same nanosecond.
    for event in sorted(events, key=lambda event: event.time):
        packet = builder.add_packet()
        packet.timestamp = event.time // TICKS_PER_NANOSECOND
        packet.trusted_packet_sequence_id = SEQUENCE
        packet.track_event.type = types[event.kind]
        packet.track_event.track_uuid = event.track
        if event.kind == "begin":
            packet.track_event.name = event.name
            _add_flow(packet.track_event, event)
        elif event.kind == "count":
            packet.track_event.counter_value = event.value
    note = builder.add_packet()
    note.trusted_packet_sequence_id = SEQUENCE
    note.track_event.type = kinds.TYPE_INSTANT
    note.track_event.track_uuid = tracks.number("simulated")
    note.track_event.name = f"simulated: {recording.simulated}"
    return bytes(builder.serialize())


def _add_flow(track_event: Any, event: _Event) -> None:
    if event.flow:
        flows = track_event.terminating_flow_ids if event.ends_flow else track_event.flow_ids
        flows.append(event.flow)


def _slices(by_track: dict[str, list[Span]], tracks: _Tracks, names: dict[str, str]) -> Iterator[_Event]:
    """Yield a slice per span; each call starts a flow that ends at the first thing a core does for it."""
    flows: dict[tuple[int, int], tuple[int, Span]] = {}
    for spans in by_track.values():
        for span in spans:
            call = (span.thread, span.call)
            if _is_core(span) and (call not in flows or span.start < flows[call][1].start):
                flows[call] = (flows[call][0] if call in flows else len(flows) + 1, span)
    for track, spans in by_track.items():
        number = tracks.number(*_path(track, names))
        for span in spans:
            flow, first = flows.get((span.thread, span.call), (0, span))
            ends = first is span
            shown = flow if ends or not _unit(track) else 0
            yield _Event(span.start, number, "begin", span.name, flow=shown, ends_flow=ends)
            yield _Event(span.end, number, "end")


def _is_core(span: Span) -> bool:
    return _unit(span.track).startswith("core")


def _counters(by_track: dict[str, list[Span]], tracks: _Tracks, names: dict[str, str]) -> Iterator[_Event]:
    """Yield, per board, how many transfers are in progress over DDR and in each direction of the link."""
    groups: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for track, spans in by_track.items():
        board, unit = track.partition(".")[0], _unit(track)
        if unit.startswith("link"):
            groups[board, unit.rpartition(".")[0]].extend(spans)
        elif unit.startswith("core"):
            groups[board, "ddr"].extend(span for span in spans if span.name.startswith("ddr "))
    for (board, unit), spans in sorted(groups.items()):
        number = tracks.number(names[board], f"{unit} transfers", counter="transfers")
        yield from _in_progress(spans, number)


def _in_progress(spans: Iterable[Span], track: int) -> Iterator[_Event]:
    changes: dict[int, int] = defaultdict(int)
    for span in spans:
        changes[span.start] += 1
        changes[span.end] -= 1
    active = 0
    for time, change in sorted(changes.items()):
        active += change
        yield _Event(time, track, "count", value=active)


def _l2(recording: Recording, tracks: _Tracks) -> Iterator[_Event]:
    """Yield the L2 bytes that the instances of each board declare; loading takes no virtual time."""
    held: dict[str, int] = defaultdict(int)
    for instance in recording.instances:
        held[instance.connection.board.name] += instance.holding.size
    for board, size in held.items():
        yield _Event(0, tracks.number(board, "L2 declared", counter="bytes"), "count", value=size)


def _unit(track: str) -> str:
    return track.partition(".")[2]


def _path(track: str, names: dict[str, str]) -> tuple[str, str]:
    board, _, unit = track.partition(".")
    return (names[board], unit) if unit else (THREADS, track)
