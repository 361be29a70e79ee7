"""All four cores busy: one thread and one instance per core, frames handed out in turn.

A `run()` blocks until its frame is back, so parallelism comes from threads. The workers are filled first (prefill),
then every frame that comes back is followed by the next one, and at the end they are emptied (drain). Handing out in
turn keeps the results in the order of the frames.

    python examples/worker_threads.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import queue
import sys
import threading

import numpy as np
import numpy.typing as npt
from tensors import load_images, to_buffer, to_real

from axelera.runtime import Context, Model, ModelInstance

WORKERS = 4


class Worker:
    """A thread that runs the frames it is given on an instance of its own."""

    def __init__(self, instance: ModelInstance, output_shape: tuple[int, ...]) -> None:
        self._instance = instance
        self._shape = output_shape
        self._frames: queue.Queue[npt.NDArray[np.int8] | None] = queue.Queue()
        self._results: queue.Queue[npt.NDArray[np.int8] | Exception] = queue.Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def push(self, frame: npt.NDArray[np.int8]) -> None:
        """Hand a frame over."""
        self._frames.put(frame)

    def pop(self) -> npt.NDArray[np.int8]:
        """Wait for the oldest result."""
        result = self._results.get()
        if isinstance(result, Exception):
            raise result
        return result

    def stop(self) -> None:
        """End the thread."""
        self._frames.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (frame := self._frames.get()) is not None:
            output = np.empty(self._shape, np.int8)
            try:
                self._instance.run([frame], [output])
            except Exception as error:  # noqa: BLE001  the main thread raises it
                self._results.put(error)
                return
            self._results.put(output)


def run(context: Context, model: Model, images: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    (input_info,), (output_info,) = model.inputs(), model.outputs()
    # One connection per instance: instances on one connection would share its first core.
    connections = [context.device_connect(None, 1) for _ in range(WORKERS)]
    workers = [Worker(connection.load_model_instance(model), output_info.shape) for connection in connections]
    results = []
    for index, image in enumerate(images):
        worker = workers[index % WORKERS]
        if index >= WORKERS:
            results.append(to_real(worker.pop(), output_info))
        worker.push(to_buffer(image[np.newaxis], input_info))
    left = range(max(0, len(images) - WORKERS), len(images))
    results += [to_real(workers[index % WORKERS].pop(), output_info) for index in left]
    for worker in workers:
        worker.stop()
    return results


def main(model_path: str, images_path: str) -> None:
    images, labels = load_images(images_path)
    with Context() as context:
        results = run(context, context.load_model(model_path), images)
    correct = sum(int(result.argmax() == label) for result, label in zip(results, labels, strict=True))
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    main(*sys.argv[1:])
