"""Which file a name means, and which cores a model of a pipeline gets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axelera.runtime import InvalidArgument, op
from axelera.runtime.scheduler._allocation import share
from axemu.model import write_axm
from axemu.testing import write_small_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "small").mkdir()
    return write_small_model(tmp_path / "small").path


def test_an_archive_is_found_by_its_stem_here_and_in_the_cache(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    cache = home / ".cache" / "axelera" / "runtime2"
    cache.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    archive = write_axm(model.parent, tmp_path / "squeezenet1.0-imagenet.axm")
    for name in (archive, str(archive), "squeezenet1.0-imagenet", model, model.parent):
        assert isinstance(op.load(name), op.LoadedSeq)
    shutil.move(archive, cache)
    assert isinstance(op.load("squeezenet1.0-imagenet"), op.LoadedSeq)
    with pytest.raises(
        InvalidArgument, match=r"nowhere: no such file or directory, nor .*nowhere\.axm or .*runtime2"
    ):
        op.load("nowhere")


@pytest.mark.parametrize("allocation", [0, -1, True, "50", "0%", "101%", "all", 1.5])
def test_what_is_no_allocation_is_refused(allocation: Any, model: Path) -> None:
    with pytest.raises(InvalidArgument, match="give a number of cores from 1, a percentage"):
        op.load(model, core_allocation=allocation)


@pytest.mark.parametrize(
    ("allocations", "counts"),
    [
        ([None], [4]),
        ([None, None], [2, 2]),
        ([None, None, None], [2, 1, 1]),
        ([1, None], [1, 3]),
        ([None, 3], [1, 3]),
        (["50%", None], [2, 2]),
        ([2, "50%", None], [2, 1, 1]),
        (["25%", "75%"], [1, 3]),
    ],
)
def test_numbers_come_first_and_percentages_are_of_what_they_leave(
    allocations: list[Any], counts: list[int]
) -> None:
    """The vendor's page on inference (release 1.7): None is an equal share of the rest."""
    shares = share(allocations, 4)
    assert [len(cores) for cores in shares] == counts
    assert sorted(core for cores in shares for core in cores) == [0, 1, 2, 3]


@given(
    st.lists(
        st.one_of(st.none(), st.integers(1, 2), st.sampled_from(["10%", "50%", "100%"])),
        min_size=1,
        max_size=9,
    ),
    st.integers(1, 16),
)
def test_every_model_has_a_core_that_there_is(allocations: list[Any], cores: int) -> None:
    if sum(one for one in allocations if isinstance(one, int)) > cores:
        with pytest.raises(InvalidArgument, match=f"the scheduler has {cores}"):
            share(allocations, cores)
        return
    for allocation, given_cores in zip(allocations, share(allocations, cores), strict=True):
        assert given_cores
        assert set(given_cores) <= set(range(cores))
        if isinstance(allocation, int):
            assert len(given_cores) == allocation
