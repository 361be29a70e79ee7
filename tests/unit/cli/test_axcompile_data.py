"""Calibration samples: what reaches the network for a given image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from axelera.compiler import CompilerError
from axelera.compiler.quantisation import transformed
from axemu.cli._compile_data import calibration_samples
from axemu.cli._compile_options import Options

COLOUR = (10, 20, 30)
SHAPES = {"image": (1, 3, 4, 6)}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "below").mkdir(parents=True)
    Image.new("RGB", (12, 8), COLOUR).save(folder / "a.png")
    Image.new("RGB", (5, 5), (0, 0, 0)).save(folder / "below" / "b.png")
    (folder / "notes.txt").write_text("not an image")
    return folder


def samples(shapes: dict[str, tuple[int, ...]] | None = None, **options: Any) -> list[Any]:
    found = calibration_samples(Options(input="n", output="o", **options), shapes or SHAPES)
    if found.transform is None:
        return list(found)
    return [transformed(found.transform, item, number) for number, item in enumerate(found)]


def transform(folder: Path, text: str) -> str:
    path = folder / "transform.py"
    path.write_text(text)
    return str(path)


def test_without_images_samples_are_random_and_the_same_each_time() -> None:
    first, second = samples(dataset_len=3), samples(dataset_len=3)
    assert len(first) == 3
    assert all(
        sample["image"].shape == (1, 3, 4, 6) and sample["image"].dtype == np.float32 for sample in first
    )
    assert all(np.array_equal(a["image"], b["image"]) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0]["image"], first[1]["image"])


def test_without_a_transform_an_image_is_stretched_and_scaled(images: Path) -> None:
    first, second = samples(imageset=images)
    expected = np.broadcast_to(
        np.array(COLOUR, np.float32).reshape(1, 3, 1, 1) / np.float32(255), (1, 3, 4, 6)
    )
    np.testing.assert_array_equal(first, expected)
    assert not second.any()


def test_a_network_of_another_layout_gets_it(images: Path) -> None:
    first = samples({"image": (1, 4, 6, 3)}, imageset=images, input_data_layout="NHWC")[0]
    assert first.shape == (1, 4, 6, 3)
    np.testing.assert_array_equal(first[0, 0, 0], np.array(COLOUR, np.float32) / np.float32(255))


def test_the_number_of_images_is_limited(images: Path) -> None:
    assert len(samples(imageset=images, dataset_len=1)) == 1


@pytest.mark.parametrize(
    ("color", "expected"),
    [("RGB", COLOUR), ("BGR", COLOUR[::-1]), ("GRAY", (round(0.299 * 10 + 0.587 * 20 + 0.114 * 30),))],
)
def test_a_transform_gets_the_channels_asked_for(images: Path, color: str, expected: tuple[int, ...]) -> None:
    code = "import numpy as np\ndef get_preprocess_transform(image):\n    return np.asarray(image)[0, 0]\n"
    found = samples(imageset=images, color_format=color, transform=transform(images, code))[0]
    assert tuple(np.atleast_1d(found)) == expected


def test_opencv_gives_arrays_in_its_own_order(images: Path) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    code = "def get_preprocess_transform(image):\n    return image\n"
    options = {"imageset": images, "imreader_backend": "OPENCV", "transform": transform(images, code)}
    pixels = samples(color_format="BGR", **options)[0]
    assert pixels.shape == (8, 12, 3)
    assert tuple(pixels[0, 0]) == COLOUR[::-1]


def test_opencv_that_is_not_installed_is_named(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(ValueError, match="pip install opencv-python-headless"):
        samples(imageset=images, imreader_backend="OPENCV")


def test_a_function_of_the_file_is_chosen_by_name(images: Path) -> None:
    code = "def first(image):\n    return 1\ndef second(image):\n    return 2\n"
    assert samples(imageset=images, transform=transform(images, code) + ":second") == [2, 2]


@pytest.mark.parametrize(
    ("code", "function", "message"),
    [
        ("def other(image):\n    return 1\n", ":othe", r"did you mean 'other'\?"),
        ("import nothing_of_that_name\n", "", "ModuleNotFoundError"),
        (
            "def get_preprocess_transform(image):\n    return 1 / 0\n",
            "",
            "item 0: transform 'get_preprocess_transform' raised ZeroDivisionError",
        ),
    ],
)
def test_a_transform_that_does_not_work_is_named(
    images: Path, code: str, function: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        samples(imageset=images, transform=transform(images, code) + function)


def test_a_transform_file_that_does_not_exist_is_named(images: Path) -> None:
    with pytest.raises(ValueError, match="not a Python file"):
        samples(imageset=images, transform="nowhere.py")


def test_a_transform_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match="needs --imageset"):
        samples(transform="t.py")


def test_images_for_another_kind_of_input_need_a_transform(images: Path) -> None:
    with pytest.raises(ValueError, match="use --transform"):
        samples({"points": (1, 4)}, imageset=images)


def test_the_number_of_samples_is_known_beforehand(images: Path) -> None:
    for count, options in (
        (7, {"dataset_len": 7}),
        (2, {"imageset": images}),
        (1, {"imageset": images, "dataset_len": 1}),
    ):
        found = calibration_samples(Options(input="n", output="o", **options), SHAPES)
        assert len(found) == len(list(found)) == count


SIZED = {"image": (1, 3, 28, 28)}


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        (
            "imagenet_torch",
            [(10 / 255 - 0.485) / 0.229, (20 / 255 - 0.456) / 0.224, (30 / 255 - 0.406) / 0.225],
        ),
        ("imagenet_caffe", [30 - 103.939, 20 - 116.779, 10 - 123.68]),
        ("imagenet_tf", [10 / 127.5 - 1, 20 / 127.5 - 1, 30 / 127.5 - 1]),
        ("tf_ssd", [10 / 127.5 - 1, 20 / 127.5 - 1, 30 / 127.5 - 1]),
    ],
)
def test_a_preset_scales_pixels_as_its_framework_does(
    images: Path, preset: str, expected: list[float]
) -> None:
    found = samples(SIZED, imageset=images, transform=preset)[0]
    assert (found.shape, found.dtype) == ((1, 3, 28, 28), np.float32)
    np.testing.assert_allclose(found[0, :, 5, 5], expected, rtol=1e-5)
    layout = samples({"image": (1, 28, 28, 3)}, imageset=images, transform=preset, input_data_layout="NHWC")[
        0
    ]
    np.testing.assert_array_equal(layout.transpose(0, 3, 1, 2), found)


def test_presets_for_classifiers_cut_the_centre_out_and_the_one_for_detectors_stretches(
    tmp_path: Path,
) -> None:
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[4:60, 36:92] = 255  # the middle 56 of 64 rows, and as many columns
    Image.fromarray(pixels).save(tmp_path / "a.png")
    kept = samples({"image": (1, 3, 56, 56)}, imageset=tmp_path, transform="imagenet_tf")[0]
    assert (kept == 1).all()
    whole = samples({"image": (1, 3, 64, 64)}, imageset=tmp_path, transform="tf_ssd")[0]
    assert (whole[0, :, 32, 0] == -1).all()
    assert (whole[0, :, 32, 32] == 1).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"transform": "tf_caffe"}, "not published"),
        ({"transform": "imagenet_torhc"}, "did you mean 'imagenet_torch'"),
        ({"transform": "imagenet_torch", "color_format": "BGR"}, "orders the channels itself"),
        ({"transform": "imagenet_torch", "input_data_layout": "NHWC"}, "three channels"),
    ],
)
def test_a_preset_that_does_not_fit_is_refused(images: Path, options: dict[str, str], words: str) -> None:
    with pytest.raises(CompilerError, match=words):
        samples(SIZED, imageset=images, **options)


def test_a_transform_may_serve_a_network_that_takes_no_picture(images: Path) -> None:
    path = transform(
        images,
        "import numpy as np\ndef get_preprocess_transform(image):\n    return np.ones((1, 7), np.float32)\n",
    )
    assert samples({"vector": (1, 7)}, imageset=images, transform=path)[0].shape == (1, 7)
