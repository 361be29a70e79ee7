"""What `--json` prints, command by command: the source of docs/reference/json.md.

Every key has a description, and tests hold what commands print to these types: nothing is missing, nothing more is there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from axemu.driver import InvalidArgument
from axemu.driver.bounded import JSON_FILE, parse_json, read_bounded
from axemu.emulator.watching import Snapshot


def _key(description: str) -> Any:
    return Field(description=description)


Shares = dict[str, float]


class Answer(BaseModel):
    """JSON that a command prints."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Interpreter(Answer):
    """The Python that runs."""

    version: Annotated[str, _key("of Python")]
    executable: Annotated[str, _key("path of it")]


class Processor(Answer):
    """The CPU."""

    threads: Annotated[int | None, _key("threads the system has")]
    features: Annotated[list[str], _key("instructions that matter to the compute core")]


class PackageOwner(Answer):
    """Somebody else's package of the vendor's name."""

    module: Annotated[str, _key("name that is imported")]
    distribution: Annotated[str, _key("whose it is")]
    location: Annotated[str, _key("directory")]


class SelectedDriver(Answer):
    """The driver that a program would get."""

    name: Annotated[str, _key("of the driver")]
    source: Annotated[str, _key("what selected it")]
    problem: Annotated[str | None, _key("why it cannot be used")]
    about: Annotated[list[str], _key("what it says of itself, line by line")]


class InfoBoard(Answer):
    """A board that a program would see."""

    name: Annotated[str, _key("such as metis-0:1:0")]
    board: Annotated[str, _key("kind of board, as options name it")]
    type: Annotated[str, _key("`BoardType` of the runtime")]
    memory_bytes: Annotated[int, _key("DDR")]
    cores: Annotated[int, _key("sub-devices")]
    in_use_by: Annotated[str | None, _key("who holds cores of it")]


class Info(Answer):
    """`axemu info`."""

    version: Annotated[str, _key("of axemu")]
    python: Annotated[Interpreter, _key("the interpreter")]
    packages: Annotated[dict[str, str | None], _key("versions; null where not installed")]
    cpu: Annotated[Processor, _key("the processor")]
    other_owners: Annotated[list[PackageOwner], _key("packages of the vendor's names that are not ours")]
    drivers: Annotated[list[str], _key("names that can be selected")]
    driver: Annotated[SelectedDriver, _key("the selected one")]
    boards: Annotated[list[InfoBoard], _key("its boards")]


class Device(Answer):
    """`axdevice`, a list of these."""

    index: Annotated[int, _key("position, counted from 0")]
    name: Annotated[str, _key("such as metis-0:1:0")]
    board_type: Annotated[str, _key("`BoardType` of the runtime")]
    memory_bytes: Annotated[int, _key("DDR")]
    cores: Annotated[int, _key("sub-devices")]
    in_use_by: Annotated[str | None, _key("who holds cores of it")]
    firmware_version: Annotated[str, _key("`emulated` on an emulated board")]
    flashed_firmware_version: Annotated[str, _key("of the firmware in flash")]
    board_controller_firmware_version: Annotated[str, _key("of the board controller")]
    board_controller_board_type: Annotated[str, _key("kind of board")]
    board_revision: Annotated[int, _key("of the board")]
    configuration: Annotated[dict[str, str] | None, _key("properties in force; null when it does not answer")]


class Measured(Answer):
    """`axrunmodel`. Rates are of all boards together."""

    model: Annotated[str, _key("name of the model")]
    device_fps: Annotated[float, _key("frames/s if boards only executed")]
    host_fps: Annotated[float, _key("frames/s if calls followed each other without a gap")]
    system_fps: Annotated[float, _key("frames by elapsed time")]
    latency: Annotated[float, _key("mean seconds from submitting a frame to holding its result")]
    frames: Annotated[int, _key("frames run")]
    temperature: Annotated[float, _key("°C")]
    simulated: Annotated[str, _key("timing model and calibration; empty on a card")]
    latencies: Annotated[list[float], _key("seconds, frame by frame; empty where a driver takes none")]
    device_time: Annotated[float, _key("mean seconds of a frame on the board")]
    host_time: Annotated[float, _key("mean seconds of a call")]
    verified: Annotated[int | None, _key("instances that returned the same bytes; null unless asked for")]


