"""Networks of the zoo are written as passes: their operators are known, and no weight is left behind."""

from __future__ import annotations

import pytest
from tests.unit.planning.passes._networks import unreplicated

from axelera.compiler import structure_program
from axelera.compiler.planning.passes import compile_passes
from axemu import zoo
from axemu.model.passes import totals_of

pytestmark = pytest.mark.slow

QUICK = {
    "resnet50",
    "yolov5n",
    "yolov8n-seg",
    "yolov10s",
    "yolo11n-pose",
    "yolo26n-seg",
    "yolo26n-obb",
    "yolo26n-cls",
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(network.name, marks=[] if network.name in QUICK else [pytest.mark.full])
        for network in zoo.networks()
    ],
)
def test_all_weights_are_fetched(name: str) -> None:
    program = structure_program(zoo.find(name).build(structure_only=True))
    compiled = compile_passes(program)
    assert totals_of(compiled).weight_bytes >= unreplicated(program) > 0
