"""Several boards: one context, frames handed out in turn over all boards and cores.

Every core of every board gets a connection, an instance and a thread; frame k goes to thread k mod threads.

    axemu demo
    AXEMU_EMULATOR='boards = 2' python examples/round_robin.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from axelera.runtime import Context, ModelInstance
from axemu.host import HostPart

CORES = 4


def main(model_path: str, images_path: str) -> None:
    with np.load(images_path) as test:
        images, labels = test["images"], test["labels"]
    with Context() as context:
        devices = context.list_devices()
        model = context.load_model(model_path)
        part = HostPart(model, model_path)
        # One connection per instance: instances on one connection would share its first core.
        connections = [
            context.device_connect(devices[index % len(devices)], 1) for index in range(CORES * len(devices))
        ]
        instances = [connection.load_model_instance(model) for connection in connections]

        def share(worker: int, instance: ModelInstance) -> list[int]:
            """Run every frame whose turn it is for this worker."""
            return [int(part.run(instance, image)[0].argmax()) for image in images[worker :: len(instances)]]

        with ThreadPoolExecutor(len(instances)) as pool:
            shares = list(pool.map(share, range(len(instances)), instances))
    answers = [shares[index % len(shares)][index // len(shares)] for index in range(len(images))]
    print(f"{(answers == labels).sum()} of {len(labels)} correct on {len(devices)} boards")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