class Rates(Answer):
    """Frames per second of `axzoo benchmark`."""

    device: Annotated[float, _key("if boards only executed")]
    host: Annotated[float, _key("if calls followed each other without a gap")]
    system: Annotated[float, _key("frames by elapsed time")]


class Latencies(Answer):
    """How latencies are distributed, in milliseconds."""

    min: Annotated[float, _key("smallest")]
    mean: Annotated[float, _key("mean")]
    p50: Annotated[float, _key("the smallest that half of all frames do not exceed; likewise the others")]
    p90: float
    p95: float
    p99: float
    p99_9: float
    max: Annotated[float, _key("largest")]
    jitter: Annotated[float, _key("standard deviation")]


class Benchmark(Answer):
    """`axzoo benchmark`. The vendor's tool prints such figures; its keys are not published, these are ours."""

    model: Annotated[str, _key("name of the model")]
    frames: Annotated[int, _key("frames run")]
    fps: Annotated[Rates, _key("frames per second")]
    latency_ms: Annotated[
        Latencies | None, _key("from submitting a frame to its result; null where a driver takes none")
    ]
    device_ms: Annotated[float, _key("mean of a frame on the board")]
    host_ms: Annotated[float, _key("mean of a call")]
    temperature: Annotated[float, _key("°C")]
    simulated: Annotated[str, _key("timing model and calibration; empty on a card")]


class NetworkFacts(Answer):
    """`axemu zoo show`; `axemu zoo list` gives a list of these."""

    name: Annotated[str, _key("in the zoo")]
    vendor_name: Annotated[str, _key("as the vendor's tools call it")]
    title: Annotated[str, _key("as people write it")]
    task: Annotated[str, _key("what it is for")]
    input: Annotated[list[int], _key("shape: N, C, H, W")]
    classes: Annotated[int, _key("of the default build")]
    parameters: Annotated[int, _key("weights and biases of the fused graph")]
    macs: Annotated[int, _key("multiply-accumulates per image")]
    source: Annotated[str, _key("where the architecture was published")]
    names: Annotated[list[str], _key("all names it is found by")]


class StandIn(Answer):
    """`axemu stand-in`."""

    distribution: Annotated[str, _key("its name")]
    release: Annotated[str, _key("its release; empty if it is missing")]
    state: Annotated[str, _key("`missing`, `ours` or `not ours`")]


class CommandState(Answer):
    """`axemu commands`, a list of these."""

    path: Annotated[str, _key("of the command")]
    state: Annotated[str, _key("`missing`, `ours` or `not ours`")]
    refused: Annotated[bool, _key("--install left it alone, as it is not ours")]


class ExampleFacts(Answer):
    """`axemu examples list`, a list of these."""

    name: Annotated[str, _key("of the example")]
    title: Annotated[str, _key("what it shows")]
    commands: Annotated[list[str], _key("make its model and run it")]


class HeatAnswer(Answer):
    """Power and temperature of a board; orders of magnitude."""

    ambient_c: Annotated[float, _key("°C around the board")]
    resistance_k_per_w: Annotated[float, _key("of the cooling")]
    fps: Annotated[float, _key("frames/s before throttling")]
    power_w: Annotated[float, _key("W at that rate")]
    power_parts_w: Annotated[Shares, _key("W by what draws them")]
    settled_c: Annotated[float, _key("°C in the long run if nothing throttled")]
    sustained_fps: Annotated[float, _key("frames/s that throttling leaves")]
    sustained_w: Annotated[float, _key("W at that rate")]
    sustained_c: Annotated[float, _key("°C at that rate")]
    hottest_c: Annotated[float, _key("highest °C on the way")]
    sustained_mhz: Annotated[float, _key("clock in the long run")]
    limits: Annotated[Shares, _key("share of the time that each limiter works")]
    limited_by: Annotated[str, _key("limiter that costs most")]
    seconds_to_throttle: Annotated[float | None, _key("from a cold board; null: never")]
    seconds_to_shutdown: Annotated[float | None, _key("from a cold board; null: never")]
    warning: Annotated[bool, _key("the board would warn")]
    slot_w: Annotated[float | None, _key("W that the slot gives")]


