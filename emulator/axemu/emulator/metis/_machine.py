"""The simulated boards: SimPy processes for calls, cores, DDR and links, on integer ticks."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import simpy

from axemu.chip import TICKS_PER_SECOND
from axemu.emulator.metis._core import Execution, Known
from axemu.emulator.metis._cost import (
    JITTER_PERIOD,
    host_seconds,
    launch_ticks,
    seconds_to_ticks,
)
from axemu.emulator.metis._fabric import LINK_IN, LINK_OUT, Fabric
from axemu.emulator.metis._fluid import Steps, Transfer
from axemu.emulator.metis._schedule import Act, Kind, Schedule, schedule
from axemu.emulator.metis._spec import (
    MODEL_VERSION,
    Board,
    BoardState,
    Call,
    CallTimes,
    InstanceSpec,
    Part,
    Span,
    Timeline,
)

Name = tuple[int, int]
"""A call by its thread and its number there."""

Keep = Callable[[Name, "CallTimes"], object]
_NOBODY = (-1, -1)


class Results(Protocol):
    """Whatever takes the times of a thread's calls as they return; a list will do."""

    def append(self, call: CallTimes, /) -> None:
        """Take the times of one call."""


@dataclass(slots=True)
class PendingCall:
    """A call in flight on a :class:`Machine`; `times` is filled in when it has returned."""

    call: Call
    arrival: int
    thread: int
    index: int
    times: CallTimes | None = None

    @property
    def done(self) -> bool:
        """Whether the call has returned in virtual time."""
        return self.times is not None


class Marks:
    """Calls that others wait for, and the threads that do."""

    def __init__(self, machine: Machine, names: Iterable[Name]) -> None:
        self.events = {name: machine.event() for name in names}
        self.waiting: set[int] = set()
        self.changes = 0
        """How often a thread began to wait or went on."""

    def wait(self, thread: int) -> None:
        """Note that a thread waits."""
        self.waiting.add(thread)
        self.changes += 1

    def go_on(self, thread: int) -> None:
        """Note that it no longer does."""
        self.waiting.discard(thread)
        self.changes += 1


@dataclass(frozen=True, slots=True)
class _Memory:
    """The way of `width` cores from `lead` on to the DDR of their board."""

    fabric: Fabric
    board: int
    lead: int
    width: int

    def foresees(self, tick: int) -> bool:
        return self.fabric.foresees(tick)

    def fetch(self, amount: int, tick: int) -> Transfer:
        return self.fabric.fetch(self.board, self.lead, self.width, amount, tick)

    def wait(self, transfer: Transfer) -> Steps:
        return self.fabric.wait(transfer)


