"""`axemu calibrate` and `axemu correlate`: fitting the model to measurements, and how well it then does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axemu.chip import DEFAULT_RELEASE
from axemu.cli._errors import exit_on_error, require
from axemu.cli._options import AsJson, CalibrationFile, Sdk
from axemu.model import replacing

if TYPE_CHECKING:
    from axemu.chip import Calibration
    from axemu.studies import Point

app = typer.Typer(add_completion=False)

Measurements = Annotated[
    Path | None,
    typer.Option(
        "--measurements",
        exists=True,
        dir_okay=False,
        help="Own measurements as CSV; see docs/how-to/calibrate.md.",
    ),
]


@app.command("calibrate")
def calibrate_command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the calibration goes.")] = Path(
        "calibration.json"
    ),
    measurements: Measurements = None,
    weight: Annotated[
        float,
        typer.Option(
            "--weight", min=1e-3, max=1e6, help="Weight of own measurements; published figures have 1."
        ),
    ] = 3.0,
    only_own: Annotated[bool, typer.Option("--only-own", help="Fit own measurements alone.")] = False,
    strength: Annotated[
        float, typer.Option("--prior", min=0, max=1e3, help="Weight of prior beliefs, in log units.")
    ] = 0.1,
    sdk: Sdk = None,
) -> None:
    """Fit the calibrated figures to published and own measurements; residuals are of unseen networks.

    For SDK 1.8 only what the host costs is fitted, on top of the shipped calibration of 1.6.
    """
    from axemu.chip import calibration_to_json  # noqa: PLC0415  each command imports what it needs
    from axemu.driver import InvalidArgument  # noqa: PLC0415
    from axemu.studies import calibrate, calibrate_release, read_csv, shipped_cases  # noqa: PLC0415

    with exit_on_error("axemu calibrate"):
        require("axemu calibrate", "study", "scipy", "joblib")
        release = sdk or DEFAULT_RELEASE
        own = read_csv(measurements, weight) if measurements else []
        if only_own and not own:
            raise InvalidArgument("--only-own needs --measurements with at least one row")
        cases = own if only_own else [*shipped_cases(release), *own]

        def tell(line: str) -> None:
            print(line, file=sys.stderr)

        if release == DEFAULT_RELEASE:
            calibration = calibrate(cases, strength=strength, progress=tell)
        else:
            calibration = calibrate_release(release, cases, progress=tell)
        output.parent.mkdir(parents=True, exist_ok=True)
        with replacing(output) as temporary:
            temporary.write_text(calibration_to_json(calibration), encoding="utf-8")
        print("\n".join(calibration_lines(calibration)))
        print(f"written to {output}")


@app.command("correlate")
def correlate_command(
    measurements: Measurements = None,
    calibration: CalibrationFile = None,
    sdk: Sdk = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="PNG or SVG file for the scatter plot.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold predictions against published figures, or against own measurements."""
    from axemu.chip import load_calibration  # noqa: PLC0415  each command imports what it needs
    from axemu.driver import InvalidArgument  # noqa: PLC0415
    from axemu.studies import correlate, read_csv, scatter, to_dict, unseen_points  # noqa: PLC0415

    with exit_on_error("axemu correlate"):
        if plot is not None:
            require("axemu correlate --plot", "report", "matplotlib")
        try:
            using = load_calibration(calibration, sdk)
        except ValueError as error:
            raise InvalidArgument(str(error)) from error
        points = correlate(read_csv(measurements) if measurements else None, using)
        if plot is not None:
            unseen = unseen_points(points, using) if measurements is None else []
            scatter(points, plot, f"{using.model_version}, calibration {using.identity}", unseen)
        if as_json:
            print(json.dumps(to_dict(points), indent=1))
        else:
            print("\n".join(correlation_lines(points)))
            if measurements is None:
                print("the calibration has seen these points; left out of its fit they are met less well:")
                print("\n".join(residual_lines(using)))
                print("\n".join(summary_lines(unseen_points(points, using))))
        print(f"simulated (model {using.model_version}, calibration {using.identity})", file=sys.stderr)


def calibration_lines(calibration: Calibration) -> list[str]:
    """Return figures and residuals as text."""
    lines = [f"calibration {calibration.identity} of model {calibration.model_version}"]
    lines += [
        f"  {name:18} {figure.value:10.4g}  {figure.unit} (bounds {figure.low:g} to {figure.high:g})"
        for name, figure in calibration.figures.items()
    ]
    lines += [
        f"  {host} {name}: {figure.value:.4g} {figure.unit} (bounds {figure.low:g} to {figure.high:g})"
        for host, fitted in calibration.hosts.items()
        for name, figure in fitted.items()
    ]
    return lines + residual_lines(calibration)


def residual_lines(calibration: Calibration) -> list[str]:
    """Return as text what a calibration is off by for networks it was not fitted to."""
    return [
        f"  unseen families on {board}: |log error| median {entry['p50']:.1%}, 80 % below {entry['p80']:.1%}, "
        f"90 % below {entry['p90']:.1%}"
        for board, entry in calibration.residuals.items()
    ]


def correlation_lines(points: list[Point]) -> list[str]:
    """Return the table of points and the summaries as text."""
    lines = [f"{'measured':>9} {'simulated':>9} {'error':>7}  board  metric  cores  model"]
    lines += [
        f"{p.case.fps:9.1f} {p.predicted:9.1f} {p.error:+7.1%}  {p.case.board:5}  {p.case.metric:6}  {p.case.cores:5}  "
        f"{p.case.model}"
        for p in points
    ]
    return [*lines, "", *summary_lines(points)]


def summary_lines(points: list[Point]) -> list[str]:
    """Return the summaries of points as text."""
    from axemu.studies import summaries  # noqa: PLC0415

    return [
        f"{s.group}: {s.count} points, median {s.median:.1%}, MAPE {s.mape:.1%}, bias {s.bias:+.1%}, "
        f"within 10 % {s.within_10:.0%}, within 20 % {s.within_20:.0%}, Spearman {s.spearman:.3f}"
        for s in summaries(points)
    ]
