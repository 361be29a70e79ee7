"""`axemu examples`: programs to start from, each with the command that makes the model it needs."""

from __future__ import annotations

import ast
import json
import shutil
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from axemu.cli._errors import exit_on_error
from axemu.cli._options import AsJson
from axemu.driver import InvalidArgument, path_errors
from axemu.model import replacing

app = typer.Typer()
examples = typer.Typer(no_args_is_help=True, help="Programs to start from: list them, copy them.")
app.add_typer(examples, name="examples")


@dataclass(frozen=True, slots=True)
class Example:
    """A program: `commands` make its model and run it."""

    name: str
    title: str
    commands: tuple[str, ...]


def directory() -> Path:
    """Return where the examples lie: in the wheel beside this module, in a checkout at its top."""
    inside = Path(__file__).with_name("examples")
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3] / "examples"


def find() -> list[Example]:
    """Return all examples: what the first paragraph and the indented lines of each docstring say."""
    found = []
    for path in sorted(directory().glob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")), clean=False) or ""
        commands = [line.strip() for line in text.splitlines() if line.startswith("    ")]
        found.append(Example(path.stem, " ".join(text.partition("\n\n")[0].split()), tuple(commands)))
    ci = directory() / "ci" / "README.md"
    if ci.is_file():
        lines = ci.read_text(encoding="utf-8").splitlines()
        commands = [line.strip() for line in lines if line.startswith("    ")]
        found.append(Example("ci", lines[0].lstrip("# "), tuple(commands)))
    return found


@examples.command("list")
def list_examples(
    *,
    as_json: AsJson = False,
) -> None:
    """Say what each example shows, and the commands that make its model and run it."""
    with exit_on_error("axemu examples"):
        found = find()
        if as_json:
            print(json.dumps([asdict(one) for one in found], indent=1))
            return
        for one in found:
            print(f"{one.name}: {one.title}")
            print(textwrap.indent("\n".join(one.commands), "    ") + "\n")
        print("`axemu examples copy` puts them into ./examples, where these commands find them.")


@examples.command("copy")
def copy_examples(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names, as `list` prints them; all without.")
    ] = None,
    to: Annotated[Path, typer.Option(file_okay=False, help="Directory to copy into.")] = Path("examples"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Copy examples into a directory of yours; files that are there already stay unless --force is given."""
    with exit_on_error("axemu examples"):
        known = [one.name for one in find()]
        chosen = [name.removesuffix(".py") for name in names or known]
        unknown = [name for name in chosen if name not in known]
        if unknown:
            print(f"axemu examples: no example {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
            raise typer.Exit(2)
        files = list(_files(chosen))
        there = [to / name for name in files if (to / name).exists()]
        if there and not force:
            raise InvalidArgument(
                f"{there[0]} is there already; give --force to replace it, or --to elsewhere"
            )
        for name in files:
            with path_errors(InvalidArgument, to / name, "cannot be written"):
                (to / name).parent.mkdir(parents=True, exist_ok=True)
                with replacing(to / name) as temporary:
                    shutil.copyfile(directory() / name, temporary)
            print(to / name)


def _files(names: Iterable[str]) -> Iterable[Path]:
    """Yield the files of examples, relative to the directory of all."""
    for name in names:
        if (directory() / name).is_dir():
            inside = sorted((directory() / name).rglob("*"))
            yield from (path.relative_to(directory()) for path in inside if _is_part(path))
        else:
            yield Path(f"{name}.py")


def _is_part(path: Path) -> bool:
    return path.is_file() and not {"__pycache__", "build", ".pytest_cache"} & set(path.parts)
