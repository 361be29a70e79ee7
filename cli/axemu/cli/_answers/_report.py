"""Reports of `axemu run`: what is in them, and how one is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from axemu.cli._answers._answer import Answer, Shares, key
from axemu.driver import InvalidArgument
from axemu.driver.bounded import JSON_FILE, parse_json, read_bounded


class BoardHeat(Answer):
    """How warm a board became."""

    certainty: Annotated[str, key("how far to trust this")]
    power_w: Annotated[float, key("mean W")]
    temperature_c: Annotated[float, key("°C at the end")]
    settled_c: Annotated[float, key("°C in the long run")]
    core_temps: Annotated[list[float], key("°C by sensor")]
    limits: Annotated[dict[str, bool], key("limiters that a card's would have worked")]


class ReportBoard(Answer):
    """A board of a report."""

    name: Annotated[str, key("such as metis-0:1:0")]
    board: Annotated[str, key("kind of board")]
    host: Annotated[str, key("host profile")]
    memory_bytes: Annotated[int, key("DDR")]
    utilisation: Annotated[Shares, key("share of the time that cores, DDR and links were busy")]
    core_utilisation: Annotated[Shares, key("share of the time by unit of a core")]
    bytes_moved: Annotated[dict[str, int], key("bytes by link and memory")]
    heat: Annotated[BoardHeat | None, key("if the board's cooling is configured")] = None


class ReportTotal(Answer):
    """All instances together, from the first arrival to the last completion."""

    calls: Annotated[int, key("of run()")]
    frames: Annotated[int, key("calls times batch")]
    fps: Annotated[float, key("frames/s")]
    latency_p50_ms: Annotated[float | None, key("median latency")]
    latency_p99_ms: Annotated[float | None, key("99th percentile of the latency")]


class ReportStream(Answer):
    """The calls of one thread."""

    calls: Annotated[int, key("of run()")]
    calls_per_second: Annotated[float, key("from its first arrival to its last completion")]
    call_p50_ms: Annotated[float | None, key("median duration of a call")]
    call_p99_ms: Annotated[float | None, key("99th percentile")]


class ReportInstance(Answer):
    """A model on cores."""

    id: Annotated[int, key("counted from 0")]
    model: Annotated[str, key("name of the model")]
    board: Annotated[str, key("name of the board")]
    cores: Annotated[list[int], key("it runs on")]
    batch: Annotated[int, key("frames per call")]
    double_buffer: Annotated[bool, key("results come two calls late")]
    calls: Annotated[int, key("of run()")]
    frames: Annotated[int, key("calls times batch")]
    fps: Annotated[float, key("frames/s")]
    latency_p50_ms: Annotated[float | None, key("median latency")]
    latency_p99_ms: Annotated[float | None, key("99th percentile of the latency")]
    latency_quantiles_ms: Annotated[
        list[float], key("latencies that 0 %, 1 %, … 100 % of the frames do not exceed; empty without frames")
    ] = Field(default_factory=list)
    first_calls_ms: Annotated[
        list[tuple[float, float, float, float]],
        key("arrival, begin and end of the execution, and completion of the first 200 calls"),
    ] = Field(default_factory=list)
    bound_by: Annotated[str | None, key("what a mean call waits for most")]
    microseconds_per_call: Annotated[Shares, key("where the time of a mean call went")]


class ReportFault(Answer):
    """Faults of one kind that a plan let happen."""

    board: Annotated[str, key("name of the board")]
    kind: Annotated[str, key("of fault")]
    count: Annotated[int, key("how often")]


class Report(Answer):
    """`axemu run --report FILE` writes it, `axemu report --json FILE` checks and prints it; times in seconds."""

    report_version: Annotated[int, key("of this format")]
    simulated: Annotated[bool, key("true")]
    model_version: Annotated[str, key("of the timing model")]
    calibration_id: Annotated[str, key("of the calibration")]
    provenance: Annotated[str, key("of the weakest figure")]
    pace: Annotated[str, key("`virtual` or `realtime`")]
    numerics: Annotated[str, key("`metis` or `exact`")]
    values: Annotated[str, key("`computed` or `not computed`")]
    configuration: Annotated[list[str], key("where options came from")]
    program: Annotated[str, key("that ran")]
    elapsed: Annotated[float, key("seconds of board time")]
    threads: Annotated[int, key("that called")]
    declared_dependencies: Annotated[int, key("by `axemu.emulator.after`")]
    inferred_dependencies: Annotated[int, key("frames found to wait for another thread's")]
    inferred_from: Annotated[list[str], key("ways of the standard library that threads used")]
    shared_queues: Annotated[int, key("queues of which several threads took their work")]
    pace_remarks: Annotated[Shares, key("lateness under the pace `realtime`")]
    faults: Annotated[list[ReportFault], key("that happened")]
    boards: Annotated[list[ReportBoard], key("board by board")]
    total: Annotated[ReportTotal, key("all instances together")]
    streams: Annotated[list[ReportStream], key("thread by thread")]
    instances: Annotated[list[ReportInstance], key("instance by instance")]


def report_of(path: Path) -> dict[str, Any]:
    """Read a report that `axemu run` wrote.

    Raises:
        InvalidArgument: the file is something else; says what is missing or wrong.
    """
    try:
        document = parse_json(read_bounded(path, JSON_FILE), JSON_FILE)
        Report.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        said = {"missing": "is missing", "extra_forbidden": "is not known"}.get(first["type"], first["msg"])
        raise InvalidArgument(f"{path} is not a report of this version: {place} {said}") from None
    except ValueError as error:
        raise InvalidArgument(f"{path} is not a report: {error}") from error
    return dict(document)
