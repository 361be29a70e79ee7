"""The application: reads digits on every core of a board, in order.

python application.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from axelera.runtime import Context, ModelInstance
from axemu.host import HostPart


class Reader:
    """A model on all cores of the first board with room; reads (N, 1, 8, 8) images."""

    def __init__(self, context: Context, model_path: Path) -> None:
        model = context.load_model(model_path)
        self._part = HostPart(model, model_path)
        cores = context.list_devices()[0].subdevice_count
        connections = [context.device_connect(None, 1) for _ in range(cores)]
        self.instances: Sequence[ModelInstance] = [one.load_model_instance(model) for one in connections]

    def read(self, images: npt.NDArray[np.float32]) -> list[int]:
        """Return the digit on each image."""
        answers = [0] * len(images)

        def share(worker: int) -> None:
            for index in range(worker, len(images), len(self.instances)):
                answers[index] = int(self._part.run(self.instances[worker], images[index])[0].argmax())

        with ThreadPoolExecutor(len(self.instances)) as pool:
            list(pool.map(share, range(len(self.instances))))
        return answers


def main(model_path: str, images_path: str) -> None:
    with np.load(images_path) as test, Context() as context:
        print(*Reader(context, Path(model_path)).read(test["images"]))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
