"""A trained detector on a real photo, through the operator layer, from file to objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from axelera import compiler
from axelera.runtime import cv, op

SIDE = 416
pytestmark = [pytest.mark.full, pytest.mark.material, pytest.mark.usefixtures("own_boards")]


def test_yolox_finds_the_dog_the_bicycle_and_the_car(material: Path, tmp_path: Path) -> None:
    photos = material / "images" / "scenes"
    before = op.seq(op.color_convert("BGR"), op.letterbox(SIDE, SIDE), op.to_image_tensor(), op.to_dtype())
    data = (before(image)[np.newaxis] for image in cv.create_source(photos))
    config = compiler.CompilerConfig(model_name="yolox", resources_used=0.25, output_axm_format=False)
    network = material / "models" / "yolox_nano_416.onnx"
    compiler.compile(compiler.quantize(str(network), data, config), config, tmp_path / "1")
    pipeline = op.seq(
        before,
        op.load(tmp_path / "1"),
        op.decode_detections("yolox", 80, confidence_threshold=0.45),
        op.nms(),
        op.to_image_space(),
        op.ax_detection(op.CocoClasses),
    )
    ((image, objects),) = pipeline.stream(photos / "hpc_dog.jpg")
    found = {one.class_id.name: one.bbox.to_pixels(image.width, image.height) for one in objects}
    assert {"dog", "bicycle"} <= set(found)
    assert set(found) & {"car", "truck"}
    np.testing.assert_allclose(found["dog"], (131, 206, 352, 545), atol=20)  # what one sees on the photo
    np.testing.assert_allclose(found["bicycle"], (125, 130, 568, 420), atol=80)
