"""`axemu stand-in`: answers for the distribution that Ultralytics looks for, only when asked.

Its backend for Axelera models asks the installer's records for `axelera-rt` in one release, which changes with its own, and tries to
install it otherwise.
What it then imports, `axelera.runtime`, is here. The stand-in is a record without files: `pip list` shows it, and it says whose it is.
"""

from __future__ import annotations

import json
import os
import re
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

NAME, RELEASE = "axelera-rt", "1.9.0"
"""What Ultralytics 8.4.190 asks for."""
ASKED = re.compile(r'^AXELERA_SDK = "([0-9][0-9A-Za-z.+-]{0,30})"$', re.MULTILINE)
"""How Ultralytics says it, in `ultralytics/utils/export/axelera.py`."""
INSTALLER = "axemu"

app = typer.Typer()


@app.command("stand-in")
def stand_in(
    install: Annotated[bool, typer.Option("--install", help="Write the record.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the record that --install wrote.")] = False,
    directory: Annotated[
        Path | None, typer.Option(help="Where; the environment's own directory of packages by default.")
    ] = None,
    release: Annotated[
        str | None,
        typer.Option(
            help=f"The release to answer for; by default the one that Ultralytics in this directory asks for, else {RELEASE}."
        ),
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
        owner, present = state_of(place)
        if (install or remove) and owner == "not ours":
            raise InvalidArgument(f"{place}: {NAME} {present} is there, and not ours; it is left alone")
        wanted = release or asked_for(place) or RELEASE
        if not re.fullmatch(r"[0-9][0-9A-Za-z.+]*", wanted):
            raise typer.BadParameter(f"--release {wanted!r} is no release; give one such as {RELEASE}")
        with path_errors(InvalidArgument, place, "cannot be written"):
            if install and (owner, present) != ("ours", wanted):
                write(record_of(place, wanted), wanted)
            if owner == "ours" and (remove or (install and present != wanted)):
                shutil.rmtree(record_of(place, present))
        owner, present = state_of(place)
        if as_json:
            print(json.dumps({"distribution": NAME, "release": present, "state": owner}, indent=1))
        else:
            print(f"{NAME} {present}".strip() + f" in {place}: {owner}")


def asked_for(place: Path) -> str | None:
    """Return the release that Ultralytics in a directory of packages asks for; read, not executed."""
    try:
        with (place / "ultralytics" / "utils" / "export" / "axelera.py").open(encoding="utf-8") as file:
            found = ASKED.search(file.read(1 << 16))
    except (OSError, UnicodeDecodeError):
        return None
    return found[1] if found else None


def record_of(place: Path, release: str) -> Path:
    """Return where a record is."""
    return place / f"{NAME.replace('-', '_')}-{release}.dist-info"


def state_of(place: Path) -> tuple[str, str]:
    """Return whose record is in a directory of packages (`missing`, `ours` or `not ours`), and its release."""
    for found in metadata.distributions(name=NAME, path=[str(place)]):
        ours = (found.read_text("INSTALLER") or "").strip() == INSTALLER
        return "ours" if ours else "not ours", found.version
    return "missing", ""


def write(record: Path, release: str) -> None:
    """Write the record of a distribution without files; all of it or nothing."""
    texts = {
        "METADATA": (
            f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {release}\n"
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
