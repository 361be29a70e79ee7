"""The seam stays small and speaks of boards only."""

import inspect
import re
from pathlib import Path

import pytest

import axemu.driver
from axemu.driver import Driver, _clock, _driver, _function, _types


def test_the_interface_has_at_most_ten_methods() -> None:
    assert len(Driver.__abstractmethods__) <= 10
    assert {name for name, _ in inspect.getmembers(Driver, inspect.isfunction)} == Driver.__abstractmethods__


def test_what_stands_beside_its_methods_no_driver_needs_to_bring() -> None:
    others = {name for name in vars(Driver) if not name.startswith("_")} - Driver.__abstractmethods__
    assert others == {"clock", "about", "takes_descriptors", "model_version"}


@pytest.mark.parametrize("module", [_driver, _types, _clock])
def test_the_interface_has_no_word_of_simulation_machinery(module: object) -> None:
    assert not re.search(r"simpy|virtual|tick|event", inspect.getsource(module), re.IGNORECASE)  # type: ignore[arg-type]


def test_the_second_driver_is_short_and_has_neither_clock_nor_numerics() -> None:
    source = Path(_function.__file__).read_text(encoding="utf-8")
    assert len(source.splitlines()) < 150
    assert not re.search(r"import time|perf_counter|monotonic|simpy|axelera\.(model|chip|emulator)", source)


def test_every_name_the_room_hands_out_is_there_and_documented() -> None:
    missing = [name for name in axemu.driver.__all__ if not inspect.getdoc(getattr(axemu.driver, name))]
    assert missing == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Drover'"):
        _ = axemu.driver.Drover
