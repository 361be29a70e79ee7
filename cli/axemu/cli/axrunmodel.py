"""`axrunmodel`: measures a compiled model on all cores of the boards, as the vendor's tool of that name does.

The summary line on stdout has the format of release 1.6. The same input goes into every frame.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from axemu.chip import CORES, THERMAL
from axemu.cli._errors import exit_on_error, start
from axemu.cli._options import AsJson, BoardCores, BoardSeconds, CompiledModel, Devices, Version
from axemu.driver import NotImplemented  # noqa: A004

if TYPE_CHECKING:
    from axemu.studies import Measured

app = typer.Typer(pretty_exceptions_enable=False)
DoubleBuffer = Annotated[bool, typer.Option(help="Copy while executing.")]
InputDmabuf = Annotated[bool, typer.Option(help="Give inputs as shared memory instead of arrays.")]
OutputDmabuf = Annotated[bool, typer.Option(help="Take outputs as shared memory instead of arrays.")]


@app.command(help=__doc__)
def axrunmodel(
    model: CompiledModel,
    *,
    devices: Devices = None,
    seconds: BoardSeconds = 10,
    aipu_cores: BoardCores = CORES,
    throttle_fps: Annotated[
        float, typer.Option(min=0, max=1e6, help="Frames per second to keep to; 0: none.")
    ] = 0,
    double_buffer: DoubleBuffer = True,
    input_dmabuf: InputDmabuf = True,
    output_dmabuf: OutputDmabuf = True,
    show_bar_chart: Annotated[
        bool, typer.Option("--show-bar-chart", help="Draw the rates on stderr.")
    ] = False,
    show_histogram: Annotated[
        bool, typer.Option("--show-histogram", help="Draw latencies on stderr.")
    ] = False,
    show_statistics: Annotated[
        bool, typer.Option("--show-statistics", help="Print how latencies are distributed on stderr.")
    ] = False,
    verify_outputs: Annotated[
        bool, typer.Option("--verify-outputs", help="Fail unless every instance returned the same bytes.")
    ] = False,
    set_mvm_limit: Annotated[
        int | None, typer.Option(min=1, max=100, help="Limit of the matrix units in percent.")
    ] = None,
    set_power_limit: Annotated[
        float | None,
        typer.Option(
            min=1, max=1000, help="Limit in watts; a few cards have one, emulated boards have none."
        ),
    ] = None,
    explore_latency: Annotated[
        bool, typer.Option("--explore-latency", help="Refused: what it prints is not published.", hidden=True)
    ] = False,
    as_json: AsJson = False,
    version: Version = False,  # noqa: ARG001
) -> None:
    """Run and print the summary line."""
    from axemu.studies import MeasureOptions, measure  # noqa: PLC0415  --help needs no boards

    with exit_on_error("axrunmodel"):
        if set_power_limit is not None:
            raise NotImplemented(  # noqa: F901  the documented exception
                f"--set-power-limit {set_power_limit:g}: no published figure says what a limit of power leaves of the clock"
            )
        if explore_latency:
            raise NotImplemented(  # noqa: F901  the documented exception
                "--explore-latency: only its name is published; --show-statistics tells how latencies are distributed, at "
                "any --throttle-fps and --aipu-cores"
            )
        options = MeasureOptions(
            devices=devices,
            seconds=seconds,
            cores=aipu_cores,
            throttle_fps=throttle_fps,
            double_buffer=double_buffer,
            input_dmabuf=input_dmabuf,
            output_dmabuf=output_dmabuf,
            mvm_limit=set_mvm_limit,
            verify=verify_outputs,
        )
        measured = measure(model, options)
    if as_json:
        print(json.dumps({**asdict(measured), "latencies": list(measured.latencies)}, indent=1))
    else:
        print(summary(measured))
    if measured.simulated:
        print(f"axrunmodel: simulated, not measured: {measured.simulated}", file=sys.stderr)
        if measured.temperature >= float(THERMAL.throttle):
            print("axrunmodel: a card this hot throttles; the rates are those before", file=sys.stderr)
    if measured.verified is not None:
        print(f"axrunmodel: {measured.verified} instances returned the same outputs", file=sys.stderr)
    if show_statistics:
        print(statistics(measured), file=sys.stderr)
    if show_bar_chart:
        print(bar_chart(measured), file=sys.stderr)
    if show_histogram:
        print(histogram(measured), file=sys.stderr)


def summary(measured: Measured) -> str:
    """Return the line that other programs parse."""
    return (
        f"{measured.model},dev:{measured.device_fps:.1f} host:{measured.host_fps:.1f} system:{measured.system_fps:.1f} "
        f"latency:{measured.latency * 1e3:.1f}ms frames:{measured.frames} temp:{measured.temperature:.0f}C"
    )


def statistics(measured: Measured) -> str:
    """Return how latencies are distributed, in milliseconds."""
    from axemu.studies import distribution  # noqa: PLC0415  --help needs no boards

    found = distribution(measured.latencies)
    if found is None:
        return "this driver reports no latency of single frames"
    rows = {"min": found.minimum, "mean": found.mean}
    rows |= {f"p{percent:g}": value for percent, value in found.percentiles.items()}
    rows |= {"max": found.maximum, "jitter": found.jitter}
    rows |= {"device": measured.device_time, "host": measured.host_time}
    return "\n".join(f"{name:>6} {value * 1e3:10.3f} ms" for name, value in rows.items())


def bar_chart(measured: Measured) -> str:
    """Draw the three rates."""
    rates = {"device": measured.device_fps, "host": measured.host_fps, "system": measured.system_fps}
    scale = 50 / max(*rates.values(), 1e-9)
    return "\n".join(
        f"{name:>6} {'#' * round(rate * scale):<50} {rate:.1f} FPS" for name, rate in rates.items()
    )


def histogram(measured: Measured, bins: int = 20) -> str:
    """Draw the distribution of latencies."""
    if not measured.latencies:
        return "this driver reports no latency of single frames"
    low, high = min(measured.latencies), max(measured.latencies)
    width = (high - low) / bins or 1e-6
    counts = [0] * bins
    for latency in measured.latencies:
        counts[min(int((latency - low) / width), bins - 1)] += 1
    scale = 50 / max(counts)
    return "\n".join(
        f"{(low + index * width) * 1e3:10.3f} ms {'#' * round(count * scale):<50} {count}"
        for index, count in enumerate(counts)
        if count
    )


def main() -> None:
    """Run the command."""
    start(app)


if __name__ == "__main__":
    main()
