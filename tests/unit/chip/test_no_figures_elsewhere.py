"""Figures of the chip stand in `axemu.chip`: the planner and the machine hold no numbers of their own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROOMS = (
    ROOT / "compiler" / "axelera" / "compiler" / "planning",
    ROOT / "emulator" / "axemu" / "emulator" / "metis",
)
SMALL = 8
"""Numbers up to this are counts of things the code itself has."""
ALLOWED = {
    ("_plan.py", 64): "alignment that model.json states",
    ("_options.py", 64): "what a share of L2 is a multiple of",
    ("_level1.py", 40): "never: a step that no program has",
    ("_core.py", 4096): "what acts lead to that is remembered",
    ("_cost.py", 17): "calls after which launches repeat",
    ("_cost.py", 10): "an order of launches",
    ("_cost.py", 12): "an order of launches",
    ("_cost.py", 100): "percent",
    ("_cost.py", 1_000_000): "MHz",
    ("_cost.py", 1e-9): "rounding of products of floats",
    ("_cycle.py", 64): "longest cycle looked for",
    ("_fluid.py", 720_720): "least common multiple of 1 to 16",
    ("_fluid.py", 1024): "states of the channels whose rates are remembered",
    ("_spec.py", 100): "percent",
    ("_heat.py", 0.02): "bounds of what may be asked for",
    ("_throttling.py", 100): "percent",
    ("_trace.py", 4096): "packets written together",
    ("_trace.py", 1_000_000_000): "nanoseconds",
}
MODULES = sorted(path for room in ROOMS for path in room.rglob("*.py"))


def numbers(path: Path) -> set[float]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {
        value
        for value in found
        if isinstance(value, (int, float)) and not isinstance(value, bool) and (value > SMALL or value % 1)
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(path.parts[-2:]))
def test_a_module_holds_no_figure_of_the_chip(path: Path) -> None:
    assert sorted(value for value in numbers(path) if (path.name, value) not in ALLOWED) == []


def test_every_exception_is_in_use() -> None:
    used = {(path.name, value) for path in MODULES for value in numbers(path)}
    assert sorted(set(ALLOWED) - used) == []
