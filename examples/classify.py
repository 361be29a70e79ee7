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

from axelera.runtime import Context
from axemu.host import HostPart, chw, model_info, top

CORES = 4
MEAN = np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1)


def load_photo(path: str, width: int, height: int, *, normalise: bool) -> npt.NDArray[np.float32]:
    """Read a photo as the network takes it, float32 (1, 3, height, width)."""
    with Image.open(path) as photo:
        image = chw(np.asarray(photo.convert("RGB").resize((width, height)))) / 255
    return (image - MEAN) / DEVIATION if normalise else image


def main(model_path: str, photos: list[str], *, normalise: bool) -> None:
    info = model_info(model_path)
    if "note" in info:
        print(info["note"], file=sys.stderr)
    labels = info.get("labels") or []
    with Context() as context:
        model = context.load_model(model_path)
        part = HostPart(model, model_path)
        ((_, _, height, width),) = part.input_shapes
        # One connection per instance: instances on one connection would share its first core.
        connections = [context.device_connect(None, 1) for _ in range(CORES)]
        instances = [connection.load_model_instance(model) for connection in connections]

        def share(worker: int) -> list[npt.NDArray[np.float32]]:
            """Run every photo whose turn it is for this worker."""
            images = (load_photo(path, width, height, normalise=normalise) for path in photos[worker::CORES])
            return [part.run(instances[worker], image)[0] for image in images]

        with ThreadPoolExecutor(CORES) as pool:
            shares = list(pool.map(share, range(CORES)))
    for index, photo in enumerate(photos):
        best = top(shares[index % CORES][index // CORES])
        named = (f"{labels[number] if labels else f'class {number}'} {score:.2f}" for number, score in best)
        print(f"{photo}: {', '.join(named)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model.json of a one-core build")
    parser.add_argument("photos", nargs="+", help="image files")
    parser.add_argument("--normalise", action="store_true", help="take ImageNet's mean and deviation out")
    given = parser.parse_args()
    main(given.model, given.photos, normalise=given.normalise)
