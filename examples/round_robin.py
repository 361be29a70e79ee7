"""Several boards: one context, frames handed out in turn over all boards and cores.

AXEMU_EMULATOR='boards = 2' python examples/round_robin.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from tensors import load_images, to_buffer, to_real

from axelera.runtime import Context, ModelInstance

CORES = 4


def main(model_path: str, images_path: str) -> None:
    images, labels = load_images(images_path)
    with Context() as context:
        devices = context.list_devices()
        model = context.load_model(model_path)
        (input_info,), (output_info,) = model.inputs(), model.outputs()
        connections = [
            context.device_connect(devices[index % len(devices)], 1) for index in range(CORES * len(devices))
        ]
        instances = [connection.load_model_instance(model) for connection in connections]

        def share(worker: int, instance: ModelInstance) -> list[npt.NDArray[np.float32]]:
            """Run every frame whose turn it is for this worker."""
            results = []
            for image in images[worker :: len(instances)]:
                output = np.empty(output_info.shape, np.int8)
                instance.run([to_buffer(image[np.newaxis], input_info)], [output])
                results.append(to_real(output, output_info))
            return results

        with ThreadPoolExecutor(len(instances)) as pool:
            shares = list(pool.map(share, range(len(instances)), instances))
    correct = sum(
        int(shares[index % len(shares)][index // len(shares)].argmax() == label)
        for index, label in enumerate(labels)
    )
    print(f"{correct} of {len(labels)} correct on {len(devices)} boards")


if __name__ == "__main__":
    main(*sys.argv[1:])
