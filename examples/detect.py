"""Find things on photos: a YOLO detector, whose last operators and whose selection run on the host.

    axdownloadmodel yolo11s-coco-onnx
    python examples/detect.py build/yolo11s-coco-onnx/yolo11s-coco-onnx/1/model.json PHOTO...

A photo keeps its proportions and gets a grey border (letterbox). What the network takes is 0..1 in RGB; YOLOX takes 0..255 in BGR
(`--family yolox`).
"""

from __future__ import annotations

import argparse
import sys

from PIL import Image

from axelera.runtime import Context, InvalidArgument, ModelInstance
from axemu.host import FAMILIES, Detections, HostPart, chw, decode, letterbox, model_info, suppress


def detect(
    instance: ModelInstance, part: HostPart, path: str, classes: int, given: argparse.Namespace
) -> Detections:
    """Return what is on a photo, boxes in its own pixels."""
    ((_, _, height, width),) = part.input_shapes
    with Image.open(path) as opened:
        photo = letterbox(opened, width, height)
    image = chw(photo.pixels[..., ::-1]) if given.family == "yolox" else chw(photo.pixels) / 255
    outputs = part.run(instance, image)
    found = decode(outputs, classes, family=given.family, size=(height, width), least=given.least)
    return photo.back(suppress(found, given.most_overlap, most=given.most))


def main(given: argparse.Namespace) -> None:
    info = model_info(given.model)
    if "note" in info:
        print(info["note"], file=sys.stderr)
    labels = info.get("labels") or []
    classes = given.classes or info.get("num_classes") or 80
    with Context() as context:
        model = context.load_model(given.model)
        part = HostPart(model, given.model)
        connection = context.device_connect(None, 1)
        instance = connection.load_model_instance(model)
        for path in given.photos:
            found = detect(instance, part, path, classes, given)
            print(f"{path}: {len(found)} found")
            for box, score, number in zip(found.boxes, found.scores, found.classes, strict=True):
                name = labels[number] if labels else f"class {number}"
                left, top, right, bottom = box
                print(f"  {name} {score:.2f} at {left:.0f},{top:.0f} to {right:.0f},{bottom:.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model.json of a one-core build")
    parser.add_argument("photos", nargs="+", help="image files")
    parser.add_argument("--family", choices=FAMILIES, help="needed only where shapes leave it open")
    parser.add_argument("--classes", type=int, help="number of classes, if model_info.json does not say it")
    parser.add_argument("--least", type=float, default=0.25, help="lowest score")
    parser.add_argument(
        "--most-overlap", type=float, default=0.45, help="two boxes that overlap more are one"
    )
    parser.add_argument("--most", type=int, default=100, help="how many per photo")
    try:
        main(parser.parse_args())
    except InvalidArgument as error:
        sys.exit(str(error))
