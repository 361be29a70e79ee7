"""What the boards of one context look like at one moment, as it travels between processes and into recordings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from axemu.driver.bounded import JSON_TEXT, parse_json

MOST_BOARDS = 64
MOST_INSTANCES = 256


def _printable(text: object) -> object:
    """Keep what a terminal would take for a command from it; and what no text holds, as file names in Python do."""
    if not isinstance(text, str):
        return text
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


Label = Annotated[str, Field(max_length=200), BeforeValidator(_printable)]
Amount = Annotated[float, Field(ge=0, le=1e18)]
Celsius = Annotated[float, Field(ge=-300, le=1e6)]
Count = Annotated[int, Field(ge=0, le=1 << 62)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _key(description: str, most: int | None = None) -> Any:
    return Field(description=description, max_length=most)


class CoreSnapshot(_Frozen):
    """A core."""

    clock_mhz: Annotated[Count, _key("clock")]
    mvm_percent: Annotated[Count, _key("limit of the MVM utilisation")]
    busy_s: Annotated[Amount, _key("board seconds so far in which it worked")]
    held_by: Annotated[Label, _key("process and program that hold it; empty where none does")]


class ChannelSnapshot(_Frozen):
    """DDR, or one direction of the link."""

    busy_s: Annotated[Amount, _key("board seconds so far in which something moved")]
    bytes_moved: Annotated[Count, _key("so far")]


class HeatSnapshot(_Frozen):
    """Power and temperature, as orders of magnitude."""

    power_w: Annotated[Amount, _key("mean so far")]
    temperature_c: Annotated[Celsius, _key("of the junction, now")]
    settled_c: Annotated[Celsius, _key("of the junction, in the long run")]


class BoardSnapshot(_Frozen):
    """A board."""

    name: Annotated[Label, _key("such as metis-0:1:0")]
    board: Annotated[Label, _key("kind of board, as options name it")]
    host: Annotated[Label, _key("host profile")]
    answers: Annotated[bool, _key("whether its firmware does")]
    memory_bytes: Annotated[Count, _key("DDR")]
    ddr_held: Annotated[Count, _key("bytes of DDR that the context's models declare")]
    l2_held: Annotated[Count, _key("bytes of L2 that the instances of all processes declare")]
    cores: Annotated[tuple[CoreSnapshot, ...], _key("in order", 16)]
    channels: Annotated[dict[Label, ChannelSnapshot], _key("`ddr`, `link_in`, `link_out`", 8)]
    heat: Annotated[HeatSnapshot | None, _key("null where no cooling is configured")] = None
    limits: Annotated[tuple[Label, ...], _key("throttles in force or, by its heat, due", 16)] = ()
    faults: Annotated[dict[Label, Count], _key("how often each kind befell it", 64)] = {}


class InstanceSnapshot(_Frozen):
    """An instance."""

    id: Annotated[Count, _key("its number in the context")]
    model: Annotated[Label, _key("name of the model")]
    board: Annotated[Label, _key("name of its board")]
    cores: Annotated[tuple[Count, ...], _key("cores it occupies", 16)]
    double_buffer: Annotated[bool, _key("results come two calls later")]
    loaded: Annotated[bool, _key("false once it was released")]
    frames: Annotated[Count, _key("so far, those of a batch counted each")]
    latency_ms: Annotated[tuple[Amount, Amount] | None, _key("median and 99th percentile of all calls")]
    recent_ms: Annotated[tuple[Amount, Amount] | None, _key("the same of the last thousand calls")]


class Snapshot(_Frozen):
    """All boards of one context of one process."""

    snapshot: Annotated[Literal[1], _key("version of this form")] = 1
    at: Annotated[Amount, _key("wall clock, in seconds since 1970")]
    every: Annotated[Amount, _key("wall seconds until the next is due")]
    ended: Annotated[bool, _key("whether it is the last")]
    pid: Annotated[Count, _key("the process")]
    context: Annotated[Count, _key("number of the context there")]
    program: Annotated[Label, _key("what the process runs")]
    pace: Annotated[Literal["virtual", "realtime"], _key("whether calls wait for the board")]
    model_version: Annotated[Label, _key("of the timing model")]
    calibration_id: Annotated[Label, _key("of the calibration")]
    elapsed_s: Annotated[Amount, _key("the boards' own clock")]
    threads: Annotated[Count, _key("that called")]
    boards: Annotated[tuple[BoardSnapshot, ...], _key("all that are configured", MOST_BOARDS)]
    instances: Annotated[
        tuple[InstanceSnapshot, ...], _key("loaded, and those released last", MOST_INSTANCES)
    ]
    left_out: Annotated[Count, _key("instances that had no room")] = 0

    @property
    def source(self) -> tuple[int, int]:
        """What all snapshots of one context have in common: process and number of the context there."""
        return self.pid, self.context


def parse_snapshot(content: bytes) -> Snapshot:
    """Read a snapshot that some process wrote.

    Raises:
        ValueError: it is none of this version; says where.
    """
    value = parse_json(content, JSON_TEXT)
    try:
        return Snapshot.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part)[:100] for part in first["loc"]) or "the whole"
        raise ValueError(f"no snapshot of version 1: {where}: {first['msg']}") from None