class PredictionAnswer(Answer):
    """`axemu predict`. Rates are of all boards together."""

    model: Annotated[str, _key("name of the model")]
    board: Annotated[str, _key("kind of board")]
    host: Annotated[str, _key("the host it holds for")]
    host_fps: Annotated[float, _key("frames/s if calls followed each other without a gap; what tables show")]
    device_fps: Annotated[float, _key("frames/s if cores only executed")]
    system_fps: Annotated[float, _key("frames/s with the application's loop")]
    latency_ms: Annotated[float, _key("from submitting a frame to holding its result, in the steady state")]
    lone_latency_ms: Annotated[float, _key("of a single frame on an idle board")]
    bound_by: Annotated[str, _key("what the mean call waits for most")]
    band: Annotated[tuple[float, float], _key("bounds of host_fps at 80 %")]
    model_version: Annotated[str, _key("of the timing model")]
    calibration_id: Annotated[str, _key("of the calibration")]
    provenance: Annotated[str, _key("the weakest that the answer rests on")]
    weakest_figures: Annotated[tuple[str, ...], _key("figures that have it")]
    frames: Annotated[int, _key("frames simulated")]
    extrapolated: Annotated[bool, _key("the steady state was extrapolated")]
    parts_us: Annotated[Shares, _key("where the mean call went, µs")]
    busy: Annotated[Shares, _key("share of the time that each unit worked")]
    ddr_bytes_per_frame: Annotated[float, _key("bytes through DDR")]
    unseen_rules: Annotated[tuple[str, ...], _key("rules that no measured network rests on")]
    heat: Annotated[HeatAnswer | None, _key("with --ambient or --cooling")]
    sdk: Annotated[str, _key("release of the calibration")]
    comparable: Annotated[str, _key("which published rates host_fps may be held against")]
    published_fps: Annotated[float | None, _key("the published rate of this network in this setting")]


class LayerRow(Answer):
    """An operator of `axemu explain`."""

    name: Annotated[str, _key("of the operator")]
    op: Annotated[str, _key("kind of operator")]
    time_us: Annotated[float, _key("µs of one call with the board to itself")]
    ddr_us: Annotated[float, _key("µs of it that wait for DDR")]
    units_us: Annotated[Shares, _key("µs by unit")]
    macs: Annotated[int, _key("multiply-accumulates")]
    weight_bytes: Annotated[int, _key("weights as stored")]
    l1_bytes: Annotated[int, _key("bytes through L1")]
    l2_bytes: Annotated[int, _key("bytes through L2")]
    ddr_bytes: Annotated[int, _key("bytes through DDR")]
    intensity: Annotated[float, _key("multiply-accumulates per byte")]
    achieved: Annotated[float, _key("MAC/s")]
    roof: Annotated[float, _key("MAC/s that its bytes would allow")]
    bound_by: Annotated[str, _key("unit that takes longest")]


class ExplanationAnswer(Answer):
    """`axemu explain`; with `--tasks` the program of a core, see the explanation of programs."""

    prediction: Annotated[PredictionAnswer, _key("as `axemu predict` has it")]
    layers: Annotated[list[LayerRow], _key("operators in order")]
    sensitivities: Annotated[
        dict[str, tuple[float, float]],
        _key("relative change of host_fps when a figure is 10 % smaller, larger"),
    ]


class PointAnswer(Answer):
    """A measured rate and its prediction."""

    model: Annotated[str, _key("network")]
    board: Annotated[str, _key("kind of board")]
    metric: Annotated[str, _key("which rate")]
    cores: Annotated[int, _key("used")]
    measured: Annotated[float, _key("frames/s")]
    simulated: Annotated[float, _key("frames/s")]
    error: Annotated[float, _key("simulated / measured - 1")]
    source: Annotated[str, _key("of the measurement")]


