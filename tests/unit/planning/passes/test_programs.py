"""What holds for every program: nothing is lost, nothing is moved without need, L1 never overflows."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.planning.passes._networks import Sketch, unreplicated

from axelera.compiler.planning.passes import PassOptions, compile_passes
from axelera.compiler.planning.passes._compile import build
from axelera.compiler.planning.passes._level1 import residency
from axemu.chip import PROGRAMS
from axemu.model.passes import CoreProgram, totals_of
from axemu.model.program import Program

pytestmark = pytest.mark.slow

OPTIONS = st.builds(
    PassOptions,
    rescale=st.sampled_from(["lowered", "shared"]),
    first_in_l2=st.sampled_from(["maps", "weights"]),
    weights_stop=st.booleans(),
    split_maps=st.booleans(),
    reuse_pages=st.booleans(),
    lose_prefetch=st.booleans(),
    tiles_power_of_two=st.booleans(),
    cut=st.sampled_from(["outputs", "inputs"]),
    tiling_depth=st.sampled_from([1, 2, 6]),
)


def grow(draw: st.DrawFn, height: int) -> Program:
    """A network of a dozen operators over maps from a few kilobytes to some megabytes."""
    net = Sketch(height, draw(st.sampled_from([8, 40, 160])), draw(st.sampled_from([64, 256])))
    maps = ["in"]
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(maps[-4:]))
        channels = net.shape(name)[2]
        what = draw(st.sampled_from(["conv", "conv", "silu", "slice", "concat", "add", "pool", "wide"]))
        if what == "conv":
            kernel, stride = draw(st.sampled_from([(1, 1), (3, 1), (3, 2)]))
            made = net.conv(name, draw(st.sampled_from([16, 64, 96, 256])), kernel, stride)
        elif what == "wide":
            made = net.conv(name, 640, 3)
        elif what == "silu":
            made = net.lut(name)
        elif what == "slice":
            half = channels // 2
            made = net.channels(name, half, half)
        elif what == "pool":
            made = net.add(
                "max_pool", [name], net.shape(name), kernel=(3, 3), strides=(1, 1), pads=(1, 1, 1, 1)
            )
        else:
            alike = [one for one in maps if net.shape(one)[:2] == net.shape(name)[:2]]
            other = draw(st.sampled_from(alike))
            if what == "concat":
                made = net.concat(name, other)
            elif net.shape(other) == net.shape(name):
                made = net.add("add", [name, other], net.shape(name))
            else:
                made = net.lut(name)
        maps.append(made)
    unread = [one for one in maps[1:] if all(one not in node.inputs for node in net.nodes)]
    return net.program(*unread)


@st.composite
def networks(draw: st.DrawFn) -> Program:
    return grow(draw, draw(st.sampled_from([16, 80, 160])))


@given(networks(), OPTIONS)
@settings(max_examples=60)
def test_every_transfer_is_waited_for_and_every_pass_runs_once_in_order(
    program: Program, options: PassOptions
) -> None:
    compiled = compile_passes(program, options)
    started: list[int] = []
    open_now: set[int] = set()
    run: list[int] = []
    for step in compiled.steps:
        for action in step.actions:
            if action.verb == "start":
                started.append(action.index)
                open_now.add(action.index)
            elif action.verb == "await":
                open_now.remove(action.index)
            elif action.verb == "run":
                run.append(action.index)
    assert started == list(range(len(compiled.transfers)))
    assert run == list(range(len(compiled.passes)))
    assert not open_now


@given(networks(), OPTIONS)
@settings(max_examples=60)
def test_words_fetched_are_words_consumed_and_words_drained_are_words_made(
    program: Program, options: PassOptions
) -> None:
    for one in compile_passes(program, options).passes:
        if not one.copies:
            assert one.units.array == 0
            continue
        groups, rest = divmod(one.units.array, 8 * one.instructions)
        fed, odd = divmod(one.units.feed, groups)
        assert rest == odd == 0
        assert 8 * (one.instructions - 1) < fed <= 8 * one.instructions
        assert one.units.drain == groups * one.copies * one.output_words


@given(networks(), OPTIONS)
@settings(max_examples=60)
def test_weights_are_fetched_once_and_never_fewer_than_the_network_has(
    program: Program, options: PassOptions
) -> None:
    compiled = compile_passes(program, options)
    totals = totals_of(compiled)
    fetched = sum(
        size for route, (size, _) in totals.routes.items() if route in ("l2_const>l1", "ddr_const>l1")
    )
    constants = fetched - totals.weight_bytes
    assert fetched == compiled.pools.get("l2_const", 0) + compiled.pools.get("ddr_const", 0)
    assert constants >= 0
    assert totals.weight_bytes >= unreplicated(program)


@given(networks(), OPTIONS)
@settings(max_examples=100)
def test_l1_never_overflows(program: Program, options: PassOptions) -> None:
    """Added up here from what is alive at each operator, whatever the planner says it uses."""
    graph, operators = build(program, options)
    capacity = int(PROGRAMS.l1_data) - 64 * sum(operator.constants for operator in operators)
    settled = residency(operators, graph.maps, graph.outputs, capacity, options)
    made = {operator.output: index for index, operator in enumerate(operators)}
    last = {read.name: index for index, operator in enumerate(operators) for read in operator.reads}
    ahead = 0
    heads = [index for index, room in enumerate(settled.rooms) if room.chain]
    for begin, end in reversed(list(pairwise([*heads, len(operators)]))):
        members = operators[begin:end]
        rooms = settled.rooms[begin:end]
        handed = {operator.output for operator in members[:-1]}
        streamed = set().union(*(room.streamed for room in rooms))
        names = {read.name for operator in members for read in operator.reads} - handed
        alive = {
            name
            for name, when in made.items()
            if name not in settled.spilled and when < begin <= last.get(name, -1)
        }
        used = sum(graph.maps[name].size for name in alive | (names - streamed))
        used += ahead if rooms[-1].ahead else 0
        tiles = sum(
            graph.maps[operator.output].row_bytes * max(tile.rows for tile in room.tiles)
            for operator, room in zip(members[:-1], rooms, strict=False)
        )
        for name in streamed:
            source = graph.maps[name]
            rows = [
                read.rows(tile, source.rows)
                for operator, room in zip(members, rooms, strict=True)
                for read in operator.reads
                for tile in room.tiles
                if read.name == name
            ]
            tiles += 2 * max(rows) * source.row_bytes
        target, room = graph.maps[members[-1].output], rooms[-1]
        out = 2 * room.tiles[0].rows * target.row_bytes if room.stores_tiles else target.size
        weights = sum(operator.size for operator in members)
        if len(members) > 1:
            assert used + weights + tiles + out <= capacity
        else:
            assert used + max(members[0].largest, tiles + out) <= capacity or room.short
        first = next((operator for operator in members if operator.size), None)
        ahead = first.kernels[0].size if first else ahead
    assert compile_passes(program, options).pools["l1"] <= int(PROGRAMS.l1_data)


@given(networks(), OPTIONS)
@settings(max_examples=60)
def test_each_map_outside_is_written_once_and_read_at_least_as_often(
    program: Program, options: PassOptions
) -> None:
    compiled = compile_passes(program, options)
    written, read = moved(compiled, out=True), moved(compiled, out=False)
    graph, _ = build(program, options)
    for name, size in written.items():
        assert size <= graph.maps[name].size
        assert read[name] >= size
    outputs = totals_of(compiled).routes["l1>ddr_output"][0]
    assert outputs <= sum(graph.maps[name].size for name in graph.outputs)


def moved(program: CoreProgram, *, out: bool) -> dict[str, int]:
    result: dict[str, int] = {}
    for one in program.transfers:
        if (one.target if out else one.source) in ("l2", "ddr"):
            result[one.what] = result.get(one.what, 0) + one.size
    return result


@given(networks(), st.integers(2, 3))
@settings(max_examples=60)
def test_more_rows_never_take_fewer_cycles_of_the_array_and_its_loading(
    program: Program, factor: int
) -> None:
    tensors = {
        name: type(tensor)(name, (factor * tensor.shape[0], *tensor.shape[1:]))
        for name, tensor in program.tensors.items()
    }
    taller = Program("taller", 1, tensors, program.nodes, program.inputs, program.outputs)
    short, tall = (totals_of(compile_passes(one)) for one in (program, taller))
    assert tall.load_cycles + tall.units.array >= short.load_cycles + short.units.array
    assert tall.units.drain >= short.units.drain


def test_a_program_does_not_hang_on_the_hashing_of_names(tmp_path: Path) -> None:
    """One of two large maps has to leave: which of them is settled by their order."""
    script = tmp_path / "write.py"
    script.write_text(
        "from tests.unit.planning.passes._networks import crowded\n"
        "from axelera.compiler.planning.passes import compile_passes\n"
        "print(compile_passes(crowded()))\n"
    )
    root = Path(__file__).parents[4]
    found = {
        subprocess.run(
            [sys.executable, str(script)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(found) == 1
