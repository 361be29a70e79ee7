"""The faults of a plan on one board of a context."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

from axemu.driver import IncompatibleDevice, ModelFiles
from axemu.emulator.faults._conditions import CLEAR, Conditions
from axemu.emulator.faults._courses import Course, Scene, course
from axemu.emulator.faults._health import Health
from axemu.emulator.faults._plan import (
    ConfigureStuck,
    DdrExhausted,
    Fault,
    FaultPlan,
    FirmwareRefused,
    FrameFault,
    ModelRefused,
)
from axemu.emulator.faults._trigger import NEVER, Trigger

F = TypeVar("F", bound=Fault)
KEPT = 10_000
_logger = logging.getLogger("axelera.runtime")


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """A fault that happened: to which frame of which instance of a board, or to its which load, connection or configuration."""

    board: str
    kind: str
    number: int
    instance: int | None = None

    def __str__(self) -> str:
        where = (
            f"frame {self.number} of instance {self.instance}"
            if self.instance is not None
            else f"no. {self.number}"
        )
        return f"{self.board}: fault {self.kind} befalls {where}"


class FaultLog:
    """What happened on the boards of a context: counts of all, and the last events."""

    def __init__(self) -> None:
        self._events: deque[FaultEvent] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.RLock()

    def add(self, event: FaultEvent) -> None:
        """Keep an event and tell of it."""
        with self._lock:
            self._events.append(event)
            self._counts[event.board, event.kind] += 1
        _logger.warning("%s", event)

    def snapshot(self) -> tuple[FaultEvent, ...]:
        """Return the last events."""
        with self._lock:
            return tuple(self._events)

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Return how often each kind befell each board."""
        with self._lock:
            return dict(self._counts)


class BoardFaults:
    """Decides what goes wrong on one board; `health` is the board's, `wait` lets time pass that a board takes to fail."""

    def __init__(
        self, plan: FaultPlan, board: str, health: Health, log: FaultLog, wait: Callable[[float], None]
    ) -> None:
        self._board = board
        self._health = health
        self._log = log
        self._wait = wait
        self._lock = threading.RLock()
        self._instances = 0
        self._seeded = [
            (fault, f"{plan.seed} {number} {board}")
            for number, fault in enumerate(plan.faults)
            if fault.board in ("", board)
        ]
        self._armed = [
            (fault, Trigger(fault, seed)) for fault, seed in self._seeded if not isinstance(fault, FrameFault)
        ]
        self._counts: Counter[type[Fault]] = Counter()

    def connecting(self) -> None:
        """Let a connection be refused.

        Raises:
            IncompatibleDevice: the firmware is too old.
        """
        for fault in self._due(FirmwareRefused):
            raise IncompatibleDevice(
                f"{self._board}: unsupported firmware version: {fault.version}, expected at least {fault.minimum}; update the "
                "firmware of the board, or use an older runtime"
            )

    def loading(self, model: ModelFiles) -> None:
        """Let a load be refused.

        Raises:
            IncompatibleDevice: the board's memory is exhausted, or the model is of a version that is too old.
        """
        for refused in self._due(ModelRefused, lambda fault: _parts(model.version) < _parts(fault.minimum)):
            raise IncompatibleDevice(
                f"{model.name}: Unsupported model version: {model.version}, expected at least {refused.minimum}; compile the "
                "model again, or use an older runtime"
            )
        for _ in self._due(DdrExhausted):
            raise IncompatibleDevice(
                f"{self._board}: [ERROR][load]: Failed to write module binary to device memory: model {model.name!r} finds no "
                "room in the DDR; release an instance and load it again"
            )

    def configuring(self) -> bool:
        """Return whether a configuration will never be ready."""
        return any(self._due(ConfigureStuck))

    def of_instance(self) -> InstanceFaults:
        """Return the faults of the frames of the next instance."""
        with self._lock:
            number = self._instances
            self._instances += 1
        return InstanceFaults(
            [
                self._arm(fault, Trigger(fault, f"{seed} {number}"))
                for fault, seed in self._seeded
                if isinstance(fault, FrameFault) and fault.concerns(number)
            ],
            lambda fault, frame: self._log.add(FaultEvent(self._board, fault.kind, frame, number)),
        )

    def _arm(self, fault: FrameFault, trigger: Trigger) -> _Armed:
        return _Armed(fault, trigger, Scene(self._board, self._health, self._wait, trigger.random))

    def _due(self, kind: type[F], meant: Callable[[F], bool] = lambda _: True) -> Iterator[F]:
        """Yield the faults of one kind that befall what happens now."""
        with self._lock:
            self._counts[kind] += 1
            event = self._counts[kind]
            due = [fault for fault, trigger in self._armed if isinstance(fault, kind) and trigger.take(event)]
        for fault in filter(meant, due):
            self._log.add(FaultEvent(self._board, fault.kind, event))
            yield fault


@dataclass(slots=True)
class _Armed:
    fault: FrameFault
    trigger: Trigger
    scene: Scene
    course: Course | None = None


class InstanceFaults:
    """Counts the frames of one instance and says what each runs under; the caller sees to it that one comes at a time."""

    def __init__(self, armed: list[_Armed], tell: Callable[[FrameFault, int], None]) -> None:
        self._armed = armed
        self._tell = tell
        self._frame = 0
        self._next = min((one.trigger.due for one in armed), default=NEVER)
        self.conditions = CLEAR
        """What the last frame ran under."""

    def frame(self) -> Conditions:
        """Return what the next frame runs under.

        Raises:
            ConnectionError: the board is lost or hangs from now on.
            UnknownError: this frame does not get through.
        """
        self._frame += 1
        if self._frame >= self._next:
            self._next, self.conditions = self._frame + 1, CLEAR  # should a fault raise
            self.conditions = reduce(Conditions.and_, map(self._under, self._armed), CLEAR)
            if not any(one.course for one in self._armed):
                self._next = min(one.trigger.due for one in self._armed)
        return self.conditions

    def _under(self, one: _Armed) -> Conditions:
        if one.trigger.take(self._frame):
            self._tell(one.fault, self._frame)
            one.course = None
            one.course = course(one.fault, one.scene)
        if one.course is None:
            return CLEAR
        conditions = next(one.course, None)
        if conditions is None:
            one.course = None
        return conditions or CLEAR


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
