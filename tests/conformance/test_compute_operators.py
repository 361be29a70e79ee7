"""Every compiled path gives the specification's bits, on random programs of every operator."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._sizes import sample
from tests.conformance._compute import EVERY_PATH, run
from tests.conformance._compute_programs import MAKERS, random_frames, random_program

from axemu.model.ops import execute
from axemu.model.program import Program, validate

SEEDS = st.integers(0, 2**32 - 1)


def assert_equals_specification(program: Program, seed: int, path: str, threads: int = 1) -> None:
    validate(program)
    frames = random_frames(program, seed)
    for numerics in ("metis", "exact"):
        found = run(program, frames, numerics, path, threads)
        for index in range(program.batch):
            frame = {name: values[index] for name, values in frames.items()}
            wanted = execute(program, frame, numerics)  # type: ignore[arg-type]
            for name, values in wanted.items():
                differing = int((found[name][index] != values).sum())
                assert differing == 0, f"{numerics}: {differing} of {values.size} values of {name} differ"


@pytest.mark.parametrize("maker", sorted(MAKERS))
@EVERY_PATH
def test_a_random_program_of_each_operator_equals_the_specification(path: str, maker: str) -> None:
    # 18 kinds × 5 paths × 250 programs × 2 numerics are 45 000 cases.
    @settings(max_examples=sample(4, 250))
    @given(SEEDS, st.integers(0, 7))
    def check(seed: int, more: int) -> None:
        assert_equals_specification(random_program(seed, maker, more), seed, path)

    check()


@settings(max_examples=sample(10, 500))
@given(SEEDS, st.sampled_from(sorted(MAKERS)), st.integers(2, 4))
def test_threads_do_not_change_a_bit(seed: int, maker: str, threads: int) -> None:
    assert_equals_specification(random_program(seed, maker, 8), seed, "auto", threads)


@settings(max_examples=sample(10, 300))
@given(SEEDS, st.sampled_from(sorted(MAKERS)), st.integers(2, 4))
def test_each_frame_of_a_batch_is_as_if_alone(seed: int, maker: str, batch: int) -> None:
    assert_equals_specification(random_program(seed, maker, 4, batch), seed, "auto")
