"""Where calibration samples come from, and how an item becomes the inputs of a model."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from axelera.compiler._errors import CalibrationError
from axemu.driver import AxeleraError, path_errors
from axemu.host import eight_bits

Array = npt.NDArray[np.float32]
InputShapes = Mapping[str, tuple[int, ...]]

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_LARGEST_IMAGE = 64 << 20


def image_paths(directory: str | Path) -> list[Path]:
    """Return the image files below a directory, sorted by name; names that begin with a dot are left out.

    Raises:
        CalibrationError: there is no such directory, or no image in it.
    """
    with path_errors(CalibrationError, f"calibration images {directory}"):
        return _image_paths(Path(directory))


def _image_paths(root: Path) -> list[Path]:
    if not root.is_dir():
        raise CalibrationError(f"calibration images: {root} is not a directory")
    paths = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )
    if not paths:
        raise CalibrationError(f"calibration images: {root} holds none of {sorted(IMAGE_SUFFIXES)}")
    return paths


def images_in(directory: str | Path) -> Iterator[Image.Image]:
    """Yield the images below a directory as RGB, sorted by name.

    Raises:
        CalibrationError: there is no such directory, no image in it, or one cannot be read.
    """
    yield from map(read_image, image_paths(directory))


def read_image(path: Path, what: str = "calibration image") -> Image.Image:
    """Return an image as RGB.

    Raises:
        CalibrationError: it cannot be read, or is too large.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > _LARGEST_IMAGE:
                raise CalibrationError(f"{what} {path}: {image.width}x{image.height} is too large")
            return eight_bits(image).convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise CalibrationError(f"{what} {path} cannot be read: {error}") from error


def length_of(dataset: Iterable[Any] | str | Path) -> int | None:
    """Return how many items a data set has, None when only going through it would tell.

    Raises:
        CalibrationError: a directory without images.
    """
    if isinstance(dataset, (str, Path)):
        return len(image_paths(dataset))
    try:
        return operator.length_hint(dataset, 0) or None
    except Exception:  # noqa: BLE001  a loader of a stream refuses to be asked, in whatever way its author chose
        return None


def random_data(shapes: InputShapes, count: int = 100, seed: int = 0) -> Iterator[dict[str, Array]]:
    """Yield `count` samples of uniform random numbers in [0, 1), the same for the same seed.

    Good enough to see whether a network compiles; accuracy needs real data.
    """
    generator = np.random.default_rng(seed)
    for _ in range(count):
        yield {name: generator.random(shape, np.float32) for name, shape in shapes.items()}


