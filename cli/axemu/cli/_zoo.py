"""`axemu zoo`: look at the networks that need no download, and write them as ONNX."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from axemu.cli._errors import exit_on_error
from axemu.cli._options import AsJson, one_of, starting
from axemu.cli._options import Network as NetworkName
from axemu.cli._terminal import columns
from axemu.model import replacing
from axemu.zoo import Network, UnknownNetworkError, find, networks

app = typer.Typer(name="zoo", no_args_is_help=True)


def tasks() -> list[str]:
    """Return what the networks are for."""
    return sorted({network.task for network in networks()})


_LINE = 122
"""Columns of the longest line of the list."""


@app.callback()
def zoo() -> None:
    """Networks people ask about, built on this machine with synthetic weights."""


@app.command("list")
def list_networks(
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="Only networks for this task, such as detection.",
            parser=one_of("task", tasks),
            autocompletion=starting(tasks),
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the networks: name, task, input, parameters, operations; source of the architecture if there is room."""
    wanted = [network for network in networks() if task in (None, network.task)]
    if as_json:
        print(json.dumps([facts(network) for network in wanted], indent=1))
        return
    # Only a person minds broken lines: a program that reads the list always gets the same columns.
    for line in listing(wanted, columns()):
        print(line)


def listing(wanted: Sequence[Network], columns: int | None = None) -> Iterator[str]:
    """Yield a line per network; the source of the architecture is left out where a line has fewer `columns`."""
    for network in wanted:
        height, width = network.resolution
        size = f"{height}x{width}"
        line = (
            f"{network.name:20}  {network.task:21}  {size:>9}  {network.parameters / 1e6:6.2f} M  "
            f"{network.macs / 1e9:6.2f} GMAC"
        )
        yield line if columns is not None and columns < _LINE else f"{line}  {network.source}"


@app.command()
def show(name: NetworkName, *, as_json: AsJson = False) -> None:
    """Show all that is known about a network."""
    network = _found(name)
    if as_json:
        print(json.dumps(facts(network), indent=1))
        return
    for line in description(network, columns()):
        print(line)


def facts(network: Network) -> dict[str, Any]:
    """Return what is known about a network as JSON values."""
    return {
        "name": network.name,
        "vendor_name": network.vendor_name,
        "title": network.title,
        "task": network.task,
        "input": [1, 3, *network.resolution],
        "classes": network.classes,
        "parameters": network.parameters,
        "macs": network.macs,
        "source": network.source,
        "names": list(network.names),
    }


def description(network: Network, columns: int | None) -> Iterator[str]:
    """Yield what is known about a network, label by label, folded to `columns` if there are any."""
    height, width = network.resolution
    for label, value in (
        ("name", network.name),
        ("vendor's name", network.vendor_name),
        ("title", network.title),
        ("task", network.task),
        ("input", f"1x3x{height}x{width}"),
        ("classes", str(network.classes)),
        ("parameters", f"{network.parameters:,}"),
        ("MACs", f"{network.macs:,}"),
        ("architecture", network.source),
        ("weights", "synthetic (seeded random numbers)"),
        ("also called", ", ".join(name for name in network.names[1:] if name != network.vendor_name)),
    ):
        if columns is None:
            yield f"{label:15}{value}"
            continue
        yield textwrap.fill(
            value,
            min(columns, 120),
            initial_indent=f"{label:15}",
            subsequent_indent=" " * 15,
            break_on_hyphens=False,
            break_long_words=False,
        )


@app.command()
def export(
    name: NetworkName,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", dir_okay=False, help="File to write (<name>.onnx).")
    ] = None,
    resolution: Annotated[str, typer.Option(help="Height and width of the input, such as 480x640.")] = "",
    classes: Annotated[int | None, typer.Option(min=1, max=100_000, help="Number of classes.")] = None,
    width: Annotated[float, typer.Option(min=0.01, max=16, help="Factor on all channel counts.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the weights.")] = 0,
    structure_only: Annotated[
        bool, typer.Option("--structure-only", help="Leave large weights out: for studies of time.")
    ] = False,
) -> None:
    """Write a network as ONNX, opset 17, with synthetic weights."""
    network = _found(name)
    path = output or Path(f"{network.name}.onnx")
    with exit_on_error("axemu zoo export"):
        try:
            model = network.build(
                resolution=_size(resolution),
                classes=classes,
                width=width,
                seed=seed,
                structure_only=structure_only,
            )
        except ValueError as error:
            print(f"axemu zoo export: {error}", file=sys.stderr)
            raise typer.Exit(2) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(model.SerializeToString())
    print("synthetic weights: good for sizes and times, not for values", file=sys.stderr)
    print(path)


@app.command()
def table(
    measure: Annotated[
        bool,
        typer.Option(
            "--measure", help="Compile every network whose time is not known; tell how long it took."
        ),
    ] = False,
    times_from: Annotated[
        Path | None,
        typer.Option(dir_okay=False, exists=True, help="Keep the compile times of an earlier page."),
    ] = None,
    only: Annotated[str, typer.Option(help="Only networks whose name starts with this.")] = "",
) -> None:
    """Print the reference page of the zoo: sizes, and where the compiler puts the weights."""
    from axemu.cli._zoo_table import page  # noqa: PLC0415  needs the compiler

    wanted = [network for network in networks() if network.name.startswith(only)]
    if not wanted:
        print(f"axemu zoo table: --only {only!r}: no network's name starts so", file=sys.stderr)
        raise typer.Exit(2)
    with exit_on_error("axemu zoo table"):
        for line in page(wanted, measure=measure, earlier=times_from):
            print(line, flush=True)


def _found(name: str) -> Network:
    try:
        return find(name)
    except UnknownNetworkError as error:
        print(f"axemu zoo: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() and len(side) < 6 for side in sides):
        raise ValueError(f"--resolution {text!r}: expected HEIGHTxWIDTH, such as 480x640")
    return int(sides[0]), int(sides[-1])
