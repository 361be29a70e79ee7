"""`axemu to-toml`: settings of the compiler as a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from axemu.cli._errors import exit_on_error

app = typer.Typer(add_completion=False)


@app.command("to-toml")
def to_toml(
    source: Annotated[Path, typer.Argument(help="Model card (YAML), or YAML or JSON with properties.")],
    model: Annotated[
        str | None, typer.Option("-m", "--model", help="Which model of a card that has several.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; stdout without.")
    ] = None,
) -> None:
    """Turn the compiler settings of a model card or a JSON file into TOML, as tools/json_to_toml_config.py does."""
    with exit_on_error("axemu to-toml"):
        from axelera.compiler.config.convert import convert  # noqa: PLC0415  only this command needs it
        from axemu.model import replacing  # noqa: PLC0415

        text = convert(source, model)
        if output is None:
            print(text, end="")
            return
        with replacing(output) as temporary:
            temporary.write_text(text, encoding="utf-8")
