"""A program is checked whole, and all of its problems are told at once."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import pytest

from axemu.driver import InvalidArgument
from axemu.model.program import Node, Program, Task, Tensor, is_structure_only, validate


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


@pytest.mark.parametrize("name", [field.name for field in fields(Task) if field.name not in ("name", "op")])
@pytest.mark.parametrize("amount", [-1, 1 << 50, 1 << 62, 10**30])
def test_counts_that_no_frame_has_are_refused(program: Program, name: str, amount: int) -> None:
    tasks = (*program.tasks, Task("conv", "conv", **{name: amount}))
    with pytest.raises(InvalidArgument, match=f"tasks have {name} "):
        validate(replace(program, tasks=tasks))


def test_counts_are_bounded_in_all(program: Program) -> None:
    few = tuple(Task("conv", "conv", weight_ddr_bytes=1 << 33) for _ in range(2))
    validate(replace(program, tasks=few))
    with pytest.raises(
        InvalidArgument, match="in all 25769803776, expected none negative and at most 17179869184"
    ):
        validate(replace(program, tasks=(*few, few[0])))
