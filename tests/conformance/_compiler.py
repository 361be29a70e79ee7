"""Real pictures, what networks say about them, and ONNX Runtime's own quantisation as a yardstick."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx.version_converter
import onnxruntime
from PIL import Image
from tests._onnxruntime import integer_options

Array = npt.NDArray[np.float32]
Network = Callable[[Array], list[npt.NDArray[Any]]]

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def photos(material: Path) -> list[tuple[Array, int]]:
    """The hundred photos as SqueezeNet inputs, with their classes."""
    result = []
    for path in sorted((material / "images" / "imagenet100_jpg").glob("*.jpg")):
        pixels = np.asarray(
            Image.open(path).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR), np.float32
        )
        result.append((((pixels / 255 - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None], int(path.name[:4])))
    return result


def cifar(material: Path) -> tuple[Array, npt.NDArray[np.int64]]:
    """2000 test pictures as network inputs, and their classes."""
    with np.load(material / "images" / "cifar10_test_2000.npz") as stored:
        return stored["x"].transpose(0, 3, 1, 2).astype(np.float32), stored["y"].reshape(-1)


def mnist(material: Path, count: int) -> tuple[Array, npt.NDArray[np.uint8]]:
    """The first `count` test digits and their labels."""
    folder = material / "images" / "mnist"
    with (
        gzip.open(folder / "t10k-images-idx3-ubyte.gz") as images,
        gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as labels,
    ):
        pixels = np.frombuffer(images.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)[:count]
        return pixels.astype(np.float32), np.frombuffer(labels.read(), np.uint8, offset=8)[:count]


def letterboxed(paths: Iterable[Path], size: int) -> Iterator[Array]:
    """Pictures as YOLOX inputs: BGR 0..255, letterboxed with 114."""
    for path in paths:
        image = Image.open(path).convert("RGB")
        ratio = min(size / image.width, size / image.height)
        width, height = int(image.width * ratio), int(image.height * ratio)
        canvas = np.full((size, size, 3), 114, np.uint8)
        canvas[:height, :width] = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
        yield canvas[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)


def float_network(path: Path, *, unsigned: bool = False) -> Network:
    """The network in float; `unsigned` if it is quantised, with activations of uint8."""
    options = integer_options(unsigned=unsigned)
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda sample: list(session.run(None, {name: sample}))


def yardsticks(path: Path, samples: Sequence[Array], folder: Path) -> Iterator[Network]:
    """The network quantised by ONNX Runtime (static QDQ, weights per channel), once per calibration method.

    A Softmax stays in float, as the compiler leaves it to the host: 256 levels cannot hold small probabilities.
    """
    from onnxruntime import quantization

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    current = folder / f"{path.stem}_opset17.onnx"  # scales per channel need opset 13
    model = onnx.version_converter.convert_version(onnx.load(path), 17)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"node{number}"
    onnx.save(model, current)

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.samples = iter([{name: sample} for sample in samples])

        def get_next(self) -> dict[str, Array] | None:
            return next(self.samples, None)

    for method in (quantization.CalibrationMethod.MinMax, quantization.CalibrationMethod.Percentile):
        target = folder / f"{path.stem}_{method.name}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quantization.quantize_static(
                current,
                target,
                Reader(),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                calibrate_method=method,
                nodes_to_exclude=[node.name for node in model.graph.node if node.op_type == "Softmax"],
            )
        yield float_network(target, unsigned=True)


def overlap(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    inside = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
    return float(inside / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inside + 1e-12))


def kept_boxes(
    boxes: npt.NDArray[np.float64],
    classes: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    limit: float,
) -> list[int]:
    """Non-maximum suppression per class; indices by falling score."""
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if all(classes[index] != classes[k] or overlap(boxes[index], boxes[k]) < limit for k in kept):
            kept.append(int(index))
    return kept


Detections = list[tuple[npt.NDArray[np.float64], int, float]]


def yolox_detections(output: npt.NDArray[Any], size: int = 416) -> Detections:
    """Boxes, classes and scores of a YOLOX output (1, N, 85) above 0.15."""
    raw = output[0].astype(np.float64)
    grids = [np.stack(np.meshgrid(*[np.arange(size // s)] * 2), -1).reshape(-1, 2) for s in (8, 16, 32)]
    strides = np.concatenate([np.full((len(grid), 1), s) for grid, s in zip(grids, (8, 16, 32), strict=True)])
    centre = (raw[:, :2] + np.concatenate(grids)) * strides
    extent = np.exp(np.minimum(raw[:, 2:4], 20.0)) * strides
    score = raw[:, 4:5] * raw[:, 5:]
    classes, best = score.argmax(1), score.max(1)
    chosen = np.flatnonzero(best > 0.15)
    boxes = np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)[chosen]
    kept = kept_boxes(boxes, classes[chosen], best[chosen], 0.45)
    return [(boxes[k], int(classes[chosen][k]), float(best[chosen][k])) for k in kept]


def matched(expected: Detections, found: Detections) -> tuple[int, int]:
    """How many expected detections above 0.5 have a counterpart of their class with an overlap of 0.75, of how many."""
    wanted = [(box, kind) for box, kind, score in expected if score > 0.5]
    hits = sum(any(kind == k and overlap(box, b) >= 0.75 for b, k, _ in found) for box, kind in wanted)
    return hits, len(wanted)


def face_boxes(scores: npt.NDArray[Any], offsets: npt.NDArray[Any]) -> list[npt.NDArray[np.float64]]:
    """Faces of an UltraFace output for 320x240 (offsets from anchors, as in a single-shot detector) above 0.7."""
    anchors = []
    for stride, sizes in ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256))):
        for row in range(-(-240 // stride)):
            for column in range(-(-320 // stride)):
                centre = ((column + 0.5) * stride / 320, (row + 0.5) * stride / 240)
                anchors += [(*centre, size / 320, size / 240) for size in sizes]
    prior = np.clip(np.array(anchors), 0.0, 1.0)
    raw = offsets[0].astype(np.float64)
    centre = raw[:, :2] * 0.1 * prior[:, 2:] + prior[:, :2]
    extent = np.exp(raw[:, 2:] * 0.2) * prior[:, 2:]
    chosen = np.flatnonzero(scores[0, :, 1] > 0.7)
    boxes = np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)[chosen]
    kept = kept_boxes(boxes, np.zeros(len(chosen), np.int64), scores[0, chosen, 1], 0.3)
    return [boxes[k] for k in kept]
