"""Pools, weights and limits of a plan; what a core does is tested with the passes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.planning.passes._networks import Sketch

from axelera.compiler.planning import DoesNotFit, Plan, PlanOptions, plan
from axemu.chip import METIS, PROGRAMS, Figure, Provenance
from axemu.model.passes import totals_of
from axemu.model.program import Program


def small() -> Program:
    net = Sketch(8, 8, 64)
    return net.program(net.conv("in", 64))


def heavy() -> Program:
    """Weights of many megabytes."""
    net, last = Sketch(8, 8, 512), "in"
    for _ in range(6):
        last = net.conv(last, 512, 3)
    return net.program(last)


def sizes(planned: Plan) -> dict[str, int]:
    return {pool.name: pool.size for pool in planned.pools}


def test_the_l2_pools_are_the_models_share() -> None:
    for cores, resources in ((1, None), (1, 0.5), (4, None)):
        options = PlanOptions(cores=cores, resources=resources)
        found = sizes(plan(small(), options))
        assert found["l2_const"] + found["l2"] == options.l2_bytes


def test_weights_lie_in_l2_as_long_as_there_is_room_and_are_counted_once() -> None:
    planned = plan(heavy())
    found = sizes(planned)
    assert planned.weight_ddr_bytes
    assert planned.weight_l2_bytes
    assert planned.weight_l2_bytes + planned.weight_ddr_bytes == planned.weight_bytes
    assert found["ddr_const"] == planned.weight_ddr_bytes
    assert planned.weight_l2_bytes <= found["l2_const"] < planned.weight_l2_bytes + (1 << 16)
    assert planned.weight_bytes == totals_of(planned.core).weight_bytes
    assert not plan(heavy(), PlanOptions(cores=4)).weight_ddr_bytes


def test_a_layer_may_have_any_name() -> None:
    program = small()
    (node,) = program.nodes
    named = replace(program, nodes=(replace(node, name="vector constants"),))
    (weights,) = plan(named).weights
    assert (weights.layer, weights.size) == ("vector constants", plan(program).weight_bytes)


def test_a_smaller_share_of_l2_sends_more_weights_to_ddr() -> None:
    shares = [plan(heavy(), PlanOptions(resources=share)).weight_ddr_bytes for share in (0.1, 0.25, 0.5, 1.0)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]


def test_inputs_and_outputs_have_room_for_every_frame_twice_when_buffered() -> None:
    for buffered, depth in ((True, 2), (False, 1)):
        planned = plan(small(), PlanOptions(cores=4, double_buffer=buffered))
        pools = {pool.name: pool for pool in planned.pools}
        assert pools["ddr_input"].depth == pools["ddr_output"].depth == depth
        assert pools["ddr_input"].size == pools["ddr_output"].size == 4 * 8 * 8 * 64
        assert {pool.depth for pool in planned.pools if "put" not in pool.name} == {1}


def test_pools_are_aligned() -> None:
    net = Sketch(5, 7, 3)
    planned = plan(net.program(net.conv("in", 64)))
    assert all(pool.size % 64 == 0 and pool.alignment == 64 for pool in planned.pools)


def test_ddr_traffic_is_that_of_all_cores() -> None:
    one, four = (plan(small(), PlanOptions(cores=cores)) for cores in (1, 4))
    assert one.ddr_traffic == 2 * 8 * 8 * 64
    assert four.ddr_traffic == 4 * one.ddr_traffic


def test_a_share_that_does_not_hold_the_vector_constants_is_refused() -> None:
    tiny = Figure(1 << 21, "bytes", "test", Provenance.ASSUMED, 1, 1 << 25)
    options = PlanOptions(resources=0.000_001, chip=replace(METIS, l2_bytes=tiny))
    with pytest.raises(DoesNotFit, match=r"vector constants take \d+ bytes of L2, and the model may use \d+"):
        plan(small(), options)


@pytest.mark.parametrize("options", [{"cores": 0}, {"cores": 5}, {"resources": 0.0}, {"resources": 1.5}])
def test_options_the_chip_does_not_have_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="plan option"):
        PlanOptions(**options)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from((16, 64, 96, 256, 512)), st.sampled_from((1, 3))), min_size=1, max_size=6
    ),
    st.sampled_from((8, 56, 160, 320)),
    st.integers(1, 4),
)
def test_no_memory_overflows(layers: list[tuple[int, int]], side: int, cores: int) -> None:
    net, last = Sketch(side, side, 64), "in"
    for outputs, kernel in layers:
        last = net.conv(last, outputs, kernel)
    options = PlanOptions(cores=cores)
    planned = plan(net.program(last), options)
    pools = planned.core.pools
    assert pools["l1"] <= int(PROGRAMS.l1_data)
    assert cores * pools.get("l2", 0) + pools["l2_const"] <= options.l2_bytes
    assert sum(one.in_ddr for one in planned.weights) == pools.get("ddr_const", 0)
