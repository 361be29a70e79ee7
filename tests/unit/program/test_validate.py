"""A program is checked whole, and all of its problems are told at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from axemu.driver import InvalidArgument
from axemu.model.passes import Action, Step, Units
from axemu.model.program import Node, Program, Tensor, is_structure_only, validate


def test_a_good_program_passes(program: Program) -> None:
    validate(program)


def test_a_structure_only_program_passes_without_constants(program: Program) -> None:
    structure = replace(program, constants={})
    assert is_structure_only(structure)
    validate(structure)


def with_tensor(program: Program, key: str, /, **changes: Any) -> Program:
    return replace(program, tensors={**program.tensors, key: replace(program.tensors[key], **changes)})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (4, 6)}, "three sizes"),
        ({"shape": (4, 0, 8)}, "three sizes"),
        ({"shape": (1 << 12, 1 << 12, 1 << 12)}, "takes 68719476736 bytes"),
        ({"scale": math.nan}, "scale nan"),
        ({"scale": -1.0}, r"scale -1\.0"),
        ({"scale": 1e-12}, "scale 1e-12"),
        ({"zero_point": 1 << 16}, "zero point 65536"),
        ({"name": "other"}, "is called 'other' itself"),
    ],
)
def test_a_bad_tensor_is_named(program: Program, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=f"tensor 'a' .*{message}"):
        validate(with_tensor(program, "a", **changes))


@pytest.mark.parametrize("batch", [0, 5])
def test_the_batch_is_one_to_four(program: Program, batch: int) -> None:
    with pytest.raises(InvalidArgument, match=f"batch is {batch}"):
        validate(replace(program, batch=batch))


def test_activations_together_are_bounded(program: Program) -> None:
    many = {f"t{index}": Tensor(f"t{index}", (1 << 10, 1 << 10, 1 << 10)) for index in range(17)}
    with pytest.raises(InvalidArgument, match="tensors take"):
        validate(replace(program, tensors={**program.tensors, **many}))


def test_all_problems_come_in_one_message(program: Program) -> None:
    broken = with_tensor(with_tensor(program, "a", scale=0.0), "b", zero_point=99999)
    with pytest.raises(InvalidArgument) as caught:
        validate(broken)
    assert "tensor 'a'" in str(caught.value)
    assert "tensor 'b'" in str(caught.value)


def test_problems_of_several_nodes_come_in_one_message(program: Program) -> None:
    nodes = [replace(node, attributes={**node.attributes, "colour": 1}) for node in program.nodes]
    with pytest.raises(InvalidArgument) as caught:
        validate(replace(program, nodes=tuple(nodes)))
    assert [f"node {node.name!r}" in str(caught.value) for node in nodes] == [True] * len(nodes)


def test_a_long_list_of_problems_is_cut(program: Program) -> None:
    extra = {f"t{index}": Tensor(f"t{index}", (1, 1, 1)) for index in range(50)}
    with pytest.raises(InvalidArgument, match="and 30 more"):
        validate(replace(program, tensors=MappingProxyType({**program.tensors, **extra})))


def test_a_second_producer_is_refused(program: Program) -> None:
    again = Node("add", "again", ("a", "b"), "c")
    with pytest.raises(InvalidArgument, match=r"'again'.*'c' has another producer"):
        validate(replace(program, nodes=(*program.nodes, again)))


def test_a_cycle_is_refused(program: Program) -> None:
    nodes = list(program.nodes)
    nodes[1] = replace(nodes[1], inputs=("c",))
    with pytest.raises(InvalidArgument, match=r"'conv'.*'c' is read before it is produced"):
        validate(replace(program, nodes=tuple(nodes)))


COUNTS = ("load_cycles", "gathers", "macs")


@pytest.mark.parametrize("name", [*COUNTS, *Units.__slots__])
@pytest.mark.parametrize("amount", [-1, 1 << 53, 1 << 62, 10**30])
def test_counts_that_no_call_has_are_refused(program: Program, name: str, amount: int) -> None:
    assert program.core is not None
    one = program.core.passes[0]
    more = {name: amount} if name in COUNTS else {"units": replace(one.units, **{name: amount})}
    core = replace(program.core, passes=(replace(one, **more), *program.core.passes[1:]))
    with pytest.raises(InvalidArgument, match=r"passes have .*in all, expected"):
        validate(replace(program, core=core))


def test_more_bytes_than_a_call_moves_are_refused(program: Program) -> None:
    assert program.core is not None
    many = tuple(replace(one, size=1 << 40) for one in program.core.transfers)
    with pytest.raises(InvalidArgument, match=r"transfers move \d+ bytes in all"):
        validate(replace(program, core=replace(program.core, transfers=many)))


def test_a_transfer_from_nowhere_is_refused(program: Program) -> None:
    assert program.core is not None
    first, *rest = program.core.transfers
    with pytest.raises(InvalidArgument, match="transfer 0 of 'conv' names pool 'moon', expected one of"):
        validate(
            replace(program, core=replace(program.core, transfers=(replace(first, source="moon"), *rest)))
        )


def test_a_pass_has_no_more_look_ups_than_vector_instructions(program: Program) -> None:
    assert program.core is not None
    first, *rest = program.core.passes
    with pytest.raises(InvalidArgument, match="pass 0 of 'conv' has 1 look-ups"):
        validate(replace(program, core=replace(program.core, passes=(replace(first, lookups=1), *rest))))


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (lambda a: a[1:], "transfer 0 is awaited before it was started"),
        (lambda a: (a[0], *a), "action 'start' of 0 comes twice"),
        (lambda a: (*a[:2], a[1], *a[2:]), "transfer 0 is awaited before it was started, or twice"),
        (lambda a: tuple(one for one in a if one.verb != "run"), "2 passes are never run"),
        (lambda a: (*a, Action("run", 7, 1)), "action 'run' names 7, which is none"),
        (lambda a: (*a, Action("await", -1, 1)), "action 'await' names -1, which is none"),
    ],
)
def test_what_could_never_be_executed_is_refused(
    program: Program, actions: Callable[[tuple[Action, ...]], tuple[Action, ...]], message: str
) -> None:
    assert program.core is not None
    (step,) = program.core.steps
    core = replace(program.core, steps=(Step(actions(step.actions)),))
    with pytest.raises(InvalidArgument, match=message):
        validate(replace(program, core=core))
