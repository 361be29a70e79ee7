"""What is to go wrong on emulated boards, and when: data, from TOML or Python."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from axemu.driver.bounded import TOML_FILE, parse_toml, read_bounded

MAX_FAULTS = 1000
MAX_FRAMES = 10_000_000

Seconds = Annotated[float, Field(gt=0, le=3600)]
Version = Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6}){0,3}$")]


class Fault(BaseModel):
    """What every fault has: the board it befalls ("": each), and when.

    `at` counts what the fault happens to from 1: frames of an instance, or a board's connections, loads or configurations in
    a context. `rate` is the chance of each. A fault of connections, loads or configurations that has neither befalls all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str
    board: str = Field(default="", max_length=100)
    at: int | None = Field(default=None, ge=1)
    rate: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> Fault:
        if self.at is not None and self.rate is not None:
            raise ValueError("give at, or rate, not both")
        return self


class FrameFault(Fault):
    """A fault of frames.

    `instance` counts the board's instances in the order they were loaded, from 0; by default `at` means the first and
    `rate` means all.
    """

    instance: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _some_frame(self) -> FrameFault:
        if self.at is None and self.rate is None:
            raise ValueError(
                "say which frame: at = 100 is the 100th of an instance, rate = 0.001 one in a thousand"
            )
        return self

    def concerns(self, instance: int) -> bool:
        """Return whether frames of this instance are meant."""
        if self.instance is None:
            return self.rate is not None or instance == 0
        return self.instance == instance


class BoardLost(FrameFault):
    """The board vanishes from the bus before the frame reaches it, for all processes, until it is refreshed."""

    kind: Literal["board-lost"]


class FirmwareHang(FrameFault):
    """The firmware answers no more; the runtime gives up after `seconds` (which pass in the pace `realtime`)."""

    kind: Literal["firmware-hang"]
    seconds: float = Field(default=0, ge=0, le=3600)


class DmaTimeout(FrameFault):
    """The frame's transfer does not end, and the runtime gives it up after `seconds`; later frames go through."""

    kind: Literal["dma-timeout"]
    seconds: float = Field(default=0, ge=0, le=3600)


class LinkDrop(FrameFault):
    """The link goes down for `seconds` and what was under way is sent again: the frame is right, and late."""

    kind: Literal["link-drop"]
    seconds: Seconds


class SlowLink(FrameFault):
    """The link gives `percent` of its rate to as many `frames` from this one on."""

    kind: Literal["slow-link"]
    percent: int = Field(ge=1, le=99)
    frames: int = Field(default=1, ge=1, le=MAX_FRAMES)


class ThermalRamp(FrameFault):
    """The chip warms up from `start` to `peak` and cools down again, in °C, within `frames` that stand for `seconds`."""

    kind: Literal["thermal-ramp"]
    start: float = Field(default=45, ge=-40, le=150)
    peak: float = Field(ge=-40, le=150)
    seconds: Seconds
    frames: int = Field(ge=2, le=MAX_FRAMES)


class CorruptedOutput(FrameFault):
    """As many `bits` of the frame's results are flipped on their way to the host, and nobody is told."""

    kind: Literal["corrupted-output"]
    bits: int = Field(default=1, ge=1, le=1 << 16)


class ProcessKilled(FrameFault):
    """The process that holds the board's cores is killed (SIGKILL) with the frame under way."""

    kind: Literal["process-killed"]


class DdrExhausted(Fault):
    """A load finds no room in the board's memory."""

    kind: Literal["ddr-exhausted"]


class ModelRefused(Fault):
    """The runtime loads models from version `minimum` on, as release 1.8 does."""

    kind: Literal["model-refused"]
    minimum: Version = "5.0"


class FirmwareRefused(Fault):
    """A connection finds firmware `version` where the runtime needs `minimum`."""

    kind: Literal["firmware-refused"]
    version: Version
    minimum: Version


class ConfigureStuck(Fault):
    """A `configure_device` that is never ready, until the board is refreshed."""

    kind: Literal["configure-stuck"]


AnyFault = Annotated[
    BoardLost
    | FirmwareHang
    | DmaTimeout
    | LinkDrop
    | SlowLink
    | ThermalRamp
    | CorruptedOutput
    | ProcessKilled
    | DdrExhausted
    | ModelRefused
    | FirmwareRefused
    | ConfigureStuck,
    Field(discriminator="kind"),
]


class FaultPlan(BaseModel):
    """Faults of emulated boards. The same plan and seed befall the same frames of the same program."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    seed: int = Field(default=0, ge=0, lt=1 << 63)
    faults: Annotated[tuple[AnyFault, ...], Field(max_length=MAX_FAULTS, strict=False)] = ()


def _plan(value: Any) -> Any:
    """Read a list of faults, a table with a seed, or the name of a TOML file with one."""
    if isinstance(value, str):
        try:
            return parse_toml(read_bounded(Path(value).expanduser(), TOML_FILE), TOML_FILE)
        except (OSError, RuntimeError) as error:
            raise ValueError(
                f"{value}: cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from error
        except ValueError as error:
            raise ValueError(f"{value}: {error}") from error
    return {"faults": value} if isinstance(value, list | tuple) else value


PlanField = Annotated[FaultPlan, BeforeValidator(_plan)]
"""A plan as an option: a list, a table or a file."""
