"""What became of the boards of each context: how it ended, what changed when, and the course of its rates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from axemu.emulator.watching import BoardSnapshot, Snapshot
from axemu.monitor._track import Rates, Track

MOST_EVENTS = 50
MOST_POINTS = 100_000
"""Of a curve."""


@dataclass(slots=True)
class Course:
    """What became of one context: its last snapshot, what changed when, and the course of its rates.

    `events` are (board seconds, what happened); `times` board seconds; `fps` frames per second by instance, `p99` milliseconds by
    instance, `shares` by board and unit, `celsius` by board: each as (board seconds, value).
    """

    last: Snapshot
    first_at: float
    snapshots: int = 0
    events: list[tuple[float, str]] = field(default_factory=list)
    more_events: int = 0
    hottest: dict[str, float] = field(default_factory=dict)
    fps: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    p99: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    shares: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)
    celsius: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def courses(snapshots: Iterable[Snapshot]) -> list[Course]:
    """Sort snapshots by context, in the order in which these began."""
    found: dict[tuple[int, int], Course] = {}
    tracks: dict[tuple[int, int], Track] = {}
    for one in snapshots:
        course = found.setdefault(one.source, Course(one, one.at))
        _follow(course, tracks.setdefault(one.source, Track()).follow(one))
    return list(found.values())


def _follow(course: Course, rates: Rates) -> None:
    now = rates.snapshot
    for event in _changes(course.last, now):
        if len(course.events) < MOST_EVENTS:
            course.events.append((now.elapsed_s, event))
        else:
            course.more_events += 1
    for board in now.boards:
        if board.heat is not None:
            celsius = board.heat.temperature_c
            course.hottest[board.name] = max(course.hottest.get(board.name, celsius), celsius)
            _add(course.celsius.setdefault(board.name, []), now, celsius)
    if now.elapsed_s > (course.last.elapsed_s if course.snapshots else 0.0):
        for number, rate in rates.fps.items():
            _add(course.fps.setdefault(number, []), now, rate)
        for unit, share in rates.shares.items():
            _add(course.shares.setdefault(unit, []), now, share)
        for one in now.instances:
            if one.recent_ms:
                _add(course.p99.setdefault(one.id, []), now, one.recent_ms[1])
    course.last = now
    course.snapshots += 1


def _add(points: list[tuple[float, float]], now: Snapshot, value: float) -> None:
    if len(points) < MOST_POINTS:
        points.append((now.elapsed_s, value))


def _changes(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """Say what is otherwise than before."""
    earlier = {board.name: board for board in before.boards}
    for board in now.boards:
        if (old := earlier.get(board.name)) is not None:
            yield from _settings(board, old)
            yield from _condition(board, old)
    known = {one.id: one for one in before.instances}
    for one in now.instances:
        if one.id not in known:
            yield f"instance {one.id} loaded: {one.model} on {one.board}"
        elif known[one.id].loaded and not one.loaded and not now.ended:
            yield f"instance {one.id} released"


def _settings(board: BoardSnapshot, old: BoardSnapshot) -> Iterator[str]:
    for number, (core, was) in enumerate(zip(board.cores, old.cores, strict=False)):
        if core.clock_mhz != was.clock_mhz:
            yield f"{board.name} core {number}: clock {was.clock_mhz} → {core.clock_mhz} MHz"
        if core.mvm_percent != was.mvm_percent:
            yield f"{board.name} core {number}: MVM limit {was.mvm_percent} → {core.mvm_percent} %"


def _condition(board: BoardSnapshot, old: BoardSnapshot) -> Iterator[str]:
    if board.limits != old.limits:
        yield f"{board.name}: limits {', '.join(board.limits) or 'none'}"
    if board.answers != old.answers:
        yield f"{board.name}: {'answers again' if board.answers else 'does not answer'}"
    for kind, count in board.faults.items():
        if count > old.faults.get(kind, 0):
            yield f"{board.name}: fault {kind}, {count} times so far"
