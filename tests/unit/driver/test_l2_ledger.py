"""What a board's instances declare of L2 may not exceed what it has; a refusal names each holder and its bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axemu.driver import IncompatibleDevice, L2Holding
from axemu.driver._l2_ledger import check_l2

CAPACITY = 33_554_432 - 1_245_184


def test_four_quarters_fit_exactly() -> None:
    quarter = CAPACITY // 4
    check_l2([L2Holding("a", quarter)] * 3, L2Holding("b", quarter), CAPACITY, "metis-0:1:0")


def test_a_refusal_names_every_holder_and_its_bytes() -> None:
    held = [L2Holding("resnet", 20_000_000), L2Holding("yolo", 5_000_000)]
    with pytest.raises(
        IncompatibleDevice,
        match=r"metis-0:1:0: unet declares 8000000 B .* 7309248 B of 32309248 B are free "
        r"\(resnet holds 20000000 B; yolo holds 5000000 B\): release one of them",
    ):
        check_l2(held, L2Holding("unet", 8_000_000), CAPACITY, "metis-0:1:0")


def test_a_model_that_never_fits_is_told_to_be_recompiled() -> None:
    with pytest.raises(
        IncompatibleDevice, match=r"nothing else is loaded.*recompile it with a smaller share"
    ):
        check_l2([], L2Holding("unet", CAPACITY + 1), CAPACITY, "metis-0:1:0")


@given(sizes=st.lists(st.integers(0, CAPACITY), max_size=6), wanted=st.integers(0, CAPACITY))
def test_what_is_admitted_never_exceeds_the_capacity(sizes: list[int], wanted: int) -> None:
    held = [L2Holding(str(index), size) for index, size in enumerate(sizes)]
    try:
        check_l2(held, L2Holding("new", wanted), CAPACITY, "board")
    except IncompatibleDevice:
        assert sum(sizes) + wanted > CAPACITY
    else:
        assert sum(sizes) + wanted <= CAPACITY
