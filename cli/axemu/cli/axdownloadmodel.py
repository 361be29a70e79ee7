"""`axdownloadmodel`: a compiled model by the vendor's name, without a download.

The network is built and compiled on this machine. Its weights are synthetic unless `--weights` gives a file.

With synthetic weights sizes and simulated times are those of the architecture; values mean nothing.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axemu.cli._errors import exit_on_error, start
from axemu.cli._options import InstanceCores, Version, network_names, starting
from axemu.driver import AxeleraError
from axemu.model import write_axm
from axemu.zoo import UnknownNetworkError, find, networks

if TYPE_CHECKING:
    from axemu.studies import ZooBuild

app = typer.Typer(pretty_exceptions_enable=False)


@app.command(help=__doc__)
def axdownloadmodel(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Networks, such as resnet50-imagenet-onnx.", autocompletion=starting(network_names)
        ),
    ] = None,
    *,
    model: Annotated[list[str] | None, typer.Option("--model", help="The same as a name.")] = None,
    list_names: Annotated[bool, typer.Option("--list", help="Print all names and end.")] = False,
    cores: InstanceCores = 1,
    weights: Annotated[
        Path | None, typer.Option(dir_okay=False, exists=True, help="ONNX file with weights of your own.")
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Number of classes; the network's own without.")
    ] = None,
    imageset: Annotated[
        Path | None,
        typer.Option(file_okay=False, exists=True, help="Calibration images; random numbers without."),
    ] = None,
    transform: Annotated[
        str | None,
        typer.Option(help="Function of yours that turns an image into an input: file.py[:function]."),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=1000, help="Random calibration samples.")] = 8,
    output: Annotated[Path, typer.Option(help="Directory that holds the builds.")] = Path("build"),
    axm: Annotated[bool, typer.Option("--axm", help="Write an .axm archive as well.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Compile again what is there already.")] = False,
    version: Version = False,  # noqa: ARG001
) -> None:
    """Compile the networks with these names."""
    if list_names:
        for network in networks():
            print(network.vendor_name)
        return
    wanted = [*(names or []), *(model or [])]
    mistakes = {
        "no name given; --list prints all of them": not wanted,
        f"--weights is for one network, not for {len(wanted)}": weights is not None and len(wanted) > 1,
        "--weights has its own classes; leave --classes out": weights is not None and classes is not None,
        "--transform turns images into inputs, so it needs --imageset": transform is not None
        and imageset is None,
    }
    if any(mistakes.values()):
        print(f"axdownloadmodel: {next(text for text, made in mistakes.items() if made)}", file=sys.stderr)
        raise typer.Exit(2)
    failed = False
    for name in wanted:
        try:
            network = find(name)
        except UnknownNetworkError as error:
            print(f"axdownloadmodel: {error}", file=sys.stderr)
            failed = True
            continue
        from axemu.studies import ZooBuild, publish  # noqa: PLC0415  --list needs no compiler

        folder = name.lower() if name.lower() in network.names else network.vendor_name
        build = ZooBuild(
            network,
            folder,
            output,
            cores,
            weights,
            classes,
            imageset,
            transform_name=None if transform is None else Path(transform).name,
            samples=samples,
            archive=axm,
        )
        try:
            with exit_on_error("axdownloadmodel"):
                _provide(build, transform, force=force)
                publish(build)
        except typer.Exit:
            failed = True
            continue
        print(build.directory / "model.json")
    if failed:
        raise typer.Exit(1)


def _provide(build: ZooBuild, transform: str | None, *, force: bool) -> None:
    """Compile unless the same is there."""
    from axemu.cli._compile_data import load_transform  # noqa: PLC0415  --list needs no compiler
    from axemu.studies import compile_zoo  # noqa: PLC0415

    other = build.difference()
    if other and not force:
        raise AxeleraError(f"{build.folder} holds builds with {other}; --force replaces them")
    if (build.directory / "model.json").is_file() and not force:
        print(
            f"{build.directory / 'model.json'} is there already; --force compiles it again", file=sys.stderr
        )
        if build.archive:
            write_axm(build.directory, build.archive_file)
        return
    if build.weights is None:
        print(
            f"Compiling {build.network.title} on this machine (synthetic weights: values mean nothing)",
            file=sys.stderr,
        )
    else:
        print(
            f"Compiling {build.weights} as {build.name} on this machine (only its input is compared with the network's)",
            file=sys.stderr,
        )
    function = None if transform is None else load_transform(transform)
    compile_zoo(replace(build, transform=function))


def main() -> None:
    """Run the command."""
    start(app)


if __name__ == "__main__":
    main()
