"""Trained networks on photos: the compute core equals the specification on every output of every image."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image
from tests._sizes import FULL
from tests.conformance._compute import NUMERICS, run

from axelera.compiler import CompilerConfig, quantize
from axelera.compiler.quantized_model import AxeleraQuantizedModel
from axemu.model.ops import execute

pytestmark = pytest.mark.material

Frame = np.ndarray[Any, np.dtype[np.float32]]

QUICK = (
    "ad_autoencoder_mlperftiny",
    "mnist-8_op13",
    "resnet8_cifar10_mlperftiny",
    "vww_mobilenetv1_025_96_mlperftiny",
)
LONG = (
    "resnet_large_cifar10_mlperftiny",
    "squeezenet1.1_op13_torchnorm",
    "superres_subpixel_224_x3",
    "ultraface_RFB-320_simplified_op13",
    "yolox_nano_416",
)
IMAGES = {"superres_subpixel_224_x3": 5, "yolox_nano_416": 10}
"""Images of the slow ones in the full run; the others see all."""


def photos(material: Path) -> list[Path]:
    return sorted((material / "images").rglob("*.jpg"))


def frames(material: Path, shape: tuple[int, ...]) -> Iterator[Frame]:
    """Yield every photo in the shape of an input, 0..1."""
    for file in photos(material):
        with Image.open(file) as image:
            if len(shape) == 2:
                side = image.convert("L").resize((shape[1], 1))
                yield np.asarray(side, np.float32).reshape(shape) / 255
                continue
            mode = "L" if shape[1] == 1 else "RGB"
            pixels = np.asarray(image.convert(mode).resize((shape[3], shape[2])), np.float32) / 255
            yield np.ascontiguousarray(pixels.reshape(shape[2], shape[3], shape[1]).transpose(2, 0, 1)[None])


@cache
def network(material: Path, name: str) -> tuple[AxeleraQuantizedModel, tuple[int, ...]]:
    model = onnx.load(material / "models" / f"{name}.onnx")
    constants = {initializer.name for initializer in model.graph.initializer}
    source = next(value for value in model.graph.input if value.name not in constants)
    shape = tuple(dimension.dim_value for dimension in source.type.tensor_type.shape.dim)
    calibration = [frame for frame, _ in zip(frames(material, shape), range(8), strict=False)]
    return quantize(model, calibration, CompilerConfig()), shape


def compare(material: Path, name: str, numerics: str, count: int) -> None:
    quantised, shape = network(material, name)
    program = quantised.program
    for frame, _ in zip(frames(material, shape), range(count), strict=False):
        feeds = quantised.prepare({quantised.input_names[0]: frame})
        buffers = [port.quantise(value) for port, value in zip(quantised.inputs, feeds, strict=True)]
        values = {
            tensor: buffer.reshape(program.tensors[tensor].shape)
            for tensor, buffer in zip(program.inputs, buffers, strict=True)
        }
        found = run(program, values, numerics, "auto")
        wanted = execute(program, values, numerics)  # type: ignore[arg-type]
        for tensor, array in wanted.items():
            np.testing.assert_array_equal(found[tensor][0], array, err_msg=tensor)
            assert array.min() != array.max(), f"{tensor} is constant: the comparison would show nothing"


@pytest.mark.parametrize("name", QUICK)
@NUMERICS
def test_a_small_network_equals_the_specification(material: Path, name: str, numerics: str) -> None:
    compare(material, name, numerics, len(photos(material)) if FULL else 3)


@pytest.mark.full
@pytest.mark.parametrize("name", LONG)
@NUMERICS
@pytest.mark.timeout(3600)
def test_a_network_equals_the_specification(material: Path, name: str, numerics: str) -> None:
    compare(material, name, numerics, IMAGES.get(name, len(photos(material))))
