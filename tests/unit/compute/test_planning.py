"""Arena, packing, tiles and the checks of tables."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._sizes import sample
from tests.conformance._compute_programs import MAKERS, random_program

from axemu.driver import InternalError
from axemu.emulator.compute._arena import assign_groups, plan_arena
from axemu.emulator.compute._compiled import assemble
from axemu.emulator.compute._layout import SLACK, Buffer, View
from axemu.emulator.compute._packing import lane_order, pack_dense, pack_weights, start_values
from axemu.emulator.compute._paths import SPECS, Operands
from axemu.emulator.compute.ops.conv._dense import cover
from axemu.model.program import Program

PROGRAMS = st.builds(
    random_program, st.integers(0, 2**32 - 1), st.sampled_from(sorted(MAKERS)), st.integers(3, 12)
)


@settings(max_examples=sample(40, 2000))
@given(PROGRAMS)
def test_buffers_alive_at_the_same_time_share_no_byte(program: Program) -> None:
    stages = assemble(program, "exact", "portable", 2, ()).stages
    assign_groups(stages)
    constants = tuple({buffer for stage in stages for buffer in stage.buffers if buffer.contents is not None})
    size = plan_arena(stages, constants)
    lives: dict[Buffer, list[int]] = {buffer: [0, stages[-1].group] for buffer in constants}
    for stage in stages:
        for buffer in stage.buffers:
            lives.setdefault(buffer, []).append(stage.group)
    for (one, first), (two, second) in itertools.combinations(lives.items(), 2):
        if max(first) >= min(second) and max(second) >= min(first):
            apart = one.offset + one.size <= two.offset or two.offset + two.size <= one.offset
            assert apart, f"{one.name} and {two.name}"
    assert all(buffer.offset >= 0 and buffer.offset + buffer.size + SLACK <= size for buffer in lives)


def places(view: View) -> set[int]:
    """Return the bytes of its buffer that a tensor has."""
    pixels = view.start + view.offsets()
    return set((pixels[:, None] + np.arange(view.shape[2])).reshape(-1).tolist())


@settings(max_examples=sample(40, 1000))
@given(PROGRAMS)
def test_no_stage_reads_what_its_own_group_writes(program: Program) -> None:
    stages = assemble(program, "metis", "portable", 2, ()).stages
    assign_groups(stages)
    for _, group in itertools.groupby(stages, key=lambda stage: stage.group):
        members = list(group)
        for reader, writer in itertools.permutations(members, 2):
            for read, written in itertools.product(reader.reads, writer.writes):
                assert read.buffer is not written.buffer or places(read).isdisjoint(places(written))


@settings(max_examples=sample(30, 1000))
@given(PROGRAMS)
def test_what_is_read_was_written_before(program: Program) -> None:
    written: set[Buffer] = set()
    for stage in assemble(program, "metis", "portable", 1, ()).stages:
        assert all(view.buffer in written or view.buffer.contents is not None for view in stage.reads)
        written.update(view.buffer for view in stage.writes)


@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.parametrize("vectors", [1, 2, 3, 4])
def test_the_lanes_of_a_panel_hold_each_channel_once(vectors: int, lanes: int) -> None:
    assert sorted(lane_order(vectors, lanes).reshape(-1)) == list(range(vectors * lanes))


@pytest.mark.parametrize("name", sorted(SPECS))
def test_packed_weights_are_the_weights(name: str) -> None:
    spec = SPECS[name]
    wide = spec.operands is Operands.WORDS
    weights = np.random.default_rng(1).integers(-128, 128, (5 * spec.lanes - 3, 3, 8)).astype(np.int8)
    packed = pack_weights(weights, 2, 4, spec)
    values = packed.view(np.int16) if wide else packed
    order = lane_order(4, spec.lanes)
    shape = (2, 3, 2, 4, 2, spec.lanes, 2) if wide else (2, 3, 2, 4, spec.lanes, 4)
    quads = values.reshape(shape)
    for panel, tap, step, n, lane, byte in itertools.product(
        (0, 1), range(3), range(2), range(4), (0, 1, 3), range(4)
    ):
        channel = panel * 4 * spec.lanes + order[n, lane]
        wanted = weights[channel, tap, 4 * step + byte] if channel < weights.shape[0] else 0
        place = (
            (panel, tap, step, n, byte % 2, lane, byte // 2) if wide else (panel, tap, step, n, lane, byte)
        )
        assert quads[place] == wanted


def test_pairs_of_channels_lie_together_by_eight_weights() -> None:
    weights = np.random.default_rng(2).integers(-128, 128, (29, 3, 12)).astype(np.int8)
    filled = np.zeros((32, 3, 16), np.int8)
    filled[:29, :, :12] = weights
    packed = pack_dense(weights, 2, 4, SPECS["i8mm"]).reshape(2, 3, 2, 8, 2, 8)
    for panel, tap, octet, pair, which in itertools.product((0, 1), range(3), (0, 1), range(8), (0, 1)):
        channel = 16 * panel + 2 * pair + which
        wanted = filled[channel, tap, 8 * octet : 8 * octet + 8]
        np.testing.assert_array_equal(packed[panel, tap, octet, pair, which], wanted)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_sums_start_with_what_their_activations_lack(name: str) -> None:
    rng = np.random.default_rng(3)
    weights = rng.integers(-128, 128, (5, 3, 8)).astype(np.int8)
    stored = rng.integers(0, 256, (3, 8))
    wanted = (weights.astype(np.int64) * (stored - 128)).sum(axis=(1, 2))
    starts = (-128 * weights.sum(axis=(1, 2), dtype=np.int64)).astype(np.int32)
    signed = SPECS[name].operands is Operands.SIGNED
    sums = (weights.astype(np.int64) * (stored - (128 if signed else 0))).sum(axis=(1, 2))
    np.testing.assert_array_equal(start_values(starts, weights, SPECS[name]) + sums, wanted)


@given(st.integers(1, 5000), st.sampled_from([2, 4, 6]))
def test_tiles_cover_every_pixel_once(count: int, rows: int) -> None:
    big, small, single = cover(count, rows)
    assert big * rows + small * (rows - 1) + single == count
    assert min(big, small, single) >= 0
    assert count < 20 or single == 0 or rows == 2


def test_a_table_that_leaves_its_buffer_is_refused(block: Program) -> None:
    assembler = assemble(block, "exact", "portable", 1, ())
    view = assembler.view("y")
    assembler.check(view, 0, view.buffer.size - view.start, write=True)
    with pytest.raises(InternalError, match="a table reaches bytes"):
        assembler.check(view, 0, view.buffer.size - view.start + 1, write=True)
    with pytest.raises(InternalError, match="a table reaches bytes"):
        assembler.check(view, -view.start - 1, 1, write=False)
