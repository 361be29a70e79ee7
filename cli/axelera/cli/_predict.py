"""`axemu predict` and `axemu explain`: how fast a model will be, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axelera.cli._errors import told

if TYPE_CHECKING:
    from axelera.studies import Explanation, Prediction, Scenario

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
Host = Annotated[str, typer.Option("--host", help="desktop, desktop-2024 or embedded-arm.")]
Boards = Annotated[int, typer.Option("--boards", help="Number of boards.")]
Upstream = Annotated[bool, typer.Option("--shared-upstream", help="The boards share one way to the host.")]
Seconds = Annotated[float, typer.Option("--seconds", help="Virtual seconds at most.")]
EveryFrame = Annotated[
    bool, typer.Option("--every-frame", help="Simulate every frame instead of extrapolating.")
]
CalibrationFile = Annotated[Path | None, typer.Option("--calibration", help="A calibration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


@app.command("predict")
def predict_command(
    model: Model,
    *,
    board: BoardName = "pcie",
    compiled_cores: CompiledCores = None,
    cores: Cores = 4,
    clock: Clock = 800,
    mvm_utilisation: Limit = 100.0,
    double_buffer: DoubleBuffer = True,
    host: Host = "desktop",
    boards: Boards = 1,
    shared_upstream: Upstream = False,
    seconds: Seconds = 10.0,
    every_frame: EveryFrame = False,
    calibration: CalibrationFile = None,
    as_json: AsJson = False,
) -> None:
    """Predict the speed of a model, with an error bar; simulated."""
    from axelera.studies import Scenario, predict  # noqa: PLC0415  each command imports what it needs

    with told("axemu predict"):
        scenario = Scenario(
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
        )
        prediction = predict(scenario)
        if as_json:
            print(json.dumps(prediction.to_dict(), indent=1))
            remark(prediction)
        else:
            print("\n".join(prediction_lines(scenario, prediction)))


@app.command("explain")
def explain_command(
    model: Model,
    *,
    board: BoardName = "pcie",
    compiled_cores: CompiledCores = None,
    cores: Cores = 4,
    clock: Clock = 800,
    mvm_utilisation: Limit = 100.0,
    double_buffer: DoubleBuffer = True,
    host: Host = "desktop",
    calibration: CalibrationFile = None,
    as_json: AsJson = False,
    layers: Annotated[
        int, typer.Option("--layers", help="Operators to show, slowest first; 0 shows all.")
    ] = 25,
) -> None:
    """Explain a prediction operator by operator, with the effect of a change in each figure; simulated."""
    from axelera.studies import Scenario, explain  # noqa: PLC0415  each command imports what it needs

    with told("axemu explain"):
        scenario = Scenario(
            model,
            board=board,
            compiled_cores=compiled_cores,
            cores=cores,
            clock_mhz=clock,
            mvm_percent=mvm_utilisation,
            double_buffer=double_buffer,
            host=host,
            calibration=calibration,
        )
        explanation = explain(scenario)
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
        f"rests on {prediction.provenance} figures)"
    )


def prediction_lines(scenario: Scenario, prediction: Prediction) -> list[str]:
    """Return the answer as text."""
    low, high = prediction.band
    parts = sorted(prediction.parts_us.items(), key=lambda part: -part[1])
    call = sum(prediction.parts_us.values())
    shown = ", ".join(
        f"{name} {value:.0f} µs ({value / call:.0%})" for name, value in parts if value >= 0.005 * call
    )
    how = "steady state extrapolated" if prediction.extrapolated else "every frame"
    return [
        f"{prediction.model} on {prediction.board}, {scenario.cores} cores at {scenario.clock_mhz} MHz",
        f"  {stamp(prediction)}",
        f"  host FPS    {prediction.host_fps:10.1f}   80 % of networks lie in {low:.0f} to {high:.0f}",
        f"  device FPS  {prediction.device_fps:10.1f}",
        f"  system FPS  {prediction.system_fps:10.1f}",
        f"  latency     {prediction.latency_ms:10.2f} ms in the loop, {prediction.lone_latency_ms:.2f} ms alone",
        f"  bound by    {prediction.bound_by}",
        f"  a call      {shown}",
        f"  DDR         {prediction.ddr_bytes_per_frame / 1e6:.1f} MB per frame",
        f"  {prediction.frames} frames simulated, {how}",
    ]


def explanation_lines(scenario: Scenario, explanation: Explanation, layers: int) -> list[str]:
    """Return the explanation as text."""
    lines = prediction_lines(scenario, explanation.prediction)
    total = sum(row.time_us for row in explanation.rows) or 1.0
    slowest = sorted(explanation.rows, key=lambda row: -row.time_us)
    lines += ["", "one call with the DDR to itself, simulated; slowest operators first:"]
    lines.append(
        f"{'µs':>9} {'%':>5} {'MMAC':>8} {'GMAC/s':>8} {'W kB':>8} {'DDR kB':>8}  bound by / operator"
    )
    lines += [
        f"{row.time_us:9.1f} {100 * row.time_us / total:5.1f} {row.macs / 1e6:8.1f} {row.achieved / 1e9:8.0f} "
        f"{row.weight_bytes / 1e3:8.0f} {row.ddr_bytes / 1e3:8.0f}  {row.bound_by}: {row.op} {row.name}"
        for row in (slowest[:layers] if layers else slowest)
    ]
    lines += ["", "change of host FPS when a figure is 10 % smaller / larger (simulated):"]
    ranked = sorted(explanation.sensitivities.items(), key=lambda item: -max(map(abs, item[1])))
    lines += [f"{name:24} {low:+7.1%} {high:+7.1%}" for name, (low, high) in ranked]
    return lines
