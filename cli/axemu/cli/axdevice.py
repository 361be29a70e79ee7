"""`axdevice`: lists boards and sets their clocks and limits."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, Any

import typer

from axelera.runtime import Context, select_devices
from axemu.chip import GIB
from axemu.cli._cores import format_per_core, parse_per_core
from axemu.cli._errors import exit_on_error, start
from axemu.cli._options import AsJson, Version
from axemu.driver import AxeleraError, DeviceInfo, InvalidConfiguration, Pending

READY_SECONDS = 30.0
"""How long a configuration may take."""

app = typer.Typer(pretty_exceptions_enable=False, help=__doc__)


@app.command()
def axdevice(
    device: Annotated[
        str | None, typer.Option("-d", "--device", help="Index or name of one board; all by default.")
    ] = None,
    set_clock: Annotated[
        int | None, typer.Option(min=1, max=10_000, metavar="MHZ", help="Clock of all cores in MHz.")
    ] = None,
    set_core_clock: Annotated[
        str | None, typer.Option(metavar="CORES:MHZ", help="Clock per core, e.g. 0-1:800,2-3:400.")
    ] = None,
    set_mvm_limitation: Annotated[
        str | None, typer.Option(metavar="CORES:PERCENT", help="MVM limit per core, e.g. 0:100,1-3:50.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Start boards anew that do not answer, and list all.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show all that is known.")] = False,
    as_json: AsJson = False,
    version: Version = False,  # noqa: ARG001
) -> None:
    """List boards; with a --set option configure them first."""
    with exit_on_error("axdevice"), Context() as context:
        devices = context.list_devices()
        if not devices:
            print("No target device found in lspci", file=sys.stderr)
            raise typer.Exit(1)
        chosen = select_devices(device or "", devices)
        places = [devices.index(info) for info in chosen]
        for info in chosen:
            if refresh and not _answers(context, info):
                _apply(context, info, {"device_firmware": 1})
            properties = _properties(info, set_clock, set_core_clock, set_mvm_limitation)
            if properties:
                _configure(context, info, properties)
        present = context.list_devices() if refresh else devices
        if as_json:
            print(json.dumps([_described(context, place, present[place]) for place in places], indent=1))
            return
        for place in places:
            _show(context, place, present[place], verbose)


def _properties(
    info: DeviceInfo, clock: int | None, core_clock: str | None, mvm: str | None
) -> dict[str, int]:
    properties: dict[str, int] = {}
    if clock is not None:
        properties["clock_profile"] = clock
    for option, key, value in (
        ("--set-core-clock", "clock_profile_core_", core_clock),
        ("--set-mvm-limitation", "mvm_utilisation_core_", mvm),
    ):
        if value is not None:
            try:
                per_core = parse_per_core(value, info.subdevice_count)
            except ValueError as error:
                raise InvalidConfiguration(f"{option}: {error}") from error
            properties.update({f"{key}{core}": number for core, number in per_core.items()})
    return properties


def _configure(context: Context, info: DeviceInfo, properties: dict[str, int]) -> None:
    _apply(context, info, properties)
    if info.firmware_version == "emulated":
        settings = ", ".join(f"{key} = {value}" for key, value in properties.items())
        print(
            f"axdevice: {info.name} is emulated: settings end with the process that made them. To start with these, "
            f"write configuration = {{ {settings} }} into the board's entry in axemu.toml",
            file=sys.stderr,
        )


def _answers(context: Context, info: DeviceInfo) -> bool:
    try:
        context.read_device_configuration(info)
        return context.device_ready(info)
    except AxeleraError:
        return False


def _apply(context: Context, info: DeviceInfo, properties: dict[str, int]) -> None:
    """Configure a board and wait until it is ready.

    Raises:
        Pending: it is not for `READY_SECONDS`.
    """
    if context.configure_device(info, **properties):
        return
    end = time.monotonic() + READY_SECONDS
    while not context.device_ready(info):  # polling makes progress
        if time.monotonic() > end:
            raise Pending(
                f"{info.name}: the configuration is not finished after {READY_SECONDS:g} s; refresh the board: axdevice "
                f"--refresh -d {info.name}"
            )


def _described(context: Context, index: int, info: DeviceInfo) -> dict[str, Any]:
    """Return a board as JSON values; without a configuration when it does not answer."""
    try:
        settings: dict[str, str] | None = context.read_device_configuration(info)
    except AxeleraError:
        settings = None
    return {
        "index": index,
        "name": info.name,
        "board_type": info.board_type.name,
        "memory_bytes": info.max_memory,
        "cores": info.subdevice_count,
        "in_use_by": info.in_use_by if info.in_use else None,
        "firmware_version": info.firmware_version,
        "flashed_firmware_version": info.flashed_firmware_version,
        "board_controller_firmware_version": info.board_controller_firmware_version,
        "board_controller_board_type": info.board_controller_board_type,
        "board_revision": info.board_revision,
        "configuration": settings,
    }


def _show(context: Context, index: int, info: DeviceInfo, verbose: bool) -> None:
    kind = info.board_type.name
    try:
        settings = context.read_device_configuration(info)
    except AxeleraError:
        print(f"Device {index}: {info.name} board_type=unknown (not responding)")
        return
    cores = range(info.subdevice_count)
    clocks = [settings.get(f"clock_profile_core_{core}", "?") for core in cores]
    limits = [settings.get(f"mvm_utilisation_core_{core}", "?") for core in cores]
    memory = f"{info.max_memory // GIB}GiB" if info.max_memory >= GIB else f"{info.max_memory >> 20}MiB"
    print(
        f"Device {index}: {info.name} {memory} {kind} flver={info.flashed_firmware_version} "
        f"bcver={info.board_controller_firmware_version} clock={settings.get('clock_profile', '?')}MHz"
        f"({format_per_core(clocks, 'MHz')}) mvm={format_per_core(limits, '%')}"
    )
    if verbose:
        print(f"    sub-devices: {info.subdevice_count}")
        print(f"    board: {info.board_controller_board_type} revision {info.board_revision}")
        print(f"    firmware: {info.firmware_version}")
        print(f"    in use: {info.in_use_by if info.in_use else 'no'}")
        for key, value in settings.items():
            print(f"    {key}: {value}")


def main() -> None:
    """Run the command."""
    start(app)


if __name__ == "__main__":
    main()
