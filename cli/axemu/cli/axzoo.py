"""`axzoo`: of the vendor's tool of that name the benchmark, with the figures that its JSON has.

The vendor's exact keys are not published; these are ours.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from axemu.chip import CORES
from axemu.cli._errors import exit_on_error, start
from axemu.cli._options import AsJson, BoardCores, BoardSeconds, CompiledModel, Devices, Version
from axemu.cli.axrunmodel import statistics, summary

if TYPE_CHECKING:
    from axemu.studies import Measured

app = typer.Typer(pretty_exceptions_enable=False, help=__doc__)


@app.callback(help=__doc__)
def axzoo(version: Version = False) -> None:
    """Let `benchmark` be a command of its own."""


@app.command()
def benchmark(
    model: CompiledModel,
    *,
    devices: Devices = None,
    seconds: BoardSeconds = 10,
    aipu_cores: BoardCores = CORES,
    as_json: AsJson = False,
) -> None:
    """Measure rates, and how the latencies of single frames are distributed."""
    from axemu.studies import MeasureOptions, measure  # noqa: PLC0415  --help needs no boards

    with exit_on_error("axzoo"):
        measured = measure(model, MeasureOptions(devices=devices, seconds=seconds, cores=aipu_cores))
    if as_json:
        print(json.dumps(document(measured), indent=2))
    else:
        print(summary(measured))
        print(statistics(measured))
    if measured.simulated:
        print(f"axzoo: simulated, not measured: {measured.simulated}", file=sys.stderr)


def document(measured: Measured) -> dict[str, Any]:
    """Return a measurement as JSON has it: rates in frames per second, times in milliseconds."""
    from axemu.studies import distribution  # noqa: PLC0415  --help needs no boards

    found = distribution(measured.latencies)
    latency = None
    if found is not None:
        latency = {"min": found.minimum * 1e3, "mean": found.mean * 1e3}
        latency |= {
            f"p{percent:g}".replace(".", "_"): value * 1e3 for percent, value in found.percentiles.items()
        }
        latency |= {"max": found.maximum * 1e3, "jitter": found.jitter * 1e3}
    return {
        "model": measured.model,
        "frames": measured.frames,
        "fps": {"device": measured.device_fps, "host": measured.host_fps, "system": measured.system_fps},
        "latency_ms": latency,
        "device_ms": measured.device_time * 1e3,
        "host_ms": measured.host_time * 1e3,
        "temperature": measured.temperature,
        "simulated": measured.simulated,
    }


def main() -> None:
    """Run the command."""
    start(app)


if __name__ == "__main__":
    main()
