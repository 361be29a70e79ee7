"""Predictions, and how well they meet measurements."""

from __future__ import annotations

from typing import Annotated

from axemu.cli._answers._answer import Answer, Shares, key


class HeatAnswer(Answer):
    """Power and temperature of a board; orders of magnitude."""

    ambient_c: Annotated[float, key("°C around the board")]
    resistance_k_per_w: Annotated[float, key("of the cooling")]
    fps: Annotated[float, key("frames/s before throttling")]
    power_w: Annotated[float, key("W at that rate")]
    power_parts_w: Annotated[Shares, key("W by what draws them")]
    settled_c: Annotated[float, key("°C in the long run if nothing throttled")]
    sustained_fps: Annotated[float, key("frames/s that throttling leaves")]
    sustained_w: Annotated[float, key("W at that rate")]
    sustained_c: Annotated[float, key("°C at that rate")]
    hottest_c: Annotated[float, key("highest °C on the way")]
    sustained_mhz: Annotated[float, key("clock in the long run")]
    limits: Annotated[Shares, key("share of the time that each limiter works")]
    limited_by: Annotated[str, key("limiter that costs most")]
    seconds_to_throttle: Annotated[float | None, key("from a cold board; null: never")]
    seconds_to_shutdown: Annotated[float | None, key("from a cold board; null: never")]
    warning: Annotated[bool, key("the board would warn")]
    slot_w: Annotated[float | None, key("W that the slot gives")]


class PredictionAnswer(Answer):
    """`axemu predict`. Rates are of all boards together."""

    model: Annotated[str, key("name of the model")]
    board: Annotated[str, key("kind of board")]
    host: Annotated[str, key("the host it holds for")]
    host_fps: Annotated[float, key("frames/s if calls followed each other without a gap; what tables show")]
    device_fps: Annotated[float, key("frames/s if cores only executed")]
    system_fps: Annotated[float, key("frames/s with the application's loop")]
    latency_ms: Annotated[float, key("from submitting a frame to holding its result, in the steady state")]
    lone_latency_ms: Annotated[float, key("of a single frame on an idle board")]
    bound_by: Annotated[str, key("what the mean call waits for most")]
    band: Annotated[tuple[float, float], key("bounds of host_fps at 80 %")]
    model_version: Annotated[str, key("of the timing model")]
    calibration_id: Annotated[str, key("of the calibration")]
    provenance: Annotated[str, key("the weakest that the answer rests on")]
    weakest_figures: Annotated[tuple[str, ...], key("figures that have it")]
    frames: Annotated[int, key("frames simulated")]
    extrapolated: Annotated[bool, key("the steady state was extrapolated")]
    parts_us: Annotated[Shares, key("where the mean call went, µs")]
    busy: Annotated[Shares, key("share of the time that each unit worked")]
    ddr_bytes_per_frame: Annotated[float, key("bytes through DDR")]
    unseen_rules: Annotated[tuple[str, ...], key("rules that no measured network rests on")]
    heat: Annotated[HeatAnswer | None, key("with --ambient or --cooling")]
    sdk: Annotated[str, key("release of the calibration")]
    comparable: Annotated[str, key("which published rates host_fps may be held against")]
    published_fps: Annotated[float | None, key("the published rate of this network in this setting")]


class LayerRow(Answer):
    """An operator of `axemu explain`."""

    name: Annotated[str, key("of the operator")]
    op: Annotated[str, key("kind of operator")]
    time_us: Annotated[float, key("µs of one call with the board to itself")]
    ddr_us: Annotated[float, key("µs of it that wait for DDR")]
    units_us: Annotated[Shares, key("µs by unit")]
    macs: Annotated[int, key("multiply-accumulates")]
    weight_bytes: Annotated[int, key("weights as stored")]
    l1_bytes: Annotated[int, key("bytes through L1")]
    l2_bytes: Annotated[int, key("bytes through L2")]
    ddr_bytes: Annotated[int, key("bytes through DDR")]
    intensity: Annotated[float, key("multiply-accumulates per byte")]
    achieved: Annotated[float, key("MAC/s")]
    roof: Annotated[float, key("MAC/s that its bytes would allow")]
    bound_by: Annotated[str, key("unit that takes longest")]


class ExplanationAnswer(Answer):
    """`axemu explain`; with `--tasks` the program of a core, see the explanation of programs."""

    prediction: Annotated[PredictionAnswer, key("as `axemu predict` has it")]
    layers: Annotated[list[LayerRow], key("operators in order")]
    sensitivities: Annotated[
        dict[str, tuple[float, float]],
        key("relative change of host_fps when a figure is 10 % smaller, larger"),
    ]


class PointAnswer(Answer):
    """A measured rate and its prediction."""

    model: Annotated[str, key("network")]
    board: Annotated[str, key("kind of board")]
    metric: Annotated[str, key("which rate")]
    cores: Annotated[int, key("used")]
    measured: Annotated[float, key("frames/s")]
    simulated: Annotated[float, key("frames/s")]
    error: Annotated[float, key("simulated / measured - 1")]
    source: Annotated[str, key("of the measurement")]


class SummaryAnswer(Answer):
    """Errors of a group of points."""

    group: Annotated[str, key("of points")]
    count: Annotated[int, key("of points")]
    median: Annotated[float, key("absolute error")]
    mape: Annotated[float, key("mean absolute error")]
    bias: Annotated[float, key("mean error")]
    within_10: Annotated[float, key("share of points off by 10 % at most")]
    within_20: Annotated[float, key("share of points off by 20 % at most")]
    spearman: Annotated[float, key("rank correlation")]


class CorrelationAnswer(Answer):
    """`axemu correlate`."""

    points: Annotated[list[PointAnswer], key("one by one")]
    summaries: Annotated[list[SummaryAnswer], key("by group")]
