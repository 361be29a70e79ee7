"""Find things on photos: a YOLOv8 or YOLO11 detector, whose last operators and whose selection run on the host.

    axdownloadmodel yolo11s-coco-onnx
    python examples/detect.py build/yolo11s-coco-onnx/yolo11s-coco-onnx/1/model.json PHOTO...

A photo keeps its proportions and gets a grey border (letterbox). The board returns six maps; the postamble turns them
into one table, (1, 4 + classes, cells): centre, width and height of a box in pixels of the input, and a score per class.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tensors import Postamble, describe, to_buffer

from axelera.runtime import Context

Floats = npt.NDArray[np.float32]
GREY = 114
CANDIDATES = 1000


@dataclass(frozen=True)
class Letterbox:
    """How a photo lies in the input: photo pixel times `scale` plus `offset` (x, y) is input pixel."""

    image: Floats
    scale: float
    offset: tuple[int, int]
    size: tuple[int, int]

    def back(self, boxes: Floats) -> Floats:
        """Turn corners (n, 4) in input pixels into corners in pixels of the photo."""
        corners = (boxes - np.float32(self.offset * 2)) / np.float32(self.scale)
        return corners.clip(0, np.float32(self.size * 2))


def letterbox(path: str, height: int, width: int) -> Letterbox:
    """Read a photo, float32 (1, 3, height, width) in 0..1."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    scale = min(width / photo.width, height / photo.height)
    inner = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
    offset = ((width - inner.width) // 2, (height - inner.height) // 2)
    canvas = Image.new("RGB", (width, height), (GREY, GREY, GREY))
    canvas.paste(inner, offset)
    pixels = np.asarray(canvas, np.float32).transpose(2, 0, 1)[np.newaxis] / 255
    return Letterbox(pixels, scale, offset, photo.size)


def overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box with others, corners (n, 4)."""
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = size.clip(0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod() - shared
    return np.asarray(shared / np.maximum(areas, 1e-9), np.float32)


def detections(table: Floats, *, least: float, most_overlap: float) -> Iterator[tuple[int, float, Floats]]:
    """Yield class, score and corners, the best first; of boxes of a class that overlap only the best one."""
    centres, sizes, scores = table[0, :2].T, table[0, 2:4].T, table[0, 4:]
    classes, best = scores.argmax(axis=0), scores.max(axis=0)
    order = np.argsort(-best, kind="stable")[:CANDIDATES]
    order = order[best[order] >= least]
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)[order]
    classes, best = classes[order], best[order]
    alive = np.ones(len(order), bool)
    for index in range(len(order)):
        if alive[index]:
            yield int(classes[index]), float(best[index]), boxes[index]
            alive &= (classes != classes[index]) | (overlap(boxes[index], boxes) <= most_overlap)


def only_table(outputs: list[Floats], info: dict[str, Any]) -> Floats:
    """Return the table of a detector; segmentation, keypoints, rotated boxes and older heads look different."""
    table, classes = outputs[0], info.get("num_classes")
    if len(outputs) > 1 or table.ndim != 3 or table.shape[1] != 4 + (classes or table.shape[1] - 4):
        shapes = ", ".join(str(output.shape) for output in outputs)
        sys.exit(
            f"the network gives {shapes} for {classes or 'unknown'} classes; expected (1, 4 + classes, cells)"
        )
    return table


def main(model_path: str, photos: list[str], *, least: float, most_overlap: float, most: int) -> None:
    info = describe(model_path)
    if "note" in info:
        print(info["note"], file=sys.stderr)
    labels = info.get("labels") or []
    with Context() as context:
        model = context.load_model(model_path)
        (input_info,) = model.inputs()
        _, height, width, _ = input_info.unpadded_shape
        finish = Postamble(model_path, model)
        with context.device_connect(None, 1) as connection:
            instance = connection.load_model_instance(model)
            buffers = [np.empty(output.shape, np.int8) for output in model.outputs()]
            for path in photos:
                photo = letterbox(path, height, width)
                instance.run([to_buffer(photo.image, input_info)], buffers)
                table = only_table(finish(buffers), info)
                found = list(detections(table, least=least, most_overlap=most_overlap))
                print(f"{path}: {len(found)} found")
                for number, score, box in found[:most]:
                    left, top, right, bottom = photo.back(box[np.newaxis])[0]
                    name = labels[number] if labels else f"class {number}"
                    print(f"  {name} {score:.2f} at {left:.0f},{top:.0f} to {right:.0f},{bottom:.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model.json of a one-core build")
    parser.add_argument("photos", nargs="+", help="image files")
    parser.add_argument("--least", type=float, default=0.25, help="lowest score")
    parser.add_argument(
        "--most-overlap", type=float, default=0.45, help="two boxes that overlap more are one"
    )
    parser.add_argument("--most", type=int, default=10, help="how many to print per photo")
    given = parser.parse_args()
    main(given.model, given.photos, least=given.least, most_overlap=given.most_overlap, most=given.most)
