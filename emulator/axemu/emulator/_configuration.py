"""How many boards there are and how they behave: from a TOML file, an environment variable, or the defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from axemu.chip import AMBIENT, BOARDS, HOSTS
from axemu.driver import (
    InvalidConfiguration,
    canonical,
    configuration_files,
    nearest,
    path_errors,
    read_configuration_file,
)
from axemu.driver.bounded import TOML_TEXT, parse_toml, shown
from axemu.emulator.faults import FaultPlan, PlanField
from axemu.emulator.metis import cooled
from axemu.model import MODEL_VERSIONS, RELEASE_VARIABLE

ENVIRONMENT_VARIABLE = "AXEMU_EMULATOR"
VARIABLES = {"AXEMU_REPORT": "report", "AXEMU_TRACE": "trace", RELEASE_VARIABLE: "sdk"}
MAX_BOARDS = 64
MAX_PROBLEMS = 20
_UNITS = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


def _bytes(value: Any) -> Any:
    """Read `"4GiB"` as well as a number of bytes."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d{1,15})\s*(b|kib|mib|gib)?\s*", value, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{shown(value)} is no size; write bytes as a number or like '4GiB' or '512MiB'")
    return int(match[1]) * _UNITS[(match[2] or "").lower()]


def _path(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL character, which no file name has")
    return value


_Path = Annotated[str, AfterValidator(_path), Field(max_length=4096)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BoardOptions(_Strict):
    """One entry of `boards`: what is plugged in, how often, and what differs from such a board as sold."""

    type: str = "pcie"
    count: int = Field(default=1, ge=1, le=MAX_BOARDS)
    name: str = Field(default="", max_length=100, pattern=r"^[A-Za-z0-9_.:-]*$")
    memory: Annotated[Annotated[int, Field(ge=1 << 20, le=1 << 40)] | None, BeforeValidator(_bytes)] = None
    host: str | None = None
    upstream: str = Field(default="", max_length=100)
    configuration: dict[str, int | str] = Field(default_factory=dict)

    @field_validator("type")
    @classmethod
    def _known_type(cls, value: str) -> str:
        return _one_of(value, BOARDS)

    @field_validator("host")
    @classmethod
    def _known_host(cls, value: str | None) -> str | None:
        return value if value is None else _one_of(value, HOSTS)


def _boards(value: Any) -> Any:
    """Read a number of boards, a type, or a list that mixes types and tables."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return [{"count": value}] if value else []
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        return [{"type": entry} if isinstance(entry, str) else entry for entry in value]
    return value


class EmulatorOptions(_Strict):
    """The table `[emulator]`.

    `pace`: "virtual" never sleeps; "realtime" returns from `run()` when the simulated board would. `numerics`: "metis"
    or "exact". `compute`: a path of the compute core ("auto" takes the fastest), or "off" for outputs that hold zero
    points. `run_threads`: threads of the CPU that one frame is split over; by default `AXEMU_COMPUTE_RUN_THREADS`, or 1.
    `host`: a host profile for boards that name none; by default the one each board is published with. `sdk`: the release of the vendor's SDK that boards behave like, "1.6" or "1.8": names of devices, the version of compiled models, published times; without it both versions load, and times are those of the calibration, by default of 1.6. `warmup`: what the two outputs before the first double-buffered result hold. `configure_polls`: how many
    `device_ready` calls an asynchronous configuration takes. `ambient`: temperature in degrees Celsius. `cooling`: how
    boards are cooled, by name or in K/W; "" leaves heat out, and every temperature is the ambient one.
    `faults`: what goes wrong, a list, a table with a seed, or a file. `report` and `trace`: files written when a context is released.
    """

    boards: Annotated[tuple[BoardOptions, ...], BeforeValidator(_boards)] = Field(
        default=(BoardOptions(),), max_length=MAX_BOARDS, strict=False
    )
    pace: Literal["virtual", "realtime"] = "virtual"
    numerics: Literal["metis", "exact"] = "metis"
    compute: str = Field(default="auto", max_length=40)
    run_threads: int | None = Field(default=None, ge=1, le=256)
    host: str | None = None
    sdk: str | None = None
    calibration: _Path = ""
    warmup: Literal["zero", "poison"] = "zero"
    configure_polls: int = Field(default=0, ge=0, le=1_000_000)
    ambient: int = Field(default=int(AMBIENT), ge=AMBIENT.low, le=AMBIENT.high)
    cooling: Annotated[str, Field(max_length=40)] | float = ""
    faults: PlanField = FaultPlan()
    report: _Path = ""
    trace: _Path = ""

    @field_validator("host")
    @classmethod
    def _known_host(cls, value: str | None) -> str | None:
        return value if value is None else _one_of(value, HOSTS)

    @field_validator("sdk")
    @classmethod
    def _known_sdk(cls, value: str | None) -> str | None:
        return value if value is None else _one_of(value, MODEL_VERSIONS)

    @field_validator("report", "trace", "calibration")
    @classmethod
    def _name_of_a_file(cls, value: str) -> str:
        if value not in ("", "-"):
            try:
                user_file(value)
            except InvalidConfiguration as error:
                raise ValueError(str(error)) from error
        return value

    @field_validator("cooling")
    @classmethod
    def _known_cooling(cls, value: str | float) -> str | float:
        if value != "":
            cooled(value, AMBIENT.value)
        return value

    @property
    def computes(self) -> bool:
        """Whether outputs hold computed values."""
        return self.compute != "off"


def _one_of(value: str, known: Mapping[str, Any]) -> str:
    return canonical("name", value, known)


def load_options() -> tuple[EmulatorOptions, tuple[str, ...]]:
    """Read the emulator's options and where they come from, the strongest source last.

    A key of the environment variable AXEMU_EMULATOR replaces the same key of the configuration file. The variable
    holds the inside of a TOML inline table: `boards = 2, pace = "realtime"`. AXEMU_REPORT and AXEMU_TRACE name the
    files `report` and `trace`.

    Raises:
        InvalidConfiguration: naming the source, the key and what it may be.
    """
    values: dict[str, Any] = {}
    sources: list[str] = []
    for path in configuration_files():
        table = read_configuration_file(path).get("emulator")
        if table is None:
            continue
        _check_table(table, str(path))
        values.update(table)
        sources.append(f"configuration file {path}")
        break
    if text := os.environ.get(ENVIRONMENT_VARIABLE, "").strip():
        source = f"environment variable {ENVIRONMENT_VARIABLE}"
        values.update(_inline_table(text, source))
        sources.append(source)
    for variable, key in VARIABLES.items():
        if path_text := os.environ.get(variable):
            values[key] = path_text
            sources.append(f"environment variable {variable}")
    return parse_options(values, " and ".join(sources) or "defaults"), tuple(sources)


def parse_options(values: Mapping[str, Any], source: str) -> EmulatorOptions:
    """Check the keys of an `[emulator]` table.

    Raises:
        InvalidConfiguration: naming `source`, the key and what it may be.
    """
    try:
        return EmulatorOptions.model_validate(dict(values))
    except ValidationError as error:
        known = ", ".join(EmulatorOptions.model_fields)
        found = error.errors(include_url=False, include_context=False, include_input=False)
        problems = "; ".join(
            f"{'.'.join(str(part)[:100] for part in problem['loc'])}: {_said(problem['type'], problem['msg'], problem['loc'])}"
            for problem in found[:MAX_PROBLEMS]
        ) + (f"; and {len(found) - MAX_PROBLEMS} more" if len(found) > MAX_PROBLEMS else "")
        raise InvalidConfiguration(
            f"emulator options from {source}: {problems} (known keys: {known})"
        ) from None


def _said(kind: str, message: str, place: tuple[int | str, ...]) -> str:
    if kind == "extra_forbidden":
        of_board = BoardOptions.model_fields if place[0] == "boards" else {}
        fields = EmulatorOptions.model_fields if len(place) == 1 else of_board
        return f"there is no such key{nearest(place[-1], fields)}"
    return message.removeprefix("Value error, ")


def _check_table(table: Any, source: str) -> None:
    if not isinstance(table, dict):
        raise InvalidConfiguration(
            f"{source}: 'emulator' is a {type(table).__name__}; make it a table [emulator]"
        )


def _inline_table(text: str, source: str) -> Mapping[str, Any]:
    inline = text if text.startswith("{") else "{" + text + "}"
    try:
        table = parse_toml(f"emulator = {inline}".encode(), TOML_TEXT)
    except ValueError as error:
        raise InvalidConfiguration(
            f"{source}: {shown(text)} is not the inside of a TOML inline table ({error}); "
            'write e.g. boards = 2, pace = "realtime"'
        ) from None
    if set(table) != {"emulator"}:
        raise InvalidConfiguration(f"{source}: only keys of the table [emulator] belong here")
    _check_table(table["emulator"], source)
    return dict(table["emulator"])


def user_file(path: str) -> Path:
    """Return a file the user named as an absolute path.

    Raises:
        InvalidConfiguration: it is no name for a file.
    """
    with path_errors(InvalidConfiguration, path, "is no name for a file"):
        return Path(path).expanduser().resolve()
