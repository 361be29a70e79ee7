"""All four cores busy: one thread and one instance per core, frames handed out in turn.

A `run()` blocks until its frame is back, so parallelism comes from threads. The workers are filled first (prefill),
then every frame that comes back is followed by the next one, and at the end they are emptied (drain). Handing out in
turn keeps the results in the order of the frames.

    axemu demo
    python examples/worker_threads.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import queue
import sys
import threading

import numpy as np
import numpy.typing as npt

from axelera.runtime import Context, Model, ModelInstance
from axemu.host import HostPart

WORKERS = 4
Image = npt.NDArray[np.float32]


class Worker:
    """A thread that runs the images it is given on an instance of its own."""

    def __init__(self, instance: ModelInstance, part: HostPart) -> None:
        self._instance = instance
        self._part = part
        self._images: queue.Queue[Image | None] = queue.Queue()
        self._results: queue.Queue[npt.NDArray[np.float32] | Exception] = queue.Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def push(self, image: Image) -> None:
        """Hand an image over."""
        self._images.put(image)

    def pop(self) -> npt.NDArray[np.float32]:
        """Wait for the oldest result."""
        result = self._results.get()
        if isinstance(result, Exception):
            raise result
        return result

    def stop(self) -> None:
        """End the thread."""
        self._images.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (image := self._images.get()) is not None:
            try:
                self._results.put(self._part.run(self._instance, image)[0])
            except Exception as error:  # noqa: BLE001  the main thread raises it
                self._results.put(error)
                return


def run(context: Context, model: Model, part: HostPart, images: Image) -> list[npt.NDArray[np.float32]]:
    """Return the scores of every image, in order."""
    # One connection per instance: instances on one connection would share its first core.
    connections = [context.device_connect(None, 1) for _ in range(WORKERS)]
    workers = [Worker(connection.load_model_instance(model), part) for connection in connections]
    results = []
    for index, image in enumerate(images):
        worker = workers[index % WORKERS]
        if index >= WORKERS:
            results.append(worker.pop())
        worker.push(image)
    left = range(max(0, len(images) - WORKERS), len(images))
    results += [workers[index % WORKERS].pop() for index in left]
    for worker in workers:
        worker.stop()
    return results


def main(model_path: str, images_path: str) -> None:
    with np.load(images_path) as test:
        images, labels = test["images"], test["labels"]
    with Context() as context:
        model = context.load_model(model_path)
        results = run(context, model, HostPart(model, model_path), images)
    correct = sum(int(scores.argmax() == label) for scores, label in zip(results, labels, strict=True))
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
