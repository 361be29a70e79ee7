"""Named image transforms: what common training frameworks do to an image before a classifier or detector sees it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from axelera.compiler import CalibrationError, ConfigurationError
from axemu.cli._compile_choices import ColorFormat, Layout
from axemu.cli._compile_options import Options

__all__ = ["PRESETS", "preset_transform"]

Triple = tuple[float, float, float]

_CROP = 0.875
"""Side of the centre that is kept: 224 of 256."""


@dataclass(frozen=True, slots=True)
class Preset:
    """(pixel - mean) / deviation, with pixels from 0 to 255 and channels in the order the network was trained with.

    Attributes:
        mean: per channel of the network's input.
        deviation: per channel of the network's input.
        blue_first: the network takes BGR.
        crop: cut the centre out at the image's own proportions; otherwise the whole image is stretched.
    """

    mean: Triple
    deviation: Triple
    blue_first: bool = False
    crop: bool = True


_HALVES = ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "imagenet_torch": Preset((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
        "imagenet_caffe": Preset((103.939, 116.779, 123.68), (1.0, 1.0, 1.0), blue_first=True),
        "imagenet_tf": Preset(*_HALVES),
        "tf_ssd": Preset(*_HALVES, crop=False),
    }
)
"""Means and deviations are those of the ImageNet training set that the frameworks publish."""
_NAME_ONLY = "tf_caffe"


def preset_transform(options: Options, shapes: Mapping[str, tuple[int, ...]]) -> Callable[[Any], Any] | None:
    """Return the transform that `--transform` names, None when it names none.

    Args:
        options: the options; their layout is that of the result.
        shapes: the network's inputs by name.

    Raises:
        ConfigurationError: the colour format is not RGB, or the preset is one that is known by name only.
        CalibrationError: the network does not take one image of three channels.
    """
    name = options.transform
    if name == _NAME_ONLY:
        raise ConfigurationError(
            f"--transform {name}: what this preset computes is not published; write a transform, or use one of "
            f"{', '.join(PRESETS)}"
        )
    if name is None or name not in PRESETS:
        return None
    if options.color_format is not ColorFormat.RGB:
        raise ConfigurationError(
            f"--transform {name} orders the channels itself; leave --color-format {options.color_format} out"
        )
    preset = PRESETS[name]
    (first, shape), *others = shapes.items()
    nchw = options.input_data_layout is Layout.NCHW
    if others or len(shape) != 4 or shape[1 if nchw else 3] != 3:
        raise CalibrationError(
            f"--transform {name} makes one image of three channels; the network takes {dict(shapes)} in layout "
            f"{options.input_data_layout}: write a transform for it"
        )
    height, width = shape[2:] if nchw else shape[1:3]
    mean, deviation = np.array(preset.mean, np.float32), np.array(preset.deviation, np.float32)

    def apply(image: Any) -> npt.NDArray[np.float32]:
        picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        picture = picture.convert("RGB")
        picture = _centre(picture, width, height) if preset.crop else picture.resize((width, height))
        pixels = np.asarray(picture, np.float32)[:, :, :: -1 if preset.blue_first else 1]
        scaled = np.divide(np.subtract(pixels, mean, dtype=np.float32), deviation, dtype=np.float32)
        return np.ascontiguousarray((scaled.transpose(2, 0, 1) if nchw else scaled)[None])

    apply.__name__ = f"{name} to input {first!r}"
    return apply


def _centre(picture: Image.Image, width: int, height: int) -> Image.Image:
    factor = max(width / picture.width, height / picture.height) / _CROP
    size = (max(math.ceil(picture.width * factor), width), max(math.ceil(picture.height * factor), height))
    picture = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return picture.crop((left, top, left + width, top + height))
