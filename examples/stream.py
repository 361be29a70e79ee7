"""A pipeline of operators: frames stream through all four cores, and results come in their order.

What quick_start.py does by hand is one operator, `op.load`; threads, instances and their order are the stream's.

    axemu demo
    python examples/stream.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys

import numpy as np

from axelera.runtime import op


def main(model_path: str, images_path: str) -> None:
    with np.load(images_path) as test:
        images, labels = test["images"], test["labels"]
    pipeline = op.seq(op.load(model_path), op.softmax(), op.ax_classification(), op.top_k(1))
    stream = pipeline.stream(images)
    correct = sum(best.class_id == label for (_, (best,)), label in zip(stream, labels, strict=True))
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
