"""Pictures of the terminal, made by running the commands: `python tools/pictures.py` writes docs/pictures."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100
PICTURES = {
    "demo.svg": "axemu demo",
    "axrunmodel.svg": "axrunmodel build/digits/1 --seconds 1",
    "report.svg": "axemu run --report - examples/quick_start.py build/digits/1/model.json build/digits/test.npz",
    "predict.svg": "axemu predict resnet50 --board m2",
}
"""File by command; they run in this order in one directory."""
PAGES = {"demo.html": "build/digits/demo-1.html", "compilation.html": "build/digits/1/report.html"}
"""Pages that these commands leave."""


def make_pictures() -> dict[str, bytes]:
    """Run the commands; return SVG and HTML files by name.

    Raises:
        RuntimeError: a command failed.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        shutil.copytree(
            ROOT / "examples", directory / "examples", ignore=shutil.ignore_patterns("__pycache__")
        )
        files = {name: _picture(command, directory).encode() for name, command in PICTURES.items()}
        files |= {name: (directory / path).read_bytes() for name, path in PAGES.items()}
    return files


def _picture(command: str, directory: Path) -> str:
    tool, *arguments = command.split()
    environment = os.environ | {
        "COLUMNS": str(WIDTH), "AXEMU_RUNTIME_DIR": str(directory / "rt"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", f"from axemu.cli.{tool} import main; main()", *arguments],
        cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    console.print(Text.from_ansi(done.stdout), soft_wrap=False)
    return console.export_svg(title="axemu", unique_id="axemu")


if __name__ == "__main__":
    target = ROOT / "docs" / "pictures"
    target.mkdir(exist_ok=True)
    for file, content in make_pictures().items():
        if file in PICTURES:
            (target / file).write_bytes(content)
            print(target / file)
