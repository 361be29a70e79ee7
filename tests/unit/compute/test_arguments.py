"""Descriptions of what kernels are given: their words, names and readers, and the registration of operators."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._sizes import sample
from tests.conformance._compute_programs import MAKERS, random_program

from axemu.driver import InternalError
from axemu.emulator.compute import available_paths, ops
from axemu.emulator.compute._arguments import Arguments, Call, Family, Operands, Scalars
from axemu.emulator.compute._compiled import assemble
from axemu.emulator.compute._library import library
from axemu.emulator.compute._paths import SPECS
from axemu.emulator.compute.executor import arguments as executor
from axemu.emulator.compute.ops.conv.arguments import MATRIX, Dense, MatrixTiles, PairTiles, PixelTiles
from axemu.model.ops import OPERATORS
from axemu.model.program import Program

PROGRAMS = st.builds(
    random_program, st.integers(0, 2**32 - 1), st.sampled_from(sorted(MAKERS)), st.integers(3, 12)
)
MODULES = (executor, *(import_module(f"{ops.__name__}.{folder}.arguments") for folder in ops.FOLDERS))
FAMILIES = [value for module in MODULES for value in vars(module).values() if isinstance(value, Family)]
KERNELS = [kernel for family in FAMILIES for _, kernel in family.variants()]


class Box(Arguments):
    left: int
    right: int
    top: int = 7


class Levels(Scalars):
    step: float
    lowest: int


def test_words_stand_in_the_order_in_which_fields_are_declared() -> None:
    assert Box(right=2, left=1).words() == (1, 2, 7)
    assert (Box.index("top"), Box.offset("top"), Box.size()) == (2, 16, 24)


def test_the_words_of_a_base_come_first() -> None:
    assert PixelTiles.names[: len(Dense.names)] == Dense.names


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3))
def test_unpacked_words_are_the_fields(words: list[int]) -> None:
    box = Box.unpack(np.array(words, np.int64))
    assert box.words() == (box.left, box.right, box.top) == tuple(words)


def test_a_field_must_be_given() -> None:
    with pytest.raises(TypeError, match="right"):
        Box(left=1)  # type: ignore[call-arg]


@given(st.floats(width=32, allow_nan=False), st.integers(-(2**31), 2**31 - 1))
def test_scalars_are_packed_as_they_are_declared(step: float, lowest: int) -> None:
    words = Levels(step=step, lowest=lowest).pack()
    assert words.view(np.float32)[0] == np.float32(step)
    assert words[1] == lowest


def test_scalars_hold_what_a_kernel_reads() -> None:
    assert Levels(step=0.1, lowest=0).step == np.float32(0.1)


def test_a_choice_that_no_kernel_has_is_an_error_of_ours() -> None:
    assert MATRIX(numerics="exact", vectors=4).name == "matrix_exact_4"
    for choice in ({"numerics": "exact"}, {"numerics": "exact", "vectors": 5}, {}):
        with pytest.raises(InternalError, match=r"matrix_.* has no variant"):
            MATRIX(**choice)  # type: ignore[arg-type]


def test_no_two_kernels_share_a_name() -> None:
    names = [kernel.name for kernel in KERNELS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", [available_paths()[0], "portable"])
def test_every_named_kernel_has_code(path: str) -> None:
    spec, code = SPECS[path], library(path)
    for kernel in KERNELS:
        absent = (
            (kernel.arguments is MatrixTiles and not spec.matrix)
            or kernel.arguments is (PixelTiles if spec.paired else PairTiles)
            or (kernel.name.startswith("depthwise_half") and spec.lanes != 16)
        )
        if not absent:
            assert code.address(kernel.name)


@settings(max_examples=sample(30, 1000))
@given(PROGRAMS, st.sampled_from(["exact", "metis"]), st.sampled_from(sorted(SPECS)))
def test_every_kernel_is_called_with_its_own_arguments(program: Program, numerics: str, path: str) -> None:
    for stage in assemble(program, numerics, path, 2, ()).stages:
        assert stage.kernel.operands is Operands.CHUNK
        todo = [Call(stage.kernel, stage.arguments)]
        while todo:
            call = todo.pop()
            assert call.kernel is not None
            assert type(call.arguments) is call.kernel.arguments
            words = dict(zip(call.arguments.names, call.arguments.words(), strict=True))
            inner = words.get("after", words.get("function"))
            if inner is not None:
                assert inner.operands is Operands.RANGE
                todo.append(Call(inner, words.get("after_arguments", words.get("arguments"))))


def test_each_operator_of_the_specification_is_lowered_by_one_folder() -> None:
    assert set(ops.assemblies()) == set(OPERATORS)
    assert set(ops.links()) == {"add", "affine", "lut", "mul", "requantize", "sub"}


def test_a_kernel_reads_words_by_the_names_of_the_fields() -> None:
    micro = import_module("axemu.emulator.compute.micro")
    at = micro.reader(Box)

    @micro.njit  # type: ignore[untyped-decorator]
    def difference(address: int) -> int:
        box = at(address)
        result: int = box.right - box.left
        return result

    words = np.array(Box(left=3, right=10).words(), np.int64)
    assert difference(words.ctypes.data) == 7


def test_a_kernel_that_reads_an_unknown_field_is_not_compiled() -> None:
    micro = import_module("axemu.emulator.compute.micro")
    at = micro.reader(Box)

    @micro.njit  # type: ignore[untyped-decorator]
    def read(address: int) -> int:
        result: int = at(address).bottom
        return result

    with pytest.raises(Exception, match="Unknown attribute 'bottom'"):
        read(0)
