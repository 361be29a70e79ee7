"""Programs made to take long are lowered in time linear in their nodes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._sizes import sample

from axemu.emulator.compute._analysis import analyse
from axemu.emulator.compute._arena import ALIGNMENT, GUARD, assign_groups, plan_arena
from axemu.emulator.compute._arguments import Arguments, Kernel, Operands
from axemu.emulator.compute._compiled import assemble
from axemu.emulator.compute._layout import SLACK, Buffer, Stage, View
from axemu.model.program import Node, Program, Tensor

SECONDS = 5.0
"""Of processor time; each takes a tenth of that, and hours before."""


def program(tensors: dict[str, tuple[int, int, int]], nodes: list[Node], output: str) -> Program:
    named = {name: Tensor(name, shape) for name, shape in tensors.items()}
    return Program("hostile", 1, named, tuple(nodes), ("x",), (output,))


def copy(name: str, source: str, output: str) -> Node:
    return Node("transpose", name, (source,), output, {"perm": (0, 1, 2)})


def part(name: str, source: str, starts: tuple[int, ...], sizes: tuple[int, ...]) -> Node:
    return Node("slice", f"take {name}", (source,), name, {"starts": starts, "sizes": sizes})


def diamonds(count: int, axis: int) -> Program:
    """Halves that are put together again, over and over: twice as many ways through each."""
    whole, half = ((4, 4, 32), (2, 4, 32)) if axis == 0 else ((4, 4, 32), (4, 4, 16))
    tensors = {"x": whole, "y0": whole}
    nodes = [copy("first", "x", "y0")]
    for n in range(count):
        tensors |= {f"a{n}": half, f"b{n}": half, f"y{n + 1}": whole}
        second = tuple(size if number == axis else 0 for number, size in enumerate(half))
        nodes += [part(f"a{n}", f"y{n}", (0, 0, 0), half), part(f"b{n}", f"y{n}", second, half)]
        nodes.append(Node("concat", f"join{n}", (f"b{n}", f"a{n}"), f"y{n + 1}", {"axis": axis}))
    return program(tensors, nodes, f"y{count}")


def slices_of_slices(count: int) -> Program:
    tensors = {"x": (2, 2, 16), **{f"y{n}": (2, 2, 16) for n in range(count + 1)}}
    nodes = [part(f"y{n + 1}", f"y{n}", (0, 0, 0), (2, 2, 16)) for n in range(count)]
    return program(tensors, [copy("first", "x", "y0"), *nodes], f"y{count}")


def one_concat_of_many(count: int) -> Program:
    tensors = {"x": (1, 1, 16), "z": (1, 1, 16 * count), **{f"y{n}": (1, 1, 16) for n in range(count)}}
    nodes = [copy(f"n{n}", "x", f"y{n}") for n in range(count)]
    return program(
        tensors, [*nodes, Node("concat", "z", tuple(f"y{n}" for n in range(count)), "z", {"axis": 2})], "z"
    )


@pytest.mark.parametrize(
    "hostile",
    [diamonds(1500, 0), diamonds(1500, 2), slices_of_slices(4000), one_concat_of_many(4000)],
    ids=["halves of rows", "halves of channels", "slices of slices", "one concat of many"],
)
def test_lowering_takes_linear_time(hostile: Program) -> None:
    began = time.process_time()
    assembler = assemble(hostile, "exact", "portable", 1, ())
    assign_groups(assembler.stages)
    plan_arena(assembler.stages, ())
    assert time.process_time() - began < SECONDS


def test_a_home_is_the_outermost_whenever_it_is_asked_for() -> None:
    """What was found on the way stays right when the outermost tensor moves into another."""
    analysis = analyse(slices_of_slices(3), ())
    assert analysis.alias("y3").name == "y0"
    for name in ("y2", "y3"):
        assert analysis.alias(name) == analysis.alias("y0")


lives = st.lists(
    st.tuples(st.sampled_from([1, 64, 1000, 5000]), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=sample(60, 2000))
@given(lives)
def test_every_buffer_lies_as_low_as_is_free_for_all_its_life(rows: list[tuple[int, int, int]]) -> None:
    """The plain search, with every place tried against everything placed before."""
    buffers = [Buffer(str(n), 1, 1, size) for n, (size, _, _) in enumerate(rows)]
    views = [View.of(buffer, (1, 1, 1)) for buffer in buffers]
    stages = [
        Stage(
            Kernel("k", Arguments, Operands.CHUNK),
            Arguments(),
            1,
            tuple(v for v, (_, a, b) in zip(views, rows, strict=True) if min(a, b) <= g <= max(a, b)),
            (),
        )
        for g in range(10)
    ]
    for group, stage in enumerate(stages):
        stage.group = group
    plan_arena(stages, ())
    placed: list[tuple[int, int, int, int]] = []
    order = [b for stage in stages for b in stage.buffers]
    for buffer in sorted(dict.fromkeys(order), key=lambda one: -one.size):
        _, *ends = rows[int(buffer.name)]
        first, last = min(ends), max(ends)
        room = -(-(buffer.size + SLACK) // ALIGNMENT) * ALIGNMENT
        rivals = [(start, end) for start, end, a, b in placed if a <= last and b >= first]
        lowest = min(
            place
            for place in (GUARD, *(end for _, end in rivals))
            if all(end <= place or place + room <= start for start, end in rivals)
        )
        assert buffer.offset == lowest
        placed.append((lowest, lowest + room, first, last))