class SummaryAnswer(Answer):
    """Errors of a group of points."""

    group: Annotated[str, _key("of points")]
    count: Annotated[int, _key("of points")]
    median: Annotated[float, _key("absolute error")]
    mape: Annotated[float, _key("mean absolute error")]
    bias: Annotated[float, _key("mean error")]
    within_10: Annotated[float, _key("share of points off by 10 % at most")]
    within_20: Annotated[float, _key("share of points off by 20 % at most")]
    spearman: Annotated[float, _key("rank correlation")]


class CorrelationAnswer(Answer):
    """`axemu correlate`."""

    points: Annotated[list[PointAnswer], _key("one by one")]
    summaries: Annotated[list[SummaryAnswer], _key("by group")]


class BoardHeat(Answer):
    """How warm a board became."""

    certainty: Annotated[str, _key("how far to trust this")]
    power_w: Annotated[float, _key("mean W")]
    temperature_c: Annotated[float, _key("°C at the end")]
    settled_c: Annotated[float, _key("°C in the long run")]
    core_temps: Annotated[list[float], _key("°C by sensor")]
    limits: Annotated[dict[str, bool], _key("limiters that a card's would have worked")]


class ReportBoard(Answer):
    """A board of a report."""

    name: Annotated[str, _key("such as metis-0:1:0")]
    board: Annotated[str, _key("kind of board")]
    host: Annotated[str, _key("host profile")]
    memory_bytes: Annotated[int, _key("DDR")]
    utilisation: Annotated[Shares, _key("share of the time that cores, DDR and links were busy")]
    core_utilisation: Annotated[Shares, _key("share of the time by unit of a core")]
    bytes_moved: Annotated[dict[str, int], _key("bytes by link and memory")]
    heat: Annotated[BoardHeat | None, _key("if the board's cooling is configured")] = None


class ReportTotal(Answer):
    """All instances together, from the first arrival to the last completion."""

    calls: Annotated[int, _key("of run()")]
    frames: Annotated[int, _key("calls times batch")]
    fps: Annotated[float, _key("frames/s")]
    latency_p50_ms: Annotated[float | None, _key("median latency")]
    latency_p99_ms: Annotated[float | None, _key("99th percentile of the latency")]


class ReportStream(Answer):
    """The calls of one thread."""

    calls: Annotated[int, _key("of run()")]
    calls_per_second: Annotated[float, _key("from its first arrival to its last completion")]
    call_p50_ms: Annotated[float | None, _key("median duration of a call")]
    call_p99_ms: Annotated[float | None, _key("99th percentile")]


class ReportInstance(Answer):
    """A model on cores."""

    id: Annotated[int, _key("counted from 0")]
    model: Annotated[str, _key("name of the model")]
    board: Annotated[str, _key("name of the board")]
    cores: Annotated[list[int], _key("it runs on")]
    batch: Annotated[int, _key("frames per call")]
    double_buffer: Annotated[bool, _key("results come two calls late")]
    calls: Annotated[int, _key("of run()")]
    frames: Annotated[int, _key("calls times batch")]
    fps: Annotated[float, _key("frames/s")]
    latency_p50_ms: Annotated[float | None, _key("median latency")]
    latency_p99_ms: Annotated[float | None, _key("99th percentile of the latency")]
    bound_by: Annotated[str | None, _key("what a mean call waits for most")]
    microseconds_per_call: Annotated[Shares, _key("where the time of a mean call went")]


class ReportFault(Answer):
    """Faults of one kind that a plan let happen."""

    board: Annotated[str, _key("name of the board")]
    kind: Annotated[str, _key("of fault")]
    count: Annotated[int, _key("how often")]


