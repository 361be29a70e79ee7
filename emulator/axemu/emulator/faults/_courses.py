"""How each fault of frames goes, frame by frame.

A course yields what a frame runs under, from the one that the fault befalls on, and ends with the fault; or it raises what
the application sees.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import singledispatch
from random import Random
from typing import NoReturn

from axemu.driver import InternalError, UnknownError
from axemu.emulator.faults._conditions import CLEAR, Conditions
from axemu.emulator.faults._health import Health, State
from axemu.emulator.faults._heat import throttled, triangle
from axemu.emulator.faults._plan import (
    BoardLost,
    CorruptedOutput,
    DmaTimeout,
    FirmwareHang,
    FrameFault,
    LinkDrop,
    ProcessKilled,
    SlowLink,
    ThermalRamp,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault happens. `wait` lets seconds pass that the board takes, where it takes any."""

    board: str
    health: Health
    wait: Callable[[float], None]
    random: Random


Course = Iterator[Conditions]


@singledispatch
def course(fault: FrameFault, scene: Scene) -> Course:
    """Return the course of a fault."""
    raise InternalError(f"{scene.board}: nobody knows how the fault {type(fault).__name__} goes")


@course.register
def _(fault: BoardLost, scene: Scene) -> Course:  # noqa: ARG001  registered by its type
    _fail(scene, State.LOST)


@course.register
def _(fault: FirmwareHang, scene: Scene) -> Course:
    scene.wait(fault.seconds)
    _fail(scene, State.HUNG)


def _fail(scene: Scene, state: State) -> NoReturn:
    scene.health.fail(state)
    raise scene.health.error(state)


@course.register
def _(fault: DmaTimeout, scene: Scene) -> Course:
    scene.wait(fault.seconds)
    raise UnknownError(
        f"{scene.board}: the DMA transfer of this frame timed out; its results are not there. The connection goes on: run the "
        "frame again"
    )


@course.register
def _(fault: LinkDrop, scene: Scene) -> Course:  # noqa: ARG001
    yield Conditions(link_stall_us=max(1, round(fault.seconds * 1e6)))


@course.register
def _(fault: SlowLink, scene: Scene) -> Course:  # noqa: ARG001
    slow = Conditions(link_percent=fault.percent)
    for _ in range(fault.frames):
        yield slow


@course.register
def _(fault: ThermalRamp, scene: Scene) -> Course:
    temperatures = triangle(fault.start, fault.peak, fault.frames)
    frame = 0
    for frame, conditions in enumerate(throttled(temperatures, fault.seconds / fault.frames), start=1):  # noqa: B007
        yield conditions
    if frame < fault.frames:
        _fail(scene, State.LOST)


@course.register
def _(fault: CorruptedOutput, scene: Scene) -> Course:
    yield Conditions(flips=tuple(scene.random.random() for _ in range(fault.bits)))


@course.register
def _(fault: ProcessKilled, scene: Scene) -> Course:  # noqa: ARG001
    os.kill(os.getpid(), signal.SIGKILL)
    yield CLEAR
