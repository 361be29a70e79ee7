"""The demo's network and images: handwritten digits, 8×8 pixels.

The images are "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning
Repository, https://doi.org/10.24432/C50P49), licensed CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/), in a
seeded selection. The network was trained on the others by `tools/train_digits.py`; `digits.json` records how.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Images:
    """Images of digits: `images` float32 (N, 1, 8, 8) with values 0..1 (what the network takes), `labels` (N,)."""

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]


def network() -> bytes:
    """Return the trained network as ONNX: input `image` float32 (1, 1, 8, 8), output `logits` float32 (1, 10)."""
    return (files(__name__) / "digits.onnx").read_bytes()


def _load(name: str) -> Images:
    with as_file(files(__name__) / name) as path, np.load(Path(path), allow_pickle=False) as archive:
        return Images((archive["pixels"][:, None] / 16).astype(np.float32), archive["labels"])


def test_images() -> Images:
    """Return the 600 images that neither training nor calibration has seen."""
    return _load("test.npz")


def calibration_images() -> Images:
    """Return 100 of the training images, for choosing quantisation ranges."""
    return _load("calibration.npz")


__all__ = ["Images", "calibration_images", "network", "test_images"]
