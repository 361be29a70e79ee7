"""A cascade on 2 + 2 cores: a second model looks again at what the first one is not sure about.

Both models run two frames at once on two cores (batch 2) and are compiled for half of the board each, so they live
side by side. Each stage has a thread; a queue joins them.

    axemu demo --cores 2 --output build/digits/2
    python examples/cascade.py build/digits/2/model.json build/digits/2/model.json build/digits/test.npz
"""

from __future__ import annotations

import queue
import sys
import threading

import numpy as np
import numpy.typing as npt

from axelera.runtime import Connection, Context, Model
from axemu.host import HostPart

SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))


class Stage:
    """A model on two cores; takes (2, 1, 8, 8) images, gives (2, 10) logits."""

    def __init__(self, connection: Connection, model: Model, path: str) -> None:
        self._part = HostPart(model, path)
        batch = self._part.batch
        self._instance = connection.load_model_instance(model, aipu_cores=batch, num_sub_devices=batch)

    def logits(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run one pair."""
        return self._part.run(self._instance, images)[0].reshape(len(images), -1)


def is_unsure(logits: npt.NDArray[np.float32]) -> bool:
    second, first = np.sort(logits)[-2:]
    return bool(first - second < 2)


def second_look(stage: Stage, image: npt.NDArray[np.float32]) -> int:
    """Let the second model vote on four shifted copies."""
    copies = np.stack([np.roll(image, shift, axis=(1, 2)) for shift in SHIFTS])
    votes = sum(stage.logits(copies[start : start + 2]).sum(axis=0) for start in (0, 2))
    return int(np.argmax(votes))


def main(first_path: str, second_path: str, images_path: str) -> None:
    with np.load(images_path) as test:
        images, labels = test["images"], test["labels"]
    answers = np.empty(len(images), int)
    unsure: queue.Queue[int | None] = queue.Queue()
    failures: list[Exception] = []

    with Context() as context:
        first = Stage(context.device_connect(None, 2), context.load_model(first_path), first_path)
        second = Stage(context.device_connect(None, 2), context.load_model(second_path), second_path)

        def look_again() -> None:
            try:
                while (index := unsure.get()) is not None:
                    answers[index] = second_look(second, images[index])
            except Exception as error:  # noqa: BLE001  the main thread raises it
                failures.append(error)

        thread = threading.Thread(target=look_again, daemon=True)
        thread.start()
        looked = 0
        pairs = np.concatenate([images, images[-1:]])  # an odd one goes with itself
        for start in range(0, len(images), 2):
            scores = first.logits(pairs[start : start + 2])[: len(images) - start]
            for index, logits in enumerate(scores, start):
                answers[index] = logits.argmax()
                if is_unsure(logits):
                    unsure.put(index)
                    looked += 1
        unsure.put(None)
        thread.join()
    if failures:
        raise failures[0]
    print(f"{(answers == labels).sum()} of {len(labels)} correct, {looked} of them looked at twice")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
