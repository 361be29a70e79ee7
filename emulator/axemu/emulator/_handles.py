"""What the driver hands out: connections and instances."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from axemu.driver import (
    Argument,
    ConnectionError,  # noqa: A004
    Handle,
    L2Holding,
    ModelFiles,
    Reservation,
)
from axemu.emulator._boards import EmulatedBoard
from axemu.emulator._execution import Values
from axemu.emulator.faults import Conditions, InstanceFaults, flip
from axemu.emulator.metis import InstanceSpec


@dataclass(slots=True, eq=False)
class EmulatedConnection(Handle):
    """Reserved cores of a board and the instances on them."""

    board: EmulatedBoard
    reservation: Reservation
    since: int
    """The start of the board that the connection was made after."""
    instances: list[EmulatedInstance] = field(default_factory=list)
    open: bool = True

    def require_open(self) -> None:
        """Refuse work on a released connection, or one that the board has forgotten."""
        if not self.open:
            raise ConnectionError(f"the connection to {self.board.name} was released; connect again")
        self.board.health.require_answer(self.since)

    def close(self) -> None:
        """Free instances and cores; may be interrupted and done again."""
        self.open = False
        for instance in tuple(self.instances):
            instance.close()
        self.reservation.release()


@dataclass(slots=True, eq=False)
class EmulatedInstance(Handle):
    """A model on cores; `spec` is what the timing model knows of it and outlives the release."""

    connection: EmulatedConnection
    model: ModelFiles
    spec: InstanceSpec
    holding: L2Holding
    values: Values | None
    faults: InstanceFaults
    lock: threading.RLock = field(default_factory=threading.RLock)

    def conditions(self) -> Conditions:
        """Return what the next frame runs under; the caller holds `lock`.

        Raises:
            ConnectionError: the instance or its connection was released, or the board is lost.
            UnknownError: the frame does not get through.
        """
        if self.values is None:
            raise ConnectionError(f"the instance of model {self.model.name!r} was released; load it again")
        self.connection.board.health.require_answer(self.connection.since)
        return self.faults.frame()

    def frame(
        self, inputs: Sequence[Argument], outputs: Sequence[Argument], flips: Sequence[float] = ()
    ) -> None:
        """Compute the next frame and damage what arrives of it; the caller holds `lock`."""
        values = self.values  # a signal handler may release the instance from here on
        if values is None:
            raise ConnectionError(f"the instance of model {self.model.name!r} was released; load it again")
        results = [argument.data for argument in outputs]
        values.frame([argument.data for argument in inputs], results)
        if flips:
            flip(results, flips)

    def close(self) -> None:
        """Free memory and L2; waits for a frame in progress. May be interrupted and done again."""
        with self.lock:
            self.values = None
            self.connection.reservation.free_l2(self.holding)
            if self in self.connection.instances:
                self.connection.instances.remove(self)