class Report(Answer):
    """`axemu run --report FILE` writes it, `axemu report --json FILE` checks and prints it; times in seconds."""

    report_version: Annotated[int, _key("of this format")]
    simulated: Annotated[bool, _key("true")]
    model_version: Annotated[str, _key("of the timing model")]
    calibration_id: Annotated[str, _key("of the calibration")]
    provenance: Annotated[str, _key("of the weakest figure")]
    pace: Annotated[str, _key("`virtual` or `realtime`")]
    numerics: Annotated[str, _key("`metis` or `exact`")]
    values: Annotated[str, _key("`computed` or `not computed`")]
    configuration: Annotated[list[str], _key("where options came from")]
    program: Annotated[str, _key("that ran")]
    elapsed: Annotated[float, _key("seconds of board time")]
    threads: Annotated[int, _key("that called")]
    declared_dependencies: Annotated[int, _key("by `axemu.emulator.after`")]
    inferred_dependencies: Annotated[int, _key("frames found to wait for another thread's")]
    inferred_from: Annotated[list[str], _key("ways of the standard library that threads used")]
    shared_queues: Annotated[int, _key("queues of which several threads took their work")]
    pace_remarks: Annotated[Shares, _key("lateness under the pace `realtime`")]
    faults: Annotated[list[ReportFault], _key("that happened")]
    boards: Annotated[list[ReportBoard], _key("board by board")]
    total: Annotated[ReportTotal, _key("all instances together")]
    streams: Annotated[list[ReportStream], _key("thread by thread")]
    instances: Annotated[list[ReportInstance], _key("instance by instance")]


class Apart(Answer):
    """How far values of a tensor are apart."""

    sqnr_db: Annotated[
        float | None, _key("signal over noise; null where nothing differs, or nothing is there")
    ]
    cosine: Annotated[float, _key("of the angle between both, as vectors")]
    off_by: Annotated[
        dict[str, int],
        _key("number of values by how many steps of the scale they differ; `8` counts all from eight"),
    ]
    largest: Annotated[float, _key("steps, at most")]
    values: Annotated[int, _key("how many there are")]
    where: Annotated[
        list[int] | None, _key("frame, row, column, channel of the first that differs; null where none does")
    ]


class ComparedTensor(Answer):
    """A tensor on both sides."""

    tensor: Annotated[str, _key("its name in the program")]
    node: Annotated[str, _key("that writes it; empty for an input")]
    operator: Annotated[str, _key("of that node; `input` for an input")]
    inputs: Annotated[list[str], _key("tensors that the node reads")]
    shape: Annotated[list[int], _key("height, width, channels")]
    value: Annotated[str, _key("its name on the other side")]
    aligned: Annotated[str, _key("what was done before comparing")]
    accumulated: Annotated[Apart, _key("after everything before it")]
    local: Annotated[
        Apart | None, _key("its node alone, fed with what the other side has; null where not known")
    ]
    findings: Annotated[list[str], _key("what the differences look like, where the sides diverge")]


class ComparisonAnswer(Answer):
    """Two ways of computing a network."""

    examined: Annotated[str, _key("the side whose nodes ran one by one")]
    reference: Annotated[str, _key("the other")]
    frames: Annotated[int, _key("how many")]
    exact: Annotated[bool, _key("whether both are to hold the same integers")]
    first: Annotated[str | None, _key("the first tensor that differs by itself")]
    notes: Annotated[list[str], _key("what was aligned, or cannot be seen")]
    advice: Annotated[list[str], _key("what to try")]
    tensors: Annotated[list[ComparedTensor], _key("inputs first, then as the program computes")]


ANSWERS: dict[str, Any] = {
    "axdevice": list[Device],
    "axemu commands": list[CommandState],
    "axemu compare": ComparisonAnswer,
    "axemu correlate": CorrelationAnswer,
    "axemu examples list": list[ExampleFacts],
    "axemu explain": ExplanationAnswer,
    "axemu info": Info,
    "axemu monitor": Snapshot,
    "axemu predict": PredictionAnswer,
    "axemu report": Report,
    "axemu stand-in": StandIn,
    "axemu zoo list": list[NetworkFacts],
    "axemu zoo show": NetworkFacts,
    "axmonitor": Snapshot,
    "axrunmodel": Measured,
    "axzoo benchmark": Benchmark,
}
"""What each command with `--json` prints."""


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
