"""The reference page of the configuration, made from the model.

Used as a program: ``python -m axelera.compiler.config.reference docs/reference/compiler-configuration.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from axelera.compiler.config._files import preset_names
from axelera.compiler.config._model import ALIASES, CompilerConfig, here_of
from axelera.compiler.config._property import Effect

__all__ = ["main", "page"]

_INTRODUCTION = """\
# Compiler configuration

Every property of `axelera.compiler.CompilerConfig`: its type, default and range, and what a value other than the default
does **here**. This page is generated: `python -m axelera.compiler.config.reference docs/reference/compiler-configuration.md`.
How to write these settings down is in [Configure the compiler](../how-to/configure-the-compiler.md).

What a value does here is one of

- **modelled**: it changes the compiled model, the report, or where files go;
- **accepted without effect**: it is checked and kept, and nothing in the result depends on it; `axcompile` names the
  ones you changed;
- **refused**: it would change results in a way this compiler cannot follow, so any value but the default is an error.

Unknown names and values out of range are errors that name the nearest valid spelling. One public page says that the
default of `aipu_cores_used` is all available cores and another says 1; here it is 1. The default of `resources_used` is
1.0; `axcompile` without a configuration uses a quarter per core, as the documented command line does.
"""

_RULES = """\
## Rules over several properties

- `resources_used` is at least `aipu_cores_used / aipu_cores_max`: a quarter of the board per core.
- More than one core works as a batch: `multicore_mode` becomes `batch` unless it is set, and `multiprocess` and
  `multithread`, which start one-core copies, are errors with it.
- The `resources_used` of all models of a card (a cascade) add up to at most 1.0.
"""


def page() -> str:
    """The whole page as Markdown."""
    fields = CompilerConfig.model_fields
    counts = [
        f"{sum(here_of(f.metadata).effect is effect for f in fields.values())} {effect}" for effect in Effect
    ]
    older = {name: alias for alias, name in ALIASES.items()}
    lines = [
        _INTRODUCTION,
        f"Of {len(fields)} properties, {', '.join(counts)}.\n",
        "## Properties\n",
        "| property | type and range | default | here | what it does |",
        "|---|---|---|---|---|",
        *(_row(name, field, older.get(name)) for name, field in fields.items()),
        '\nThe older key `quantize_only = true` is read as `compiler_mode = "quantize_only"`.\n',
        _RULES,
        "## Presets\n",
        "A bare file name in `compiler_config_file` (or `load_config`) that is not beside the card means one of these:\n",
        ", ".join(f"`{name}`" for name in preset_names()) + ".",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page to the file named by the only argument, or to standard output."""
    if arguments:
        Path(arguments[0]).write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
    return 0


def _row(name: str, field: FieldInfo, alias: str | None) -> str:
    here = here_of(field.metadata)
    kind = " or ".join(_types(field.annotation))
    limits = _limits(field.metadata)
    spelling = f"`{name}`" + (f" (also `{alias}`)" if alias else "")
    note = here.note + "".join(f"; `{value}` is refused: {reason}" for value, reason in here.refuses.items())
    effect = f"**{here.effect}**" if here.effect is not Effect.WITHOUT_EFFECT else str(here.effect)
    return f"| {spelling} | {kind}{f', {limits}' if limits else ''} | {_value(field.default)} | {effect} | {note} |"


def _types(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield " or ".join(f"`{value}`" for value in get_args(annotation))
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield ", ".join(f"`{member.value}`" for member in annotation)
    elif hasattr(annotation, "__metadata__"):
        limits = _limits(list(annotation.__metadata__))
        yield "".join(_types(get_args(annotation)[0])) + (f", {limits}" if limits else "")
    elif get_origin(annotation) is tuple:
        yield "list of " + "".join(_types(get_args(annotation)[0]))
    elif get_origin(annotation) is dict:
        yield "table"
    elif get_args(annotation):
        for part in get_args(annotation):
            yield from _types(part)
    else:
        yield {NoneType: "null", Path: "path"}.get(annotation, annotation.__name__)


def _limits(metadata: list[Any]) -> str:
    signs = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "multiple_of": "a multiple of {}"}
    found = []
    for item in metadata:
        constraints = [item, *getattr(item, "metadata", ())]
        found += [
            text.format(getattr(one, sign))
            for one in constraints
            for sign, text in signs.items()
            if hasattr(one, sign)
        ]
    return ", ".join(found)


def _value(default: object) -> str:
    if default is None:
        return "null"
    if default == ():
        return "`[]`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f'`"{default}"`' if isinstance(default, str) else f"`{default}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
