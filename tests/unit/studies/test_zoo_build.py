"""Which builds of a network are taken for the one asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from axemu.driver import AxeleraError
from axemu.studies import ZooBuild, compile_zoo
from axemu.zoo import find

SYNTHETIC = "synthetic: random numbers, seed 0"


@pytest.fixture
def build(tmp_path: Path) -> ZooBuild:
    return ZooBuild(find("resnet10t"), "small", tmp_path)


def describe(build: ZooBuild, **changes: object) -> None:
    """Pretend that there is a build of that."""
    info = {"weights": SYNTHETIC, "num_classes": 1000, "calibration": build.calibration} | changes
    build.directory.mkdir(parents=True)
    (build.directory / "model.json").touch()
    (build.folder / "model_info.json").write_text(json.dumps(info))


def double(image: object) -> object:
    return image


def test_nothing_differs_where_nothing_is(build: ZooBuild) -> None:
    assert build.difference() == ""


def test_a_build_of_the_same_is_the_same(build: ZooBuild) -> None:
    describe(build)
    assert build.difference() == ""
    assert replace(build, cores=4).difference() == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_classes": 15}, "15 classes"),
        ({"weights": "best.onnx"}, "weights: best.onnx"),
        ({"calibration": "images of photos"}, "calibration: images of photos"),
    ],
)
def test_what_differs_is_named(build: ZooBuild, changes: dict[str, object], expected: str) -> None:
    describe(build, **changes)
    assert build.difference() == expected


def test_a_transform_goes_by_its_name(build: ZooBuild) -> None:
    of_images = replace(build, images=Path("photos"), transform=double)
    assert of_images.calibration == "images of photos, through double"
    named = replace(of_images, transform_name="mine.py")
    assert named.calibration == "images of photos, through mine.py"


def test_a_number_of_classes_the_network_cannot_have_is_refused(build: ZooBuild) -> None:
    with pytest.raises(AxeleraError, match="100001 classes: expected 1 to 100000"):
        compile_zoo(replace(build, classes=100_001))
    assert not build.folder.exists()
