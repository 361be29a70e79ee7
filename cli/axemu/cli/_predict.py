"""`axemu predict` and `axemu explain`: how fast a model will be, and why."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from axemu.chip import AMBIENT, CORES
from axemu.cli._errors import exit_on_error
from axemu.cli._options import (
    AsJson,
    Board,
    Boards,
    CalibrationFile,
    Clock,
    CompiledCores,
    Cores,
    Host,
    Limit,
    Model,
    Page,
    Sdk,
    Seconds,
    axis,
)
from axemu.cli._terminal import columns, ends, folded
from axemu.driver import InvalidArgument

if TYPE_CHECKING:
    from axemu.studies import Explanation, Heat, Prediction, Row, Scenario

app = typer.Typer(add_completion=False)

DoubleBuffer = Annotated[
    bool, typer.Option("--double-buffer/--no-double-buffer", help="Copy while executing.")
]
Upstream = Annotated[bool, typer.Option("--shared-upstream", help="The boards share one way to the host.")]
EveryFrame = Annotated[
    bool, typer.Option("--every-frame", help="Simulate every frame instead of extrapolating.")
]
Ambient = Annotated[
    float | None,
    typer.Option(
        "--ambient",
        min=AMBIENT.low,
        max=AMBIENT.high,
        help="Ambient temperature in °C: shows power, temperature, throttling.",
    ),
]
Cooling = Annotated[
    str | None,
    typer.Option(
        "--cooling", help="fan, heatsink, fanless, or a thermal resistance in K/W; shows power likewise."
    ),
]
PowerLimit = Annotated[
    float | None,
    typer.Option(
        "--power-limit", min=0.1, max=1000, help="Watts for the limiter of a board that has one (m2-max)."
    ),
]


def scenario_from(
    model: Model,
    *,
    board: Board = "pcie",
    compiled_cores: CompiledCores = None,
    cores: Cores = CORES,
    clock: Clock = 800,
    mvm_utilisation: Limit = 100.0,
    double_buffer: DoubleBuffer = True,
    host: Host = None,
    boards: Boards = 1,
    shared_upstream: Upstream = False,
    seconds: Seconds = 10.0,
    every_frame: EveryFrame = False,
    sdk: Sdk = None,
    calibration: CalibrationFile = None,
    ambient: Ambient = None,
    cooling: Cooling = None,
    power_limit: PowerLimit = None,
) -> Scenario:
    """Return the scenario that the command line describes."""
    from axemu.studies import Scenario  # noqa: PLC0415  each command imports what it needs

    return Scenario(
        model,
        board=board,
        compiled_cores=compiled_cores,
        cores=cores,
        clock=clock,
        mvm_utilisation=mvm_utilisation,
        double_buffer=double_buffer,
        host=host,
        boards=boards,
        shared_upstream=shared_upstream,
        seconds=seconds,
        every_frame=every_frame,
        sdk=sdk,
        calibration=calibration,
        ambient=ambient,
        cooling=cooling,
        power_limit=power_limit,
    )


def with_scenario_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a scenario; it takes the scenario and has further options of its own."""
    shared = parameters_of(scenario_from)
    _, *own = parameters_of(command)

    @wraps(command)
    def wrapped(**given: Any) -> None:
        with exit_on_error(f"axemu {command.__name__}"):
            scenario = scenario_from(**{one.name: given.pop(one.name) for one in shared})
            command(scenario, **given)

    parameters = (*shared, *own)
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def parameters_of(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Return the parameters with annotations that typer can read."""
    hints = get_type_hints(function, localns={"Scenario": object}, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    return [parameter.replace(annotation=hints[parameter.name]) for parameter in parameters]


Compare = Annotated[
    list[str] | None,
    typer.Option(
        "--compare",
        metavar="OPTION=VALUE,VALUE,…",
        help="Predict side by side for each value of an option: board=m2,pcie or clock=400,800. May be repeated.",
    ),
]


@app.command("predict")
@with_scenario_options
def predict(
    scenario: Scenario, *, compare: Compare = None, as_json: AsJson = False, html: Page = None
) -> None:
    """Predict the speed of a model, with an error bar; simulated."""
    if compare or html is not None:
        _compare(scenario, compare or [], as_json, html)
        if compare:
            return
    from axemu.studies import predict as ask  # noqa: PLC0415

    prediction = ask(scenario)
    if as_json:
        print(json.dumps(prediction.to_dict(), indent=1))
        remark(prediction)
    else:
        print("\n".join(prediction_lines(scenario, prediction)))


@app.command("explain")
@with_scenario_options
def explain(
    scenario: Scenario,
    *,
    as_json: AsJson = False,
    html: Page = None,
    layers: Annotated[
        int,
        typer.Option("--layers", min=0, max=1_000_000, help="Operators to show, slowest first; 0 shows all."),
    ] = 25,
    tasks: Annotated[
        bool,
        typer.Option(
            "--tasks", help="Show the program of a core instead: its steps, passes, units and bytes."
        ),
    ] = False,
) -> None:
    """Explain a prediction operator by operator, with the effect of a change in each figure; simulated."""
    if tasks:
        if html is not None:
            raise InvalidArgument(
                "--html: there is a page of layers, and none of --tasks; leave one of the two out"
            )
        from axemu.cli._tasks import show_tasks  # noqa: PLC0415

        show_tasks(scenario, as_json=as_json)
        return
    from axemu.studies import explain as ask  # noqa: PLC0415

    explanation = ask(scenario)
    if html is not None:
        from axemu.studies import write_explanation  # noqa: PLC0415

        write_explanation(html, scenario, explanation)
    if as_json:
        print(json.dumps(explanation.to_dict(), indent=1))
        remark(explanation.prediction)
    else:
        print("\n".join(explanation_lines(scenario, explanation, layers)))


def _compare(scenario: Scenario, compared: Sequence[str], as_json: bool, html: Path | None) -> None:
    """Predict side by side; print that if anything is compared, and write the page."""
    from axemu.studies.questions import predictions, write_page  # noqa: PLC0415

    axes: dict[str, list[Any]] = {}
    for text in compared:
        name, values = axis("--compare", text)
        if name in axes:
            raise InvalidArgument(f"--compare {name}: given twice; name all its values at once")
        axes[name.replace("-", "_")] = values
    answer = predictions(scenario, axes)
    if html is not None:
        write_page(html, answer, "axemu")
    if not compared:
        return
    if as_json:
        print(json.dumps(answer.to_dict(), indent=1))
        print(answer.stamp, file=sys.stderr)
    else:
        print(answer.text(columns() or sys.maxsize))


def remark(prediction: Prediction) -> None:
    """Say on stderr that what stdout holds is simulated."""
    print(stamp(prediction), file=sys.stderr)


def stamp(prediction: Prediction) -> str:
    """Return where the figures come from."""
    return (
        f"simulated (model {prediction.model_version}, calibration {prediction.calibration_id}, "
        f"rests on {prediction.provenance} figures: {', '.join(prediction.weakest_figures)})"
    )


def prediction_lines(scenario: Scenario, prediction: Prediction) -> list[str]:
    """Return the answer as text."""
    low, high = prediction.band
    parts = sorted(prediction.parts_us.items(), key=lambda part: -part[1])
    call = sum(prediction.parts_us.values())
    shown = ", ".join(
        f"{name} {value:.0f}\N{NO-BREAK SPACE}µs\N{NO-BREAK SPACE}({value / call:.0%})"
        for name, value in parts
        if value >= 0.005 * call
    )
    how = "steady state extrapolated" if prediction.extrapolated else "every frame"
    boards = f"{scenario.boards} x {prediction.board}" if scenario.boards > 1 else prediction.board
    of_this = "" if prediction.published_fps is None else f": {prediction.published_fps:.0f} for this network"
    return [
        f"{prediction.model} on {boards}, {scenario.cores} cores at {scenario.clock} MHz",
        *folded("", stamp(prediction)),
        *folded("host", prediction.host),
        *(
            folded(
                "doubt", f"band doubled, no measured network rests on {', '.join(prediction.unseen_rules)}"
            )
            if prediction.unseen_rules
            else ()
        ),
        f"  host FPS    {prediction.host_fps:10.1f}   80 % band {low:.0f} to {high:.0f} (unseen families)",
        *folded("comparable", f"{prediction.comparable}{of_this}"),
        f"  device FPS  {prediction.device_fps:10.1f}",
        f"  system FPS  {prediction.system_fps:10.1f}",
        f"  latency     {prediction.latency_ms:10.2f} ms in the loop, {prediction.lone_latency_ms:.2f} ms alone",
        f"  bound by    {prediction.bound_by}",
        *folded("a call", shown),
        f"  DDR         {prediction.ddr_bytes_per_frame / 1e6:.1f} MB per frame",
        *(heat_lines(prediction.heat) if prediction.heat else ()),
        f"  {prediction.frames} frames simulated, {how}",
    ]


def heat_lines(heat: Heat) -> list[str]:
    """Return power and temperature as text."""
    parts = ", ".join(f"{name} {watts:.1f}" for name, watts in heat.power_parts_w.items())
    over = (
        ""
        if heat.slot_w is None or heat.power_w <= heat.slot_w
        else f", beyond the {heat.slot_w:g} of its slot"
    )
    cooled = f"{heat.resistance_k_per_w:g} K/W, {heat.ambient_c:g} °C ambient"
    lines = [
        *folded("power", f"{heat.power_w:.1f} W of a board, order of magnitude ({parts}){over}"),
        *folded("temperature", f"{heat.settled_c:.0f} °C in the long run if nothing throttled ({cooled})"),
    ]
    if heat.seconds_to_throttle is None and heat.seconds_to_shutdown is None:
        return [*lines, *folded("throttled", "no")]
    first = f"after {heat.seconds_to_throttle or 0:.0f} s"
    if heat.seconds_to_shutdown is not None:
        last = f"{first}; shuts down after {heat.seconds_to_shutdown:.0f} s"
        return [*lines, *folded("throttled", last)]
    bites = ", ".join(f"{name} {share:.0%} of the time" for name, share in heat.limits.items() if share)
    lines += folded("throttled", f"{first}; {bites}")
    kept = (
        f"{heat.sustained_fps:.1f} system FPS of a board instead of {heat.fps:.1f}, at {heat.sustained_mhz:.0f} MHz, "
        f"{heat.sustained_w:.1f} W and {heat.sustained_c:.0f} °C ({heat.hottest_c:.0f} °C at most)"
    )
    return [*lines, *folded("sustained", kept)]


def explanation_lines(scenario: Scenario, explanation: Explanation, layers: int) -> list[str]:
    """Return the explanation as text."""
    lines = prediction_lines(scenario, explanation.prediction)
    total = sum(row.time_us for row in explanation.rows) or 1.0
    slowest = sorted(explanation.rows, key=lambda row: -row.time_us)
    shown = slowest[:layers] if layers else slowest
    lines += layer_table(shown, total, slowest[len(shown) :])
    lines += ["", "change of host FPS when a figure is 10 % smaller / larger (simulated):"]
    ranked = sorted(explanation.sensitivities.items(), key=lambda item: -max(map(abs, item[1])))
    felt = [(name, pair) for name, pair in ranked if max(map(abs, pair)) >= 0.0005]
    lines += [f"{name:24} {low:+7.1%} {high:+7.1%}" for name, (low, high) in felt]
    if silent := [name for name, _ in ranked[len(felt) :]]:
        lines += folded("nothing", ", ".join(silent))
    return lines


HEAD = ("µs", "%", "MMAC", "GMAC/s", "roof", "W kB", "DDR kB", "bound by", "operator", "name")
WORDS = (7, 8, 9)
"""Columns of words."""


def layer_table(rows: Sequence[Row], total: float, others: Sequence[Row] = ()) -> list[str]:
    """Return a line per operator, columns as wide as they need to be, and one for all others.

    Where names have no room beside the figures, they get lines of their own: they tell one operator from the next.
    """
    table = [
        (
            f"{row.time_us:.1f}",
            f"{100 * row.time_us / total:.1f}",
            f"{row.macs / 1e6:.1f}",
            f"{row.achieved / 1e9:.0f}",
            f"{row.roof / 1e9:.0f}",
            f"{row.weight_bytes / 1e3:.0f}",
            f"{row.ddr_bytes / 1e3:.0f}",
            row.bound_by,
            row.op,
            row.name,
        )
        for row in rows
    ]
    if others:
        rest = sum(row.time_us for row in others)
        note = f"{len(others)} more; --layers 0 shows all"
        table.append((f"{rest:.1f}", f"{100 * rest / total:.1f}", "", "", "", "", "", "", "", note))
    widths = [max(map(len, column)) for column in zip(HEAD, *table, strict=True)]
    room = columns()
    used = sum(width + 1 for width in widths[:-1])
    lines = []
    for cells in (HEAD, *table):
        fixed = " ".join(
            cell.ljust(width) if place in WORDS else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells[:-1], widths[:-1], strict=True))
        )
        if room is None or used + widths[-1] <= room:
            lines.append(f"{fixed} {cells[-1]}")
        else:
            lines += [fixed.rstrip(), *([] if cells is HEAD else [f"{'':>9}{ends(cells[-1], room - 9)}"])]
    return lines