def samples_of(
    dataset: Iterable[Any] | str | Path,
    transform: Callable[[Any], Any] | None,
    shapes: InputShapes,
    counted: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Iterator[dict[str, Array]]:
    """Yield the inputs of the network, one frame at a time.

    Args:
        dataset: an iterable of items, or a directory of images (which are stretched to the input and scaled to 0..1
            unless a transform says otherwise).
        transform: from an item to a model input: an array (N,C,H,W), or a mapping or tuple of them for several inputs.
        shapes: the inputs the network expects, by name.
        counted: what the items go through, to be counted.

    Raises:
        CalibrationError: an item has the wrong type or shape, or the dataset or the transform raises; its exception is
            the cause.
    """
    stretch = _stretch(shapes) if isinstance(dataset, (str, Path)) and transform is None else None
    for number, item in enumerate(counted(items_of(dataset))):
        if stretch is not None:
            value = stretch(item)
        else:
            value = item if transform is None else transformed(transform, item, number)
        yield from _frames(_arrays(value, number, shapes), number, shapes)


def items_of(dataset: Iterable[Any] | str | Path) -> Iterator[Any]:
    """Yield the items of a data set, which may be code of the user.

    Raises:
        CalibrationError: it raises while it is asked for an item; says for which.
    """
    if isinstance(dataset, (str, Path)):
        yield from images_in(dataset)
        return
    number = 0
    try:
        for item in dataset:
            yield item
            number += 1
    except AxeleraError:
        raise
    except Exception as error:
        name = getattr(dataset, "__name__", type(dataset).__name__)
        raise CalibrationError(
            f"calibration item {number}: {name!r} raised {type(error).__name__} instead of giving it: {error}"
        ) from error


def transformed(transform: Callable[[Any], Any], item: Any, number: int) -> Any:
    """Return what the user's transform makes of an item.

    Raises:
        CalibrationError: the transform raises; says which, and for which item.
    """
    try:
        return transform(item)
    except AxeleraError:
        raise
    except Exception as error:
        name = getattr(transform, "__name__", type(transform).__name__)
        raise CalibrationError(
            f"calibration item {number}: transform {name!r} raised {type(error).__name__}: {error}"
        ) from error


def _arrays(item: Any, number: int, shapes: InputShapes) -> dict[str, Array]:
    names = list(shapes)
    if isinstance(item, Mapping):
        missing = sorted(set(names) - set(item))
        if missing:
            raise CalibrationError(
                f"calibration item {number} lacks the inputs {missing}; the model has {names}"
            )
        return {name: to_array(item[name], f"calibration item {number}, input {name!r}") for name in names}
    if isinstance(item, (tuple, list)) and item and not isinstance(item[0], (int, float, list)):
        # A labelled data set yields (image, label); several inputs come in the model's order.
        return {
            name: to_array(part, f"calibration item {number}")
            for name, part in zip(names, item, strict=False)
        }
    if len(names) != 1:
        raise CalibrationError(f"calibration item {number} is one array; the model has the inputs {names}")
    return {names[0]: to_array(item, f"calibration item {number}")}


def to_array(value: Any, what: str) -> Array:
    """Return numpy or torch data as float32.

    Raises:
        CalibrationError: it is neither, or not numeric.
    """
    hint = "a transform (transform_fn) has to turn items into model inputs"
    try:
        array = np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
    except Exception as error:  # NumPy and torch raise whatever stopped them
        raise CalibrationError(f"{what} is not an array of numbers: {error}; {hint}") from error
    if array.dtype.kind not in "fiub":
        raise CalibrationError(
            f"{what} is {type(value).__name__} ({array.dtype}), not an array of numbers; {hint}"
        )
    return np.ascontiguousarray(array, np.float32)


def _frames(arrays: dict[str, Array], number: int, shapes: InputShapes) -> Iterator[dict[str, Array]]:
    """Cut a batch into frames and check their shapes."""
    batches = set()
    for name, array in arrays.items():
        expected = shapes[name]
        if array.shape == expected[1:]:
            arrays[name] = array[None]
        elif array.ndim != len(expected) or array.shape[1:] != expected[1:]:
            raise CalibrationError(
                f"calibration item {number}, input {name!r}: shape {array.shape}, expected {expected} "
                "(any number of frames in front)"
            )
        strange = int(array.size - np.isfinite(array).sum())
        if strange:
            raise CalibrationError(
                f"calibration item {number}, input {name!r}: {strange} of {array.size} values are NaN or infinite"
            )
        batches.add(arrays[name].shape[0])
    if len(batches) != 1:
        raise CalibrationError(
            f"calibration item {number}: the inputs have different batches {sorted(batches)}"
        )
    for frame in range(batches.pop()):
        yield {name: array[frame : frame + 1] for name, array in arrays.items()}


def _stretch(shapes: InputShapes) -> Callable[[Image.Image], Array]:
    shape = next(iter(shapes.values()))
    if len(shapes) != 1 or len(shape) != 4 or shape[1] not in (1, 3):
        raise CalibrationError(
            f"images cannot be turned into the inputs {dict(shapes)} without being told how: pass transform_fn"
        )
    mode = "L" if shape[1] == 1 else "RGB"

    def stretch(image: Image.Image) -> Array:
        pixels = np.asarray(image.convert(mode).resize((shape[3], shape[2])), np.float32) / np.float32(255.0)
        return np.ascontiguousarray(pixels.reshape(shape[2], shape[3], shape[1]).transpose(2, 0, 1)[None])

    return stretch
