"""Damage for files: bytes, ONNX graphs, documents, and text that is written to hurt its reader."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import onnx


def mutate_bytes(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 2, 8, 64))):
        match chance.randrange(4):
            case 0:
                changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            case 1:
                changed[chance.randrange(len(changed))] = chance.choice((0, 1, 127, 128, 255))
            case 2:
                start = chance.randrange(len(changed))
                del changed[start : start + chance.randrange(1, 32)]
            case _:
                start = chance.randrange(len(changed))
                changed[start:start] = changed[: chance.randrange(1, 32)]
        if not changed:
            return b""
    return bytes(changed)


def mutate_graph(model: onnx.ModelProto, chance: random.Random) -> onnx.ModelProto:  # noqa: C901, PLR0912  a list of damages
    graph = model.graph
    numbers = (0, 1, 2, 3, 7, -1, -2, 64, 2**31, 2**40)
    for _ in range(chance.choice((1, 1, 2, 4))):
        node = chance.choice(graph.node)
        match chance.randrange(8):
            case 0:
                node.op_type = chance.choice(
                    ("Conv", "Relu", "Exp", "MaxPool", "Transpose", "Loop", "Nothing", "Split")
                )
            case 1 if node.attribute:
                entry = chance.choice(node.attribute)
                if entry.ints:
                    entry.ints[chance.randrange(len(entry.ints))] = chance.choice(numbers)
                else:
                    entry.i = chance.choice(numbers)
            case 2:
                dims = graph.input[0].type.tensor_type.shape.dim
                dims[chance.randrange(len(dims))].dim_value = chance.choice(numbers)
            case 3:
                tensor = chance.choice(graph.initializer)
                tensor.dims[chance.randrange(len(tensor.dims))] = chance.choice(numbers) if tensor.dims else 0
            case 4:
                graph.node.remove(node)
                if not graph.node:
                    return model
            case 5 if node.input:
                values = [
                    *(v for n in graph.node for v in n.output),
                    *(t.name for t in graph.initializer),
                    "x",
                    "",
                ]
                node.input[chance.randrange(len(node.input))] = chance.choice(values)
            case 6:
                model.opset_import[0].version = chance.choice((1, 6, 7, 11, 13, 18, 22, 99))
            case _:
                tensor = chance.choice(graph.initializer)
                raw = bytearray(tensor.raw_data)
                for _ in range(4):
                    if raw:
                        raw[chance.randrange(len(raw))] = 255
                tensor.raw_data = bytes(raw)
    return model


def mutate_document(document: Any, chance: random.Random) -> None:
    """Change a few values somewhere in a JSON document, in place."""
    numbers = (
        0,
        1,
        -1,
        2,
        3,
        7,
        127,
        255,
        -128,
        2**31,
        -(2**31),
        2**40,
        2**63,
        0.5,
        1e-30,
        1e30,
        float("nan"),
    )
    places = list(leaves(document))
    for _ in range(chance.choice((1, 1, 2, 4))):
        holder, key = chance.choice(places)
        other, its_key = chance.choice(places)
        match chance.randrange(6):
            case 0 if not isinstance(holder[key], str):
                holder[key] = chance.choice(numbers)
            case 1 if isinstance(holder[key], int):
                holder[key] += chance.choice((-64, -1, 1, 64))
            case 2 | 3 if type(other[its_key]) is type(holder[key]):
                holder[key] = other[its_key]
            case 4:
                holder[key] = chance.choice(([], {}, "", None, True, [holder[key]]))
            case _ if isinstance(holder, list):
                holder.insert(0, holder[key])


def leaves(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield where every number and text stands: its list or object, and its index or key."""
    entries = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(entries):
        if isinstance(value, (dict, list)) and value:
            yield from leaves(value)
        else:
            yield document, key


def mutate_text(text: str, kind: str, chance: random.Random) -> bytes:
    """Return a text of `kind` ("json", "toml" or "yaml") damaged as disks or as people damage it."""
    match chance.randrange(8):
        case 0:
            return mutate_bytes(text.encode(), chance)
        case 1:
            return text.encode()[: chance.randrange(len(text))]
        case 2 | 3:
            changed = _exchanged(text, chance.choice(_HOSTILE[kind])(chance), chance)
        case 4:
            changed = _exchanged(text, json.dumps(chance.choice((*_VALUES, *_HARMLESS))), chance)
        case 5:
            changed = chance.choice(_MANY[kind])(_names(chance))
        case 6 if kind == "json":
            document = json.loads(text)
            mutate_document(document, chance)
            changed = json.dumps(document)
        case _:
            changed = _lines(text, chance)
    return changed.encode()


