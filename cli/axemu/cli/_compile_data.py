"""Calibration samples of `axcompile`: images with a transform, or random numbers."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from axelera.compiler import CalibrationError, ConfigurationError
from axelera.compiler.config import nearest
from axelera.compiler.defects import defects
from axelera.compiler.quantisation import image_paths, images_in, random_data
from axemu.cli._compile_choices import ColorFormat, ImageReader, Layout
from axemu.cli._compile_options import Options
from axemu.cli._compile_presets import PRESETS, preset_transform
from axemu.driver import path_errors

__all__ = [
    "HELD_BACK",
    "calibration_samples",
    "held_back_samples",
    "in_colours",
    "load_function",
    "load_transform",
    "transform_of",
]

Shapes = Mapping[str, tuple[int, ...]]
Transform = Callable[[Any], Any]

HELD_BACK = 50
"""Samples on which the quantised network is compared with the float one."""
_DEFAULT_FUNCTION = "get_preprocess_transform"


@dataclass(frozen=True, slots=True)
class Samples:
    """Items that are read while somebody goes through them; `len` tells how many there are.

    `transform` makes the network's input of one; without it they are inputs already.
    """

    read: Callable[[], Iterator[Any]]
    count: int
    transform: Transform | None = None

    def __iter__(self) -> Iterator[Any]:
        """Read from the beginning."""
        with defects("making calibration samples"):
            yield from self.read()

    def __len__(self) -> int:
        """Return how many samples there are."""
        return self.count


def calibration_samples(options: Options, shapes: Shapes) -> Samples:
    """Images for calibration, at most `dataset_len` of them, or random inputs.

    Args:
        options: where images are, how to read and transform them.
        shapes: the model's inputs by name.

    Raises:
        CalibrationError: images that cannot be read, or cannot become inputs of this model.
        ConfigurationError: options that need each other, or a transform that cannot be loaded.
    """
    if options.imageset is None:
        if options.transform is not None:
            raise ConfigurationError("--transform turns images into inputs, so it needs --imageset")
        return Samples(lambda: random_data(shapes, options.dataset_len), options.dataset_len)
    folder = options.imageset
    count = min(len(image_paths(folder)), options.dataset_len)
    return Samples(lambda: islice(_images(options, folder), count), count, transform_of(options, shapes))


def held_back_samples(options: Options, shapes: Shapes, wanted: int = HELD_BACK) -> tuple[Samples, str]:
    """Return `wanted` samples that calibration did not see, as far as there are any, and what they are in words."""
    if options.imageset is None:
        first = options.dataset_len
        return (
            Samples(lambda: islice(random_data(shapes, first + wanted), first, None), wanted),
            "random numbers, which say nothing about photos: give --imageset",
        )
    folder = options.imageset
    total = len(image_paths(folder))
    left = total - min(total, options.dataset_len)
    count = min(wanted, total)
    first = total - count
    if left >= wanted:
        first, words = options.dataset_len, "images that calibration did not see"
    else:
        words = (
            f"{left} of them images that calibration did not see: give {wanted} images more than --dataset-len "
            f"{options.dataset_len}"
        )
    return Samples(
        lambda: islice(_images(options, folder), first, first + count), count, transform_of(options, shapes)
    ), words


def transform_of(options: Options, shapes: Shapes) -> Transform:
    """Return what makes the network's input of an image as `--imreader-backend` and `--color-format` read it.

    Raises:
        CalibrationError: images cannot become inputs of this model without being told how.
        ConfigurationError: the transform cannot be loaded.
    """
    if options.transform is None:
        return _stretched(shapes, options.input_data_layout)
    return preset_transform(options, shapes) or load_transform(options.transform)


def _images(options: Options, folder: Path) -> Iterator[Any]:
    """Pillow images, or height×width×channel arrays as OpenCV gives them."""
    if options.imreader_backend is ImageReader.OPENCV:
        yield from _opencv_images(folder, options.color_format)
        return
    for image in images_in(folder):
        yield in_colours(image, options.color_format)


def in_colours(image: Image.Image, colours: ColorFormat) -> Image.Image:
    """Return an RGB image with the channels that a transform was promised."""
    if colours is ColorFormat.GRAY:
        return image.convert("L")
    return Image.merge("RGB", image.split()[::-1]) if colours is ColorFormat.BGR else image


def _opencv_images(folder: Path, color: ColorFormat) -> Iterator[npt.NDArray[np.uint8]]:
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError:
        raise ConfigurationError(
            "--imreader-backend OPENCV needs OpenCV: pip install opencv-python-headless, or use PIL"
        ) from None
    conversion = {ColorFormat.RGB: cv2.COLOR_BGR2RGB, ColorFormat.GRAY: cv2.COLOR_BGR2GRAY}.get(color)
    # Pillow goes through the same files in the same order: it knows their size before anything is decoded.
    for path, _ in zip(image_paths(folder), images_in(folder), strict=True):
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise CalibrationError(f"calibration image {path} cannot be read by OpenCV")
        yield pixels if conversion is None else cv2.cvtColor(pixels, conversion)


def _stretched(shapes: Shapes, layout: Layout) -> Transform:
    """A transform for who gave none: stretch the image to the input and scale it to 0..1."""
    (name, shape), *others = shapes.items()
    channel_axis = 1 if layout is Layout.NCHW else 3
    if others or len(shape) != 4 or shape[channel_axis] not in (1, 3):
        raise CalibrationError(
            f"images cannot become the inputs {dict(shapes)} in layout {layout} without being told how: use --transform"
        )
    height, width = shape[2:] if layout is Layout.NCHW else shape[1:3]
    channels = shape[channel_axis]

    def stretch(image: Any) -> npt.NDArray[np.float32]:
        picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        picture = picture.convert("L" if channels == 1 else "RGB").resize((width, height))
        pixels = np.asarray(picture, np.float32).reshape(height, width, channels) / np.float32(255)
        return (pixels if layout is Layout.NHWC else pixels.transpose(2, 0, 1))[None]

    stretch.__name__ = f"stretch to input {name!r}"
    return stretch


def load_transform(text: str) -> Transform:
    """The function `file.py:name` names, or `get_preprocess_transform` of `file.py`; see `load_function`."""
    presets = f" or, in axcompile, a preset ({', '.join(PRESETS)}){nearest(text, PRESETS)}"
    return load_function("--transform", text, _DEFAULT_FUNCTION, presets)


def load_function(option: str, text: str, default: str, others: str = "") -> Callable[..., Any]:
    """The function `file.py:name` names; the file is the user's own program and runs as such.

    Args:
        option: whose value `text` is, for messages.
        text: the file, and behind a colon the function.
        default: the function where none is named.
        others: what else the option takes, for messages.

    Raises:
        ConfigurationError: there is no such file or function, or the file fails.
    """
    file, _, function = text.rpartition(":") if ":" in text else (text, "", default)
    with path_errors(ConfigurationError, f"{option} {file}"):
        return _load(f"{option} {text!r}", Path(file), function, others)


def _load(what: str, path: Path, function: str, others: str) -> Callable[..., Any]:
    specification = importlib.util.spec_from_file_location(f"user_{path.stem}", path)
    if not path.is_file() or specification is None or specification.loader is None:
        raise ConfigurationError(
            f"{what}: {path} is not a Python file; expected file.py, file.py:function{others}"
        )
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as error:  # code of the user may raise anything
        raise ConfigurationError(f"{what}: {path} fails: {type(error).__name__}: {error}") from error
    found: Callable[..., Any] | None = getattr(module, function, None)
    if not callable(found):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise ConfigurationError(f"{what}: no function {function!r} in {path}{nearest(function, names)}")
    return found
