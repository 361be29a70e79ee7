"""`axemu stand-in`: answers for the distribution that Ultralytics looks for, only when asked.

Its backend for Axelera models asks the installer's records for `axelera-rt` in one release, and tries to install it otherwise.
What it then imports, `axelera.runtime`, is here. The stand-in is a record without files: `pip list` shows it, and it says whose it is.
"""

from __future__ import annotations

import json
import os
import shutil
import sysconfig
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from axemu.cli._errors import exit_on_error
from axemu.cli._options import AsJson
from axemu.driver import InvalidArgument, path_errors

NAME, RELEASE = "axelera-rt", "1.8.0"
"""What Ultralytics asks for, from its release with this backend on."""
INSTALLER = "axemu"

app = typer.Typer()


@app.command("stand-in")
def stand_in(
    install: Annotated[bool, typer.Option("--install", help="Write the record.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the record that --install wrote.")] = False,
    directory: Annotated[
        Path | None, typer.Option(help="Where; the environment's own directory of packages by default.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show, write or remove a record that answers for the distribution axelera-rt, which Ultralytics looks for.

    A record of somebody else, such as the vendor's, is never touched.
    """
    with exit_on_error("axemu stand-in"):
        if install and remove:
            raise typer.BadParameter("--install and --remove exclude each other")
        place = directory or Path(sysconfig.get_path("purelib"))
        owner, release = state_of(place)
        if (install or remove) and owner == "not ours":
            raise InvalidArgument(f"{place}: {NAME} {release} is there, and not ours; it is left alone")
        record = place / f"{NAME.replace('-', '_')}-{RELEASE}.dist-info"
        with path_errors(InvalidArgument, record, "cannot be written"):
            if install and owner == "missing":
                write(record)
            elif remove and owner == "ours":
                shutil.rmtree(record)
        owner, release = state_of(place)
        if as_json:
            print(json.dumps({"distribution": NAME, "release": release, "state": owner}, indent=1))
        else:
            print(f"{NAME} {release}".strip() + f" in {place}: {owner}")


def state_of(place: Path) -> tuple[str, str]:
    """Return whose record is in a directory of packages (`missing`, `ours` or `not ours`), and its release."""
    for found in metadata.distributions(name=NAME, path=[str(place)]):
        ours = (found.read_text("INSTALLER") or "").strip() == INSTALLER
        return "ours" if ours else "not ours", found.version
    return "missing", ""


def write(record: Path) -> None:
    """Write the record of a distribution without files; all of it or nothing."""
    texts = {
        "METADATA": (
            f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {RELEASE}\n"
            "Summary: Stand-in written by `axemu stand-in --install`: no code of the vendor, axemu answers.\n"
        ),
        "INSTALLER": f"{INSTALLER}\n",
    }
    names = [f"{record.name}/{name}" for name in (*texts, "RECORD")]
    texts["RECORD"] = "".join(f"{name},,\n" for name in names)
    record.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=record.parent, prefix=".axemu-"))
    try:
        for name, text in texts.items():
            (made / name).write_text(text, encoding="utf-8")
        made.chmod(0o755)
        os.rename(made, record)  # noqa: PTH104  refuses what is there
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