_VALUES = (0, -1, 2**31, 2**63, 2**70, 10**300, 1e308, "", "x", "\0", "~nobody/x", "../../x", "x" * 70_000, True, None, [], {}, [[]])  # fmt: skip
_HARMLESS = (1, 2, 3, 4, 0.25, 0.5, 1.0, True, False, "m2", "a", [1, 2])
_SIZES = (2, 20, 400, 1100, 4400, 50_000)


def _number(chance: random.Random) -> str:
    size = chance.choice(_SIZES)
    return chance.choice(("9", "-9", "0x", "0b1", "1.", "1e", "-0.", "1:", "0o")) + "1" * size


def _deep(opening: str, closing: str, chance: random.Random) -> str:
    depth = chance.choice((10, 31, 33, 500, 20_000))
    return opening * depth + (closing * depth if chance.random() < 0.5 else "")


def _bomb(chance: random.Random) -> str:
    most = chance.choice((3, 9, 40))
    rows = ["&a0 [x, x, x, x, x, x, x, x, x]"] + [
        f"&a{n + 1} [{', '.join([f'*a{n}'] * 9)}]" for n in range(most)
    ]
    return f"[{', '.join(rows)}]"


_HOSTILE = {
    "json": (
        _number,
        lambda chance: _deep("[", "]", chance),
        lambda chance: _deep('{"a":', "}", chance),
        lambda chance: chance.choice(("NaN", "-Infinity", "1e999", '"\\ud800"', '"\\u0000"', "'a'", "{,}", '{"a":1,"a":2}')),
    ),
    "toml": (
        _number,
        lambda chance: _deep("[", "]", chance),
        lambda chance: _deep("{a=", "}", chance),
        lambda chance: "1\n" + "a." * chance.choice((5, 40, 400, 20_000)) + "b = 1",
        lambda chance: chance.choice(("nan", "-inf", "1979-05-27T07:32:00Z", "07:32:00", "'a'", '"\\u0000"', '"""', "1\n[a]\n[a]")),
    ),
    "yaml": (
        _number,
        _bomb,
        lambda chance: _deep("[", "]", chance),
        lambda chance: _deep("{a: ", "}", chance),
        lambda chance: "\n" + "\n".join(" " * n + "a:" for n in range(chance.choice((10, 40, 500)))),
        lambda chance: chance.choice(("&a [*a]", "!!python/object:os.system x", "!!int ''", "!!timestamp x", "!!binary x", "!!omap [1]", "!!set [1]", "!!bool maybe", "{<<: [1]}", "{[a]: 1}", ".nan", "2001-13-45", "190:20:30.15", "- a", "|\n  x")),
    ),
}  # fmt: skip


def _exchanged(text: str, value: str, chance: random.Random) -> str:
    """Put `value` where a value stands, or at any place."""
    places = [found.span() for found in re.finditer(r"(?<=[=:\[,])\s*[^\s,\[\]{}=:]+", text)]
    start, end = (
        chance.choice(places) if places and chance.random() < 0.9 else (chance.randrange(len(text)),) * 2
    )
    return f"{text[:start]} {value}{text[end:]}"


def _names(chance: random.Random) -> list[str]:
    """Return up to a megabyte of keys, some of them repeated."""
    count = chance.choice((100, 5_000, 40_000))
    again = chance.choice((count, count - 1, 3))
    return [f"k{number % again}" for number in range(count)]


_MANY: dict[str, tuple[Callable[[list[str]], str], ...]] = {
    "json": (
        lambda names: "{" + ",".join(f'"{name}":1' for name in names) + "}",
        lambda names: '{"a":[' + ",".join("[]" for _ in names) + "]}",
        lambda names: '{"a":[' + ",".join('{"":"x"}' for _ in names) + "]}",
    ),
    "toml": (
        lambda names: "".join(f"[{name}]\n" for name in names),
        lambda names: "".join(f"[[{name}]]\n" for name in names),
        lambda names: "".join(f"{name} = 1\n" for name in names),
        lambda names: "a = [" + ",".join("1" for _ in names) + "]",
    ),
    "yaml": (
        lambda names: "\n".join(f"{name}: 1" for name in names),
        lambda names: "[" + ",".join(names) + "]",
        lambda names: "models:\n" + "\n".join(f" {name}: {{}}" for name in names),
        lambda names: "#" * len(names),
    ),
}


def _lines(text: str, chance: random.Random) -> str:
    """Repeat, remove, exchange or cut lines (of JSON: members)."""
    mark = "," if "\n" not in text.strip() else "\n"
    lines = text.split(mark)
    for _ in range(chance.choice((1, 1, 3))):
        place, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                lines.insert(place, lines[other])
            case 1 if len(lines) > 1:
                del lines[place]
            case 2:
                lines[place], lines[other] = lines[other], lines[place]
            case _:
                lines[place] = lines[place][: chance.randrange(len(lines[place]) + 1)]
    return mark.join(lines)
