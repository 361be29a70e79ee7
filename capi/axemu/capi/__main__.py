"""`python -m axemu.capi launch` and `serve`: how the library starts the boards' process."""

from __future__ import annotations

import argparse
from pathlib import Path

from axemu import faces
from axemu.capi._launch import launch, serve


def main() -> None:
    """Do what the library asks for."""
    parser = argparse.ArgumentParser(prog="python -m axemu.capi", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("launch")
    serving = commands.add_parser("serve")
    serving.add_argument("--address", type=Path, required=True)
    serving.add_argument("--driver", default="emulator")
    serving.add_argument("--idle", type=float)
    serving.add_argument("--ready", type=int)
    arguments = parser.parse_args()
    if arguments.command == "launch":
        print(launch(), flush=True)
        return
    faces.first()
    serve(arguments.address, arguments.driver, arguments.idle, arguments.ready)


if __name__ == "__main__":
    main()
