"""docs/reference/json.md and json-schema.json from the types of the answers.

Used as a program: ``python -m axemu.cli._answers_page docs/reference``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from axemu.cli._answers import ANSWERS

HEAD = """\
# What `--json` prints

Made by `python -m axemu.cli._answers_page docs/reference`; do not edit. The same as JSON Schema: [json-schema.json](json-schema.json).

JSON goes to stdout; remarks, such as that figures are simulated, to stderr. Keys are never renamed without an entry in the
changelog; new ones may come.
"""


def schemas() -> dict[str, Any]:
    """Return the JSON Schema of every answer, by command."""
    return {
        command: TypeAdapter(answer).json_schema(mode="serialization") for command, answer in ANSWERS.items()
    }


def page() -> str:
    """Return the page: a table per command, and one per object inside."""
    lines = HEAD.splitlines()
    shown: set[str] = set()
    for command, schema in schemas().items():
        inner = schema.get("$defs", {})
        lines += ["", f"## {command}", ""]
        root = schema["items"] if schema.get("type") == "array" else schema
        root = inner[root["$ref"].rpartition("/")[2]] if "$ref" in root else root
        lines += [root["description"], "", *table(root)]
        shown.add(root["title"])
        for name, one in inner.items():
            if name not in shown:
                shown.add(name)
                lines += ["", f"### {name}", "", one["description"], "", *table(one)]
    return "\n".join(lines) + "\n"


def table(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line per key."""
    yield "| key | type | meaning |"
    yield "|---|---|---|"
    for key, one in schema["properties"].items():
        optional = "" if key in schema.get("required", ()) else " (may be missing)"
        yield f"| `{key}` | {kind(one)} | {one.get('description', '')}{optional} |"


def kind(schema: Mapping[str, Any]) -> str:
    """Return the type of a value in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        items = schema.get("items") or (schema.get("prefixItems") or [{}])[0]
        return f"list of {kind(items)}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"object of {kind(values if isinstance(values, Mapping) else {})}"
    return str(schema.get("type", "any"))


def write(folder: Path) -> None:
    """Write page and schema."""
    (folder / "json.md").write_text(page(), encoding="utf-8")
    text = json.dumps(schemas(), indent=1, ensure_ascii=False) + "\n"
    (folder / "json-schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
