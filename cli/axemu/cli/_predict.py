"""`axemu predict` and `axemu explain`: how fast a model will be, and why."""

from __future__ import annotations

import inspect
import json
import shutil
import sys
import textwrap
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from axemu.chip import CORES
from axemu.cli._errors import exit_on_error

if TYPE_CHECKING:
    from axemu.studies import Explanation, Heat, Prediction, Scenario

app = typer.Typer(add_completion=False)

Model = Annotated[
    str, typer.Argument(help="A compiled directory, an ONNX file, or the name of a network of the zoo.")
]
BoardName = Annotated[str, typer.Option("--board", help="pcie, pcie-16g, m2, m2-max, pcie-x4 or sbc.")]
CompiledCores = Annotated[
    int | None,
    typer.Option("--compiled-cores", help="Cores one instance spans (batch); default: as compiled, or 1."),
]
Cores = Annotated[int, typer.Option("--cores", help="Cores used on each board.")]
Clock = Annotated[int, typer.Option("--clock", help="Clock of the cores in MHz.")]
Limit = Annotated[float, typer.Option("--mvm-utilisation", help="Limit of the MVM utilisation in percent.")]
DoubleBuffer = Annotated[
    bool, typer.Option("--double-buffer/--no-double-buffer", help="Copy while executing.")
]
Host = Annotated[
    str | None,
    typer.Option(
        "--host",
        help="desktop, desktop-2024, laptop or embedded-arm. Default: what the board is measured in.",
        show_default=False,
    ),
]
Boards = Annotated[int, typer.Option("--boards", help="Number of boards.")]
Upstream = Annotated[bool, typer.Option("--shared-upstream", help="The boards share one way to the host.")]
Seconds = Annotated[float, typer.Option("--seconds", help="Virtual seconds at most.")]
EveryFrame = Annotated[
    bool, typer.Option("--every-frame", help="Simulate every frame instead of extrapolating.")
]
CalibrationFile = Annotated[Path | None, typer.Option("--calibration", help="A calibration file.")]
Ambient = Annotated[
    float | None,
    typer.Option("--ambient", help="Ambient temperature in °C: shows power, temperature, throttling."),
]
Cooling = Annotated[
    str | None,
    typer.Option(
        "--cooling", help="fan, heatsink, fanless, or a thermal resistance in K/W; shows power likewise."
    ),
]
PowerLimit = Annotated[
    float | None,
    typer.Option("--power-limit", min=0.1, help="Watts for the limiter of a board that has one (m2-max)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def scenario_from(
    model: Model,
    *,
    board: BoardName = "pcie",
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
        clock_mhz=clock,
        mvm_percent=mvm_utilisation,
        double_buffer=double_buffer,
        host=host,
        boards=boards,
        upstream_shared=shared_upstream,
        seconds=seconds,
        every_frame=every_frame,
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


@app.command("predict")
@with_scenario_options
def predict(scenario: Scenario, *, as_json: AsJson = False) -> None:
    """Predict the speed of a model, with an error bar; simulated."""
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
    layers: Annotated[
        int, typer.Option("--layers", min=0, help="Operators to show, slowest first; 0 shows all.")
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
        from axemu.cli._tasks import show_tasks  # noqa: PLC0415

        show_tasks(scenario, as_json=as_json)
        return
    from axemu.studies import explain as ask  # noqa: PLC0415

    explanation = ask(scenario)
    if as_json:
        print(json.dumps(explanation.to_dict(), indent=1))
        remark(explanation.prediction)
    else:
        print("\n".join(explanation_lines(scenario, explanation, layers)))


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
    return [
        f"{prediction.model} on {boards}, {scenario.cores} cores at {scenario.clock_mhz} MHz",
        *paragraph("", stamp(prediction)),
        *paragraph("host", prediction.host),
        *(
            paragraph(
                "doubt", f"band doubled, no measured network rests on {', '.join(prediction.unseen_rules)}"
            )
            if prediction.unseen_rules
            else ()
        ),
        f"  host FPS    {prediction.host_fps:10.1f}   80 % band {low:.0f} to {high:.0f} (unseen families)",
        f"  device FPS  {prediction.device_fps:10.1f}",
        f"  system FPS  {prediction.system_fps:10.1f}",
        f"  latency     {prediction.latency_ms:10.2f} ms in the loop, {prediction.lone_latency_ms:.2f} ms alone",
        f"  bound by    {prediction.bound_by}",
        *paragraph("a call", shown),
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
        *paragraph("power", f"{heat.power_w:.1f} W of a board, order of magnitude ({parts}){over}"),
        *paragraph("temperature", f"{heat.settled_c:.0f} °C in the long run if nothing throttled ({cooled})"),
    ]
    if heat.seconds_to_throttle is None and heat.seconds_to_shutdown is None:
        return [*lines, *paragraph("throttled", "no")]
    first = f"after {heat.seconds_to_throttle or 0:.0f} s"
    if heat.seconds_to_shutdown is not None:
        last = f"{first}; shuts down after {heat.seconds_to_shutdown:.0f} s"
        return [*lines, *paragraph("throttled", last)]
    bites = ", ".join(f"{name} {share:.0%} of the time" for name, share in heat.limits.items() if share)
    lines += paragraph("throttled", f"{first}; {bites}")
    kept = (
        f"{heat.sustained_fps:.1f} system FPS of a board instead of {heat.fps:.1f}, at {heat.sustained_mhz:.0f} MHz, "
        f"{heat.sustained_w:.1f} W and {heat.sustained_c:.0f} °C ({heat.hottest_c:.0f} °C at most)"
    )
    return [*lines, *paragraph("sustained", kept)]


def paragraph(label: str, words: str) -> list[str]:
    """Return text behind a label, folded to the terminal."""
    begin = f"  {label:12}" if label else "  "
    width = max(60, shutil.get_terminal_size().columns)
    return [
        line.replace("\N{NO-BREAK SPACE}", " ")
        for line in textwrap.wrap(
            words, width, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False
        )
    ]


def explanation_lines(scenario: Scenario, explanation: Explanation, layers: int) -> list[str]:
    """Return the explanation as text."""
    lines = prediction_lines(scenario, explanation.prediction)
    total = sum(row.time_us for row in explanation.rows) or 1.0
    slowest = sorted(explanation.rows, key=lambda row: -row.time_us)
    shown = slowest[:layers] if layers else slowest
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines += ["", "one call with the DDR to itself, simulated; slowest operators first:"]
    table = [
        f"{'µs':>8} {'%':>5} {'MMAC':>7} {'GMAC/s':>7} {'roof':>6} {'W kB':>7} {'DDR kB':>7}  bound by: operator"
    ]
    table += [
        f"{row.time_us:8.1f} {100 * row.time_us / total:5.1f} {row.macs / 1e6:7.1f} {row.achieved / 1e9:7.0f} "
        f"{row.roof / 1e9:6.0f} {row.weight_bytes / 1e3:7.0f} {row.ddr_bytes / 1e3:7.0f}  {row.bound_by}: {row.op} {row.name}"
        for row in shown
    ]
    lines += [line if room is None or len(line) <= room else f"{line[: room - 1]}…" for line in table]
    if len(shown) < len(slowest):
        rest = sum(row.time_us for row in slowest[len(shown) :])
        lines.append(
            f"{rest:8.1f} {100 * rest / total:5.1f}  in {len(slowest) - len(shown)} more; --layers 0 shows all"
        )
    lines += ["", "change of host FPS when a figure is 10 % smaller / larger (simulated):"]
    ranked = sorted(explanation.sensitivities.items(), key=lambda item: -max(map(abs, item[1])))
    felt = [(name, pair) for name, pair in ranked if max(map(abs, pair)) >= 0.0005]
    lines += [f"{name:24} {low:+7.1%} {high:+7.1%}" for name, (low, high) in felt]
    if silent := [name for name, _ in ranked[len(felt) :]]:
        lines += textwrap.wrap(f"nothing: {', '.join(silent)}", max(60, shutil.get_terminal_size().columns))
    return lines
