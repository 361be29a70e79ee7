"""What each rule makes of a few operators."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.planning.passes._networks import Sketch, tracker

from axelera.compiler.planning.passes import RULES, PassOptions, compile_passes
from axemu.model.passes import CoreProgram, totals_of


def roles(program: CoreProgram) -> list[str]:
    return [one.role for one in program.passes]


def test_a_table_rides_on_its_convolution_and_takes_a_second_vector_instruction() -> None:
    net = Sketch(8, 8, 64)
    plain, tabled = (compile_passes(net.program(name)) for name in _plain_and_tabled(net))
    assert roles(tabled) == ["conv"]
    assert tabled.passes[0].units.vector == 2 * plain.passes[0].units.vector
    assert tabled.passes[0].constant_words == plain.passes[0].constant_words + 4


def _plain_and_tabled(net: Sketch) -> tuple[str, str]:
    return net.conv("in", 64), net.lut(net.conv("in", 64))


def test_a_residual_rides_on_the_convolution_that_makes_it() -> None:
    net = Sketch(8, 8, 64)
    first = net.conv("in", 64)
    total = net.add("add", [net.lut(net.conv(first, 64)), first], (8, 8, 64))
    program = compile_passes(net.program(total))
    assert roles(program) == ["conv", "conv+residual"]
    assert program.passes[1].units.vector == 3 * 64


def test_a_sum_whose_parts_others_read_is_a_pass_of_its_own() -> None:
    net = Sketch(8, 8, 64)
    first, second = net.conv("in", 64), net.conv("in", 64)
    total = net.add("add", [first, second], (8, 8, 64))
    program = compile_passes(net.program(total, first, second))
    assert roles(program) == ["conv", "conv", "add"]
    assert program.passes[2].units.vector == 4 * 64


@pytest.mark.parametrize(("start", "size", "role"), [(64, 64, "slice-copy"), (16, 16, "slice-conv")])
def test_a_slice_is_a_pass(start: int, size: int, role: str) -> None:
    net = Sketch(8, 8, 64)
    wide = net.conv("in", 128)
    program = compile_passes(net.program(net.channels(wide, start, size)))
    assert roles(program) == ["conv", role]


def test_aligned_parts_are_joined_from_the_last_to_the_first_by_a_growing_whole() -> None:
    net = Sketch(8, 8, 64)
    parts = [net.conv("in", 64) for _ in range(3)]
    program = compile_passes(net.program(net.concat(*parts)))
    assert roles(program) == ["conv", "conv", "shift-add", "conv", "shift-add"]
    assert [one.layer for one in program.passes[:2]] == [parts[2], parts[1]]
    assert [one.units.vector for one in program.passes if one.role == "shift-add"] == [2 * 64, 3 * 64]


def test_unaligned_parts_are_shifted_by_kernels_the_second_with_the_sum() -> None:
    net = Sketch(8, 8, 64)
    whole = net.concat(net.conv("in", 16), net.conv("in", 16))
    program = compile_passes(net.program(whole))
    assert roles(program) == ["conv", "conv", "shift-conv", "shift-conv+add"]
    assert program.passes[3].units.second == program.passes[3].units.drain


def test_pooling_takes_a_cycle_of_adder_and_feed_per_tap() -> None:
    net = Sketch(20, 20, 128)
    pooled = net.add(
        "max_pool", [net.conv("in", 128)], (20, 20, 128), kernel=(5, 5), strides=(1, 1), pads=(2, 2, 2, 2)
    )
    units = compile_passes(net.program(pooled)).passes[1].units
    assert (units.feed, units.adder, units.vector, units.drain) == (20000, 20000, 0, 800)


def test_outputs_come_one_after_the_other_each_with_what_it_needs() -> None:
    net = Sketch(8, 8, 64)
    shared = net.conv("in", 64, name="shared")
    late = net.conv(net.conv(shared, 64, name="late0"), 64, name="late1")
    early = net.conv(shared, 64, name="early")
    program = compile_passes(net.program(early, late))
    assert [one.layer for one in program.passes] == ["shared", "early", "late0", "late1"]


def test_an_input_with_two_readers_is_fetched_and_passed_twice() -> None:
    net = Sketch(8, 8, 64)
    program = compile_passes(net.program(net.conv("in", 64), net.conv("in", 64)))
    assert program.pools["ddr_input"] == 2 * 8 * 8 * 64
    assert totals_of(program).routes["ddr_input>l1"][0] == 2 * 8 * 8 * 64


def test_weights_go_to_l2_while_there_is_room_else_to_ddr() -> None:
    net = Sketch(8, 8, 512)
    name = "in"
    for _ in range(12):
        name = net.conv(name, 512, 3)
    program = compile_passes(net.program(name))
    assert program.pools["l2_const"] <= PassOptions().l2_bytes
    assert program.pools["ddr_const"] > 0
    roomy = compile_passes(net.program(name), PassOptions(cores=4))
    assert roomy.pools["l2_const"] > program.pools["l2_const"]


def test_the_next_weights_are_fetched_beside_the_pass_before() -> None:
    net = Sketch(32, 32, 64)
    program = compile_passes(net.program(net.conv(net.conv("in", 64, 3), 64, 3)))
    fetches = [one for one in program.transfers if one.source == "l2_const" and one.what.startswith("conv")]
    assert [one.beside_compute for one in fetches] == [False, True]


def test_a_map_that_does_not_fit_comes_and_goes_by_tiles_with_a_halo() -> None:
    net = Sketch(320, 320, 64)
    program = compile_passes(net.program(net.conv("in", 64, 3)))
    assert {one.tile.count for one in program.passes} == {8}
    fetched, _ = totals_of(program).routes["ddr_input>l1"]
    assert fetched == (320 + 7 * 2) * 320 * 64
    assert totals_of(program).routes["l1>ddr_output"][0] == 320 * 320 * 64


def test_every_switch_is_a_rule_that_was_inferred_or_can_be_told_otherwise() -> None:
    switches = {rule.switch for rule in RULES.values() if rule.switch}
    options = set(PassOptions.__slots__) - {"cores", "resources", "chip", "figures"}
    assert switches == options
    assert all(hasattr(PassOptions(), name) for name in switches)


ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/explanation/programs.md").read_text(encoding="utf-8")
SOURCE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "compiler/axelera/compiler/planning/passes").glob("*.py"))
)


@pytest.mark.parametrize("code", RULES)
def test_each_rule_is_on_the_page_with_its_certainty_and_switch(code: str) -> None:
    (row,) = re.findall(rf"^\| {code} \|.*\|$", PAGE, re.MULTILINE)
    _text, certainty, option = row.rsplit(" | ", 2)
    assert certainty.startswith(RULES[code].certainty)
    assert option.strip(" |`") == RULES[code].switch


@pytest.mark.parametrize("code", [code for code in RULES if code.startswith("R")])
def test_each_rule_is_named_with_its_certainty_where_it_is_carried_out(code: str) -> None:
    assert re.search(rf"\b{code}(, R\d+)* \({RULES[code].certainty}", SOURCE)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (PassOptions(first_in_l2="weights"), "R7"),
        (PassOptions(weights_stop=False), "R8"),
        (PassOptions(tiles_power_of_two=False), "I1"),
        (PassOptions(rescale="shared"), "R14"),
    ],
)
def test_a_switched_rule_is_named(options: PassOptions, code: str) -> None:
    assert code in compile_passes(tracker(), options).inferred


def test_the_rescaling_of_the_integer_program_is_what_the_rule_asks_for() -> None:
    """R14 said in words gives the same passes as the requantize nodes that lowering puts in."""
    spoken = compile_passes(tracker(), PassOptions(rescale="shared"))
    assert roles(spoken) == roles(compile_passes(tracker()))


def test_weights_first_leaves_maps_no_room_in_l2() -> None:
    program = compile_passes(tracker(), PassOptions(first_in_l2="weights"))
    assert program.pools["l2_const"] > 7e6
    assert program.pools.get("l2", 0) < 1e6


def test_fewer_tiles_will_do_where_powers_of_two_are_not_asked_for() -> None:
    program = compile_passes(tracker(), PassOptions(tiles_power_of_two=False))
    assert program.passes[0].tile.count == 5


@pytest.mark.parametrize("options", [{"cores": 0}, {"cores": 5}, {"resources": 0.0}, {"resources": 1.5}])
def test_what_the_chip_does_not_have_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        PassOptions(**options)  # type: ignore[arg-type]
