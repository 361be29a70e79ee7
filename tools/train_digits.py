"""Train the demo's network on handwritten digits and write everything the demo needs.

Data: "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository,
https://doi.org/10.24432/C50P49, CC BY 4.0), in the copy of 1797 images that scikit-learn ships. Run it with
`pip install "axemu[train]"` and `python tools/train_digits.py`; the result lies in the package `axemu.cli.digits`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import sklearn
import torch
from sklearn.datasets import load_digits
from torch import nn

SEED = 20
EPOCHS = 60
BATCH = 64
TEST_IMAGES = 600
CALIBRATION_IMAGES = 100
TARGET = Path(__file__).resolve().parents[1] / "cli" / "axelera" / "cli" / "digits"


class Residual(nn.Module):
    """Two 3×3 convolutions and a shortcut around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to the same shape."""
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(x + self.second_norm(self.second(y)))


class Digits(nn.Module):
    """(N, 1, 8, 8) images with values 0..1 to (N, 10) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            Residual(32),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            Residual(64),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(64, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.body(x)  # type: ignore[no-any-return]


def train(images: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> Digits:
    """Train on (N, 1, 8, 8) images, shifting each by up to one pixel."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    order = torch.Generator().manual_seed(SEED)
    network = Digits()
    steps = EPOCHS * -(-len(images) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    padded = nn.functional.pad(torch.from_numpy(images), (1, 1, 1, 1))
    targets = torch.from_numpy(labels)
    network.train()
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images), generator=order).split(BATCH):
            top, left = (int(v) for v in torch.randint(0, 3, (2,), generator=order))
            batch = padded[chosen, :, top : top + 8, left : left + 8]
            loss = nn.functional.cross_entropy(network(batch), targets[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def export(network: Digits) -> bytes:
    """Return the network as ONNX with one image per frame."""
    program = torch.onnx.export(
        network,
        (torch.zeros(1, 1, 8, 8),),
        input_names=["image"],
        output_names=["logits"],
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # noqa: S101  torch returns None only for the exporter we do not use
    model = program.model_proto
    for node in model.graph.node:
        node.ClearField("metadata_props")  # stack traces with the paths of whoever trained it
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        value.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    model.doc_string = "Digits network of the demo; trained by tools/train_digits.py"
    onnx.checker.check_model(model, full_check=True)
    buffer = io.BytesIO()
    onnx.save(model, buffer)
    return buffer.getvalue()


def accuracy(network: Digits, images: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    """Return the share of images whose largest logit is the label."""
    with torch.no_grad():
        return float((network(torch.from_numpy(images)).argmax(1).numpy() == labels).mean())


def main() -> None:
    """Train, export, and write network, images and the record of how they were made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=Path, default=TARGET)
    target: Path = parser.parse_args().target
    pixels, labels = load_digits(return_X_y=True)
    raw = pixels.reshape(-1, 8, 8).astype(np.uint8)  # 0..16
    labels = labels.astype(np.int64)
    shuffled = np.random.default_rng(SEED).permutation(len(raw))
    test, rest = shuffled[:TEST_IMAGES], shuffled[TEST_IMAGES:]
    calibration = rest[:CALIBRATION_IMAGES]
    images = (raw[:, None] / 16).astype(np.float32)
    network = train(images[rest], labels[rest])
    model = export(network)
    target.mkdir(parents=True, exist_ok=True)
    (target / "digits.onnx").write_bytes(model)
    np.savez_compressed(target / "test.npz", pixels=raw[test], labels=labels[test].astype(np.uint8))
    np.savez_compressed(
        target / "calibration.npz", pixels=raw[calibration], labels=labels[calibration].astype(np.uint8)
    )
    record = {
        "data": "Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 10.24432/C50P49",
        "data_licence": "CC BY 4.0",
        "data_sha256": hashlib.sha256(raw.tobytes() + labels.astype(np.uint8).tobytes()).hexdigest(),
        "script": "tools/train_digits.py",
        "seed": SEED,
        "epochs": EPOCHS,
        "train_images": len(rest),
        "calibration_images": f"{CALIBRATION_IMAGES} of the training images",
        "test_images": TEST_IMAGES,
        "train_accuracy": round(accuracy(network, images[rest], labels[rest]), 6),
        "test_accuracy": round(accuracy(network, images[test], labels[test]), 6),
        "parameters": sum(p.numel() for p in network.parameters()),
        "onnx_sha256": hashlib.sha256(model).hexdigest(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }
    (target / "digits.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