class Machine:
    """Boards, instances and virtual time; calls are submitted one by one.

    `advance` moves virtual time; `peek` tells when something next happens. `simulate` runs whole programs.
    """

    def __init__(
        self,
        boards: Board | Sequence[Board],
        states: Sequence[BoardState],
        instances: Sequence[InstanceSpec],
        trace: bool = False,
    ) -> None:
        self.boards = (boards,) if isinstance(boards, Board) else tuple(boards)
        self.states = tuple(states)
        self._trace = trace
        self._env = simpy.Environment(initial_time=0)
        self._instances: dict[int, InstanceSpec] = {}
        self._gates: dict[int, simpy.Resource] = {}
        self._called: dict[int, int] = {}
        self._cores = [[simpy.Resource(self._env) for _ in range(int(b.chip.cores))] for b in self.boards]
        self._fabric = Fabric(self._env, self.boards)
        if trace:
            self._fabric.keep_history()
        self._running: dict[tuple[int, int], Execution] = {}
        self._schedules: dict[tuple[int, int], Schedule] = {}
        self._known: dict[tuple[int, int], Known] = defaultdict(dict)
        self._core_busy: dict[str, int] = defaultdict(int)
        self._unit_ticks: dict[str, int] = defaultdict(int)
        self.spans: list[Span] = []
        for instance in instances:
            self.add_instance(instance)

    @property
    def now(self) -> int:
        """Virtual time in ticks."""
        return int(self._env.now)

    def add_instance(self, instance: InstanceSpec) -> None:
        """Make `instance` known; its calls are served one after the other."""
        cores = int(self.boards[instance.board].chip.cores)
        if not instance.cores or not set(instance.cores) <= set(range(cores)):
            raise ValueError(
                f"instance {instance.id}: cores {instance.cores}, expected some of 0..{cores - 1}"
            )
        self._instances[instance.id] = instance
        self._gates[instance.id] = simpy.Resource(self._env)
        self._called[instance.id] = 0

    def add_state(self, state: BoardState) -> int:
        """Make a board state known and return its index for :class:`Call`."""
        self.states = (*self.states, state)
        return len(self.states) - 1

    def submit(self, call: Call, arrival: int, thread: int = 0, index: int = 0) -> PendingCall:
        """Let `call` arrive at tick `arrival` (not before now)."""
        pending = PendingCall(call, max(arrival, self.now), thread, index)
        self._env.process(self._submitted(pending))
        return pending

    def peek(self) -> int | None:
        """Return the tick of the next event, or None when nothing is in flight."""
        tick = self._env.peek()
        return None if tick == float("inf") else int(tick)

    def advance(self, until: int) -> None:
        """Process all events up to and including tick `until`; calls may be submitted after that."""
        self._fabric.look_ahead(until)
        while self._env.peek() <= until:
            self._env.step()
        if until > self._env.now:
            # A mark at `until` moves the clock there even if nothing else happens.
            self._env.run(until=self._env.timeout(until - self.now))

    def step(self) -> None:
        """Process the events of the next tick; calls only come from threads that were started."""
        self._fabric.look_ahead(float("inf"))
        tick = self._env.peek()
        while self._env.peek() <= tick < float("inf"):
            self._env.step()

    def run(self) -> None:
        """Process events until nothing is in flight."""
        self._fabric.look_ahead(float("inf"))
        self._env.run()

    def event(self) -> simpy.Event:
        """Return an event that somebody else will let happen."""
        return self._env.event()

    def start_thread(self, thread: int, calls: Iterable[Call], results: Results) -> None:
        """Issue `calls` in order as one calling thread would: each arrives when the one before has returned."""
        named = ((_NOBODY, call) for call in calls)
        self._env.process(
            self._thread(thread, named, lambda _, times: results.append(times), Marks(self, ()))
        )

    def start_program(
        self, thread: int, calls: Iterable[tuple[Name, Call]], keep: Keep, marks: Marks
    ) -> None:
        """Issue named calls as one thread would; they wait for the `marks` of those they come `after`, and set their own."""
        self._env.process(self._thread(thread, calls, keep, marks))

    def advance_calls(self, results: Sequence[Sized], count: int, limit: int | None) -> bool:
        """Process events until each thread has `count` results; False if `limit` ticks pass before or nothing is left."""
        self._fabric.look_ahead(float("inf"))
        while min(len(calls) for calls in results) < count:
            tick = self._env.peek()
            if tick == float("inf") or (limit is not None and tick > limit):
                return False
            self._env.step()
        return True

    def demand(self, call: Call) -> tuple[int, int]:
        """Return what one call takes: ticks on an idle board, and how many of them DDR is busy for it."""
        instance = self._instances[call.instance]
        board = self.boards[instance.board]
        plan = self._schedule(instance, call.config)
        ddr = plan.fetched * TICKS_PER_SECOND // int(board.figures.memory_bandwidth)
        copied = instance.input_bytes + instance.output_bytes
        host = seconds_to_ticks(host_seconds(board.host, copied) + board.host.gap.value)
        if not instance.double_buffer:
            host += copied * TICKS_PER_SECOND // int(board.figures.link_bandwidth)
        return host + max(plan.held, ddr), ddr

    def board_of(self, call: Call) -> int:
        """Return the index of the board that executes the call."""
        return self._instances[call.instance].board

    def snapshot(self) -> tuple[object, ...]:
        """Return what is under way, relative to now; equal conditions with equal calls to come lead to equal futures."""
        now = self._env.now
        events = sorted(self._env._queue)  # noqa: SLF001  SimPy tells only when the next event is
        resources = (*self._gates.values(), *itertools.chain(*self._cores))
        return (
            tuple((tick - now, priority, type(event)) for tick, priority, _, event in events),
            tuple((len(one.users), len(one.queue)) for one in resources),
            tuple((min(called, 2), called % JITTER_PERIOD) for called in self._called.values()),
            tuple((key, running.snapshot(int(now))) for key, running in sorted(self._running.items())),
            self._fabric.snapshot(),
        )

    def timeline(self, calls: Sequence[Sequence[CallTimes]]) -> Timeline:
        """Collect what happened so far."""
        busy = dict(self._core_busy)
        moved: dict[str, int] = {}
        self._fabric.report(busy, moved)
        elapsed = max((c[-1].completion for c in calls if c), default=0)
        first = self.boards[0].calibration.identity
        return Timeline(
            tuple(tuple(c) for c in calls),
            busy,
            dict(self._unit_ticks),
            moved,
            elapsed,
            MODEL_VERSION,
            first,
            tuple(self.spans),
            self._fabric.rates(),
        )

    def _thread(self, thread: int, calls: Iterable[tuple[Name, Call]], keep: Keep, marks: Marks) -> Steps:
        for index, (name, call) in enumerate(calls):
            if call.after:
                marks.wait(thread)
                for earlier in call.after:
                    yield marks.events[earlier]
                marks.go_on(thread)
            if call.earliest > self.now:
                yield self._env.timeout(call.earliest - self.now)
            pending = PendingCall(call, self.now, thread, index)
            yield from self._call(pending)
            assert pending.times is not None  # noqa: S101 - set by the call just finished
            keep(name, pending.times)
            if done := marks.events.get(name):
                done.succeed()
            gap = seconds_to_ticks(self.boards[self._instances[call.instance].board].host.gap.value)
            yield self._env.timeout(gap)

    def _submitted(self, pending: PendingCall) -> Steps:
        if pending.arrival > self.now:
            yield self._env.timeout(pending.arrival - self.now)
        yield from self._call(pending)

    def _call(self, pending: PendingCall) -> Steps:
        instance = self._instances[pending.call.instance]
        board = self.boards[instance.board]
        with self._gates[instance.id].request() as gate:
            yield gate
            number = self._called[instance.id]
            self._called[instance.id] = number + 1
            copied = instance.input_bytes + instance.output_bytes
            yield self._env.timeout(launch_ticks(board.host, instance.id, number, copied))
            window = [self.now, self.now]
            if instance.double_buffer:
                yield self._env.process(self._pipelined(instance, pending, window, number))
            else:
                setup = seconds_to_ticks(board.host.copy_setup.value)
                yield self._env.timeout(setup)
                yield from self._copy(instance, pending, LINK_IN, instance.input_bytes)
                yield from self._execute(instance, pending, window)
                yield self._env.timeout(setup)
                yield from self._copy(instance, pending, LINK_OUT, instance.output_bytes)
        pending.times = CallTimes(pending.arrival, window[0], window[1], self.now)
        if self._trace:
            self.spans.append(
                Span(
                    f"thread{pending.thread}", "run", pending.arrival, self.now, pending.thread, pending.index
                )
            )

    def _pipelined(
        self, instance: InstanceSpec, pending: PendingCall, window: list[int], filled: int
    ) -> Steps:
        """Copy this frame in while the one before executes and the one before that is copied out."""
        stages = [self._env.process(self._copy(instance, pending, LINK_IN, instance.input_bytes))]
        if filled >= 1:
            stages.append(self._env.process(self._execute(instance, pending, window)))
        if filled >= 2:
            stages.append(self._env.process(self._copy(instance, pending, LINK_OUT, instance.output_bytes)))
        yield self._env.all_of(stages)

    def _copy(self, instance: InstanceSpec, pending: PendingCall, direction: int, amount: int) -> Steps:
        begin = self.now
        state = self.states[pending.call.config]
        if state.link_stall and direction == LINK_IN:
            yield self._env.timeout(seconds_to_ticks(state.link_stall))
        sent = self.now
        yield from self._fabric.copy(instance.board, direction, amount)
        if state.link_share < 1:
            # Shared with others or not, the link takes so much longer for this call than it would.
            yield self._env.timeout(round((self.now - sent) * (1 / state.link_share - 1)))
        if self._trace and self.now > begin:
            name = ("link in", "link out")[direction]
            track = f"board{instance.board}.{name}.{instance.id}"
            self.spans.append(Span(track, name, begin, self.now, pending.thread, pending.index, amount))

    def _execute(self, instance: InstanceSpec, pending: PendingCall, window: list[int]) -> Steps:
        requests = [self._cores[instance.board][core].request() for core in sorted(instance.cores)]
        yield self._env.all_of(requests)
        begin = self.now
        plan = self._schedule(instance, pending.call.config)
        yield self._env.timeout(plan.start)
        if self._trace:
            self._core_span(instance, pending, "start", "start", begin, self.now)
        lead = min(instance.cores)
        memory = _Memory(self._fabric, instance.board, lead, len(instance.cores))
        known = self._known[instance.id, pending.call.config]
        record = partial(self._record, instance, pending) if self._trace else None
        running = self._running[instance.board, lead] = Execution(
            self._env, plan.stretches, memory, known, record
        )
        yield from running.run()
        del self._running[instance.board, lead]
        for core, request in zip(sorted(instance.cores), requests, strict=True):
            self._cores[instance.board][core].release(request)
            unit = f"board{instance.board}.core{core}"
            self._core_busy[unit] += self.now - begin
            for name, ticks in (*plan.units.items(), *running.waited.items()):
                self._unit_ticks[f"{unit}.{name}"] += ticks
        window[0], window[1] = begin, self.now

    def _record(
        self, instance: InstanceSpec, pending: PendingCall, unit: str, act: Act, begin: int, end: int
    ) -> None:
        """Add a slice of a trace: what the cores did, or waited for, and which units streamed meanwhile."""
        if act.kind is Kind.AWAIT:
            transfer = instance.core.transfers[act.number]
            self._core_span(
                instance, pending, transfer.what, unit, begin, end, act.number, amount=transfer.size
            )
            return
        one = instance.core.passes[act.number]
        parts: tuple[Part, ...] = (Part(unit, 0, end - begin - act.amount),)
        if act.amount:
            parts += (Part("throttled", end - begin - act.amount, end - begin),)
        self._core_span(instance, pending, one.layer, unit, begin, end, act.number, parts)

    def _core_span(
        self,
        instance: InstanceSpec,
        pending: PendingCall,
        name: str,
        kind: str,
        begin: int,
        end: int,
        number: int = -1,
        parts: tuple[Part, ...] = (),
        amount: int = 0,
    ) -> None:
        shown = parts or (Part(kind, 0, end - begin),)
        for core in instance.cores:
            track = f"board{instance.board}.core{core}"
            self.spans.append(
                Span(track, name, begin, end, pending.thread, pending.index, amount, shown, kind, number)
            )

    def _schedule(self, instance: InstanceSpec, config: int) -> Schedule:
        key = (instance.id, config)
        if key not in self._schedules:
            board, state = self.boards[instance.board], self.states[config]
            self._schedules[key] = schedule(instance, board, state, self._trace)
        return self._schedules[key]
