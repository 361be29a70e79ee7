"""Name what is on photos: a classifier on four cores, a thread and an instance for each.

    axdownloadmodel resnet50-imagenet-onnx
    python examples/classify.py build/resnet50-imagenet-onnx/resnet50-imagenet-onnx/1/model.json PHOTO...

Photos are stretched to the network's input and scaled to 0..1, as `axdownloadmodel` calibrates; `--normalise` also takes
ImageNet's mean and deviation out, as most trained classifiers expect.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from PIL import Image
from tensors import Postamble, describe, to_buffer

from axelera.runtime import Context, Model, ModelInstance, TensorInfo

CORES = 4
MOST = 5
MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def load_photo(path: str, info: TensorInfo, *, normalise: bool) -> npt.NDArray[np.float32]:
    """Read a photo as the network takes it, float32 (1, 3, height, width)."""
    _, height, width, _ = info.unpadded_shape
    with Image.open(path) as photo:
        pixels = np.asarray(photo.convert("RGB").resize((width, height)), np.float32) / 255
    if normalise:
        pixels = (pixels - MEAN) / DEVIATION
    return pixels.transpose(2, 0, 1)[np.newaxis]


class Classifier:
    """One instance on one core."""

    def __init__(self, model: Model, instance: ModelInstance, finish: Postamble, *, normalise: bool) -> None:
        (self._input,) = model.inputs()
        self._buffers = [np.empty(info.shape, np.int8) for info in model.outputs()]
        self._instance = instance
        self._finish = finish
        self._normalise = normalise

    def scores(self, path: str) -> npt.NDArray[np.float32]:
        """Run one photo; returns a score per class."""
        image = load_photo(path, self._input, normalise=self._normalise)
        self._instance.run([to_buffer(image, self._input)], self._buffers)
        return np.asarray(self._finish(self._buffers)[0].reshape(-1), np.float32)


def main(model_path: str, photos: list[str], *, normalise: bool) -> None:
    info = describe(model_path)
    if "note" in info:
        print(info["note"], file=sys.stderr)
    labels = info.get("labels") or []
    with Context() as context:
        for device in context.list_devices():
            print(f"{device.name}: {device.board_type.name}, {device.subdevice_count} cores", file=sys.stderr)
        model = context.load_model(model_path)
        finish = Postamble(model_path, model)
        connections = [context.device_connect(None, 1) for _ in range(CORES)]
        classifiers = [
            Classifier(model, connection.load_model_instance(model), finish, normalise=normalise)
            for connection in connections
        ]

        def share(worker: int) -> list[npt.NDArray[np.float32]]:
            """Run every photo whose turn it is for this worker."""
            return [classifiers[worker].scores(photo) for photo in photos[worker::CORES]]

        with ThreadPoolExecutor(CORES) as pool:
            shares = list(pool.map(share, range(CORES)))
    for index, photo in enumerate(photos):
        scores = shares[index % CORES][index // CORES]
        best = [int(number) for number in np.argsort(-scores, kind="stable")[:MOST]]
        named = (f"{labels[number] if labels else f'class {number}'} {scores[number]:.2f}" for number in best)
        print(f"{photo}: {', '.join(named)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model.json of a one-core build")
    parser.add_argument("photos", nargs="+", help="image files")
    parser.add_argument("--normalise", action="store_true", help="take ImageNet's mean and deviation out")
    arguments = parser.parse_args()
    main(arguments.model, arguments.photos, normalise=arguments.normalise)
