"""Types of options that several commands have: names in any case, numbers within their bounds, `--version`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from axemu.chip import BOARDS, CLOCKS_MHZ, CORES, DEFAULT_RELEASE, HOSTS, RELEASES
from axemu.driver import InvalidArgument, canonical
from axemu.driver.bounded import parse_json

MOST_BOARDS = 16
LONGEST_SECONDS = 3600


def one_of(what: str, known: Callable[[], Iterable[str]]) -> Callable[[str], str]:
    """Return a parser of names: any case is fine, and where there is no such name the closest is proposed."""

    def parse(text: str) -> str:
        try:
            return canonical(what, text, known())
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parse


def starting(known: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return what a shell completes names with."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in known() if name.casefold().startswith(incomplete.casefold())]

    return complete


def network_names() -> list[str]:
    """Return the names of the zoo, as the vendor and as we call them."""
    from axemu.zoo import networks  # noqa: PLC0415  only for the one who types

    return [name for network in networks() for name in (network.name, network.vendor_name)]


def _clock(text: str | int) -> int:  # the default comes as a number
    if str(text) not in map(str, CLOCKS_MHZ):
        raise typer.BadParameter(
            f"{text} MHz is no clock of a core; there are {', '.join(map(str, CLOCKS_MHZ))}"
        )
    return int(text)


def axis(option: str, text: str) -> tuple[str, list[Any]]:
    """Return a name and its values, of NAME=VALUE,VALUE: numbers and truths as JSON writes them, else words.

    Raises:
        InvalidArgument: there is no value.
    """
    name, _, values = text.partition("=")
    if not values:
        raise InvalidArgument(f"{option} {text}: expected NAME=VALUE,VALUE,…")
    return name, [_value(one) for one in values.split(",")]


def _value(word: str) -> Any:
    try:
        return parse_json(word.encode())
    except ValueError:
        return word


def _version(wanted: bool) -> None:
    if wanted:
        print(f"axemu {metadata.version('axemu')}")
        raise typer.Exit


Board = Annotated[
    str,
    typer.Option(
        "--board",
        metavar="BOARD",
        help=f"{', '.join(BOARDS)}.",
        parser=one_of("board", lambda: BOARDS),
        autocompletion=starting(lambda: BOARDS),
    ),
]
Host = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="HOST",
        help=f"{', '.join(HOSTS)}. Default: what the board is measured in.",
        show_default=False,
        parser=one_of("host", lambda: HOSTS),
        autocompletion=starting(lambda: HOSTS),
    ),
]
Network = Annotated[
    str, typer.Argument(metavar="NETWORK", help="Name or alias.", autocompletion=starting(network_names))
]
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A compiled directory, an ONNX file, or the name of a network of the zoo.",
        autocompletion=starting(network_names),
    ),
]
CompiledModel = Annotated[
    Path, typer.Argument(metavar="MODEL", help="model.json, its directory, or an .axm archive.")
]
Devices = Annotated[
    str | None, typer.Option("-d", "--devices", help="Boards by index or name, e.g. 0,1; all by default.")
]
BoardSeconds = Annotated[
    float, typer.Option("--seconds", min=1e-3, max=86_400, help="How long, in the boards' own time.")
]
BoardCores = Annotated[int, typer.Option("--aipu-cores", min=1, max=CORES, help="Cores to use per board.")]
Clock = Annotated[
    int,
    typer.Option(
        "--clock",
        metavar="MHZ",
        help=f"Clock of the cores: {', '.join(map(str, CLOCKS_MHZ))}.",
        parser=_clock,
        autocompletion=starting(lambda: map(str, CLOCKS_MHZ)),
    ),
]
Cores = Annotated[int, typer.Option("--cores", min=1, max=CORES, help="Cores used on each board.")]
InstanceCores = Annotated[
    int, typer.Option("--cores", min=1, max=CORES, help="Cores of one instance, which is its batch.")
]
CompiledCores = Annotated[
    int | None,
    typer.Option(
        "--compiled-cores",
        min=1,
        max=CORES,
        help="Cores one instance spans (batch); default: as compiled, or 1.",
    ),
]
Limit = Annotated[
    float,
    typer.Option("--mvm-utilisation", min=1, max=100, help="Limit of the MVM utilisation in percent."),
]
Boards = Annotated[int, typer.Option("--boards", min=1, max=MOST_BOARDS, help="Number of boards.")]
Seconds = Annotated[
    float, typer.Option("--seconds", min=1e-3, max=LONGEST_SECONDS, help="Virtual seconds at most.")
]
CalibrationFile = Annotated[
    Path | None,
    typer.Option("--calibration", exists=True, dir_okay=False, help="A calibration file."),
]
Sdk = Annotated[
    str | None,
    typer.Option(
        "--sdk",
        metavar="RELEASE",
        help=f"Release whose published rates and hosts count: {', '.join(RELEASES)}. Default: that of the calibration, "
        f"{DEFAULT_RELEASE}.",
        show_default=False,
        parser=one_of("SDK", lambda: RELEASES),
        autocompletion=starting(lambda: RELEASES),
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout; docs/reference/json.md lists its keys.")
]
Page = Annotated[
    Path | None, typer.Option("--html", help="Also write one page with pictures; it needs no network.")
]
Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and end.")
]
