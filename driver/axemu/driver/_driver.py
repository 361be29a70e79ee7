"""The one interface between the runtime API and a board."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property

from axemu.driver._clock import Clock
from axemu.driver._types import Argument, Counters, DeviceInfo, InstanceOptions, ModelFiles


class Handle:
    """Something a driver handed out (a connection, an instance); opaque to everybody else."""

    __slots__ = ()


class Driver(ABC):
    """A way to reach boards. One object per `Context`; every method may be called from any thread.

    Errors are those of `axemu.driver`; anything else that escapes a driver is a defect of it.
    """

    takes_descriptors: bool = False
    """Whether `run` reads and writes dma-bufs itself; otherwise it is handed a copy and what it writes is copied there."""

    model_version: int | None = None
    """The major version of compiled models that the boards' release of the SDK takes, and no other; None takes all known ones."""

    @cached_property
    def clock(self) -> Clock:
        """The clock that the boards' times are in, the host's unless a driver says otherwise."""
        return Clock()

    @property
    def about(self) -> Sequence[str]:
        """What a person may want to know of the driver's settings and where they come from, a line each."""
        return ()

    @abstractmethod
    def list_devices(self) -> Sequence[DeviceInfo]:
        """Return the boards present now; empty when there are none."""

    @abstractmethod
    def configure(self, device: DeviceInfo, properties: Mapping[str, str]) -> bool:
        """Apply board properties, all or none; False means accepted and still in progress."""

    @abstractmethod
    def ready(self, device: DeviceInfo) -> bool:
        """Return whether no configuration of `device` is in progress; polling it always makes progress."""

    @abstractmethod
    def read_configuration(self, device: DeviceInfo) -> Mapping[str, str]:
        """Return the board's current properties."""

    @abstractmethod
    def connect(self, device: DeviceInfo, num_sub_devices: int, properties: Mapping[str, str]) -> Handle:
        """Reserve `num_sub_devices` cores of `device` exclusively, across processes."""

    @abstractmethod
    def load(self, connection: Handle, model: ModelFiles, options: InstanceOptions) -> Handle:
        """Place a compiled model on the connection's cores and return the instance."""

    @abstractmethod
    def run(self, instance: Handle, inputs: Sequence[Argument], outputs: Sequence[Argument]) -> None:
        """Execute one frame and return when its results (or, double-buffered, older ones) are in `outputs`."""

    @abstractmethod
    def counters(self, instance: Handle) -> Counters:
        """Return what the board measured of this instance so far."""

    @abstractmethod
    def release(self, handle: Handle) -> None:
        """Free an instance, or a connection with everything on it; a second call does nothing."""

    @abstractmethod
    def close(self) -> None:
        """Free everything that is left; the driver is not used afterwards."""
