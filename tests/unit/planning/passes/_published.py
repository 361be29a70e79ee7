"""What the two published programs hold, as real_programs.json beside this file has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from axemu.model.passes import Units


@dataclass(frozen=True)
class Pass:
    layer: str
    role: str
    units: Units
    weight_bytes: int
    waits: bool
    instructions: int
    outputs: int


@dataclass(frozen=True)
class Step:
    passes: tuple[int, ...]
    load_cycles: int
    constants: int
    moved: dict[str, int]


@dataclass(frozen=True)
class Published:
    pools: dict[str, int]
    bytes: dict[str, int]
    beside: dict[str, int]
    tasks: dict[str, int]
    roles: dict[str, list[int]]
    passes: tuple[Pass, ...]
    steps: tuple[Step, ...]


@cache
def published(name: str) -> Published:
    data: dict[str, Any] = json.loads(Path(__file__).with_name("real_programs.json").read_text())
    one = data["programs"][name]
    return Published(
        one["pools"],
        one["bytes"],
        one["bytes_beside_compute"],
        one["tasks"],
        one["roles"],
        tuple(Pass(row[0], row[1], Units(*row[2:8]), *row[8:]) for row in one["passes"]),
        tuple(Step(tuple(row[0]), *row[1:]) for row in one["steps"]),
    )
