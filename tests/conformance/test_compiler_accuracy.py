"""Accuracy on real networks and real pictures; what was calibrated on is not evaluated.

The yardstick is ONNX Runtime's static QDQ quantisation on the same calibration pictures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests._sizes import sample
from tests.conformance._compiler import (
    cifar,
    face_boxes,
    float_network,
    letterboxed,
    matched,
    mnist,
    photos,
    yardsticks,
    yolox_detections,
)

from axelera import compiler
from axelera.compiler import CompilerConfig

pytestmark = pytest.mark.material


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_squeezenet_agrees_with_float(material: Path, tmp_path: Path) -> None:
    path = material / "models" / "squeezenet1.1_op13_torchnorm.onnx"
    pictures = photos(material)
    run = float_network(path)
    expected = [int(run(x)[0].argmax()) for x, _ in pictures]
    agree, right, yardstick = 0, 0, np.zeros(2, int)
    for half in (0, 1):
        calibration = [x for i, (x, _) in enumerate(pictures) if i % 2 == half]
        quantised = compiler.quantize(path, iter(calibration), CompilerConfig())
        others = list(yardsticks(path, calibration, tmp_path))
        for i, (x, label) in enumerate(pictures):
            if i % 2 != half:
                answer = int(quantised(x).argmax())
                agree += answer == expected[i]
                right += answer == label
                yardstick += [int(other(x)[0].argmax()) == expected[i] for other in others]
    float_right = sum(answer == label for answer, (_, label) in zip(expected, pictures, strict=True))
    print(f"agreement {agree} of 100, top-1 {right} (float {float_right}), yardsticks {yardstick.tolist()}")
    assert agree >= 92
    assert abs(right - float_right) <= 3


@pytest.mark.parametrize(
    "name",
    [
        "resnet8_cifar10_mlperftiny",
        pytest.param("resnet_large_cifar10_mlperftiny", marks=pytest.mark.full),
    ],
)
def test_cifar_networks_keep_their_accuracy(material: Path, name: str) -> None:
    path = material / "models" / f"{name}.onnx"
    x, labels = cifar(material)
    count = sample(200, len(x))
    x, labels = x[:count], labels[:count]
    run = float_network(path)
    wanted = sum(int(run(x[i : i + 1])[0].argmax()) == labels[i] for i in range(count))
    right = 0
    for half in (0, 1):
        calibration = x[half::2][:100]
        quantised = compiler.quantize(path, iter(calibration[:, None]), CompilerConfig())
        evaluated = slice(1 - half, None, 2)
        right += int((quantised(x[evaluated]).argmax(1) == labels[evaluated]).sum())
    print(f"{name}: float {wanted / count:.4f}, int8 {right / count:.4f} on {count}")
    # Two halves of 1000 pictures, half a point; a sample of 200 is only good to a picture or two.
    assert abs(right - wanted) <= max(0.005 * count, 4 if count < 2000 else 0)


def test_mnist_keeps_its_accuracy(material: Path) -> None:
    path = material / "models" / "mnist-8_op13.onnx"
    x, labels = mnist(material, sample(400, 2100))
    quantised = compiler.quantize(path, iter(x[:100, None]), CompilerConfig())
    run = float_network(path)
    evaluated = x[100:]
    wanted = sum(
        int(run(image[None])[0].argmax()) == label
        for image, label in zip(evaluated, labels[100:], strict=True)
    )
    right = int((quantised(evaluated).argmax(1) == labels[100:]).sum())
    print(f"mnist: float {wanted}, int8 {right} of {len(evaluated)}")
    assert abs(right - wanted) <= 0.01 * len(evaluated)


def test_ultraface_finds_the_listed_faces(material: Path) -> None:
    path = material / "models" / "ultraface_RFB-320_simplified_op13.onnx"

    def prepared(picture: Path) -> np.ndarray:
        image = Image.open(picture).convert("RGB").resize((320, 240), Image.Resampling.BILINEAR)
        return ((np.asarray(image, np.float32) - 127) / 128).transpose(2, 0, 1)[None]

    others = sorted((material / "images" / "imagenet100_jpg").glob("*.jpg"))[:: sample(5, 1)]
    faces = material / "images" / "faces"
    found = {}
    for half in (0, 1):  # calibrated on other pictures and on the faces that are not evaluated in this half
        named = sorted(faces.glob("*.jpg"))
        calibration = [*others, *named[half::2]]
        quantised = compiler.quantize(path, (prepared(picture) for picture in calibration), CompilerConfig())
        for picture in named[1 - half :: 2]:
            found[picture.stem] = len(face_boxes(*quantised(prepared(picture))))
            assert len(face_boxes(*float_network(path)(prepared(picture)))) == found[picture.stem]
    assert found == {"linzaer_13": 2, "linzaer_5": 1, "linzaer_2": 4, "linzaer_12": 5}


@pytest.mark.full
@pytest.mark.timeout(1800)  # the yardsticks are slow to calibrate
def test_yolox_nano_finds_what_float_finds(material: Path, tmp_path: Path) -> None:
    path = material / "models" / "yolox_nano_416.onnx"
    files = sorted((material / "images" / "scenes").iterdir())
    files += sorted((material / "images" / "imagenet100_jpg").glob("*.jpg"))[::2]
    pictures = list(letterboxed(files, 416))
    run = float_network(path)
    expected = [yolox_detections(run(x)[0]) for x in pictures]
    ours, others, total = 0, np.zeros(2, int), 0
    for half in (0, 1):
        calibration = pictures[half::2]
        quantised = compiler.quantize(path, iter(calibration), CompilerConfig())
        rivals = list(yardsticks(path, calibration, tmp_path))
        for x, wanted in zip(pictures[1 - half :: 2], expected[1 - half :: 2], strict=True):
            hits, count = matched(wanted, yolox_detections(quantised(x)))
            ours, total = ours + hits, total + count
            others += [matched(wanted, yolox_detections(rival(x)[0]))[0] for rival in rivals]
    print(f"matched {ours} of {total}, yardsticks {others.tolist()}")
    assert ours >= 0.8 * total
    assert ours >= others.max()


def test_super_resolution_stays_close_to_float(material: Path) -> None:
    path = material / "models" / "superres_subpixel_224_x3.onnx"
    files = sorted((material / "images" / "imagenet100_jpg").glob("*.jpg"))[: sample(6, 40)]
    pictures = [
        np.asarray(Image.open(file).convert("L").resize((224, 224)), np.float32)[None, None] / 255
        for file in files
    ]
    quantised = compiler.quantize(path, iter(pictures[::2]), CompilerConfig())
    run = float_network(path)
    errors = [np.mean(np.square(quantised(x) - run(x)[0])) for x in pictures[1::2]]
    assert 10 * np.log10(1.0 / np.mean(errors)) > 38.0  # peak signal to noise in dB


def test_person_detector_agrees_with_float(material: Path) -> None:
    path = material / "models" / "vww_mobilenetv1_025_96_mlperftiny.onnx"
    files = sorted((material / "images" / "imagenet100_jpg").glob("*.jpg"))[: sample(40, 100)]
    pictures = [
        np.asarray(Image.open(file).convert("RGB").resize((96, 96)), np.float32).transpose(2, 0, 1)[None]
        / 255
        for file in files
    ]
    quantised = compiler.quantize(path, iter(pictures[::2]), CompilerConfig())
    run = float_network(path)
    evaluated = pictures[1::2]
    agree = sum(int(quantised(x).argmax()) == int(run(x)[0].argmax()) for x in evaluated)
    assert agree >= 0.92 * len(evaluated)


def test_autoencoder_reconstructs_like_float(material: Path) -> None:
    path = material / "models" / "ad_autoencoder_mlperftiny.onnx"
    generator = np.random.default_rng(3)
    frames = [generator.normal(-20.0, 12.0, (1, 640)).astype(np.float32) for _ in range(40)]
    quantised = compiler.quantize(path, iter(frames[:20]), CompilerConfig())
    run = float_network(path)
    signal = sum(np.square(run(x)[0]).sum() for x in frames[20:])
    noise = sum(np.square(run(x)[0] - quantised(x)).sum() for x in frames[20:])
    assert 10 * np.log10(signal / noise) > 25.0
