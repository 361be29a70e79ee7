"""Write reference_counts.json: sizes of the zoo's networks as other packages build them.

Not a test: run it in an environment of its own that holds torch, torchvision, timm and ultralytics (and yolov5),
from a directory without a checkout of any of them: `python reference_counts.py`.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

# Where torchvision was built for another torch, its compiled operators are missing; no model here calls them, but the
# import asks for their names.
operators = torch.library.Library("torchvision", "FRAGMENT")
for operator in ("nms", "qnms"):
    operators.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import torchvision  # noqa: E402

TORCHVISION = (
    "resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d wide_resnet50_2 squeezenet1_0 squeezenet1_1 "
    "mobilenet_v2 efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 densenet121 "
    "inception_v3 regnet_x_400mf regnet_x_1_6gf regnet_y_400mf regnet_y_1_6gf"
)
TIMM = {
    "resnet10t": ("resnet10t", 224),
    "mobilenetv4_small": ("mobilenetv4_conv_small", 224),
    "mobilenetv4_medium": ("mobilenetv4_conv_medium", 224),
    "mobilenetv4_large": ("mobilenetv4_conv_large", 384),
    "mobilenetv4_aa_large": ("mobilenetv4_conv_aa_large", 384),
}
ULTRALYTICS = (
    ("yolov8", "nsml", ("", "-seg", "-pose", "-obb")),
    ("yolov10", "nsmblx", ("",)),
    ("yolo11", "nsmlx", ("", "-seg", "-pose", "-obb")),
    ("yolo26", "nsmlx", ("", "-seg", "-pose", "-obb", "-cls")),
)


def measure(model: nn.Module, side: int) -> dict[str, int]:
    """Count weights (without biases), operations and layers of convolutions and fully connected layers."""
    total = {"weights": 0, "macs": 0, "layers": 0}

    def seen(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        total["layers"] += 1
        total["weights"] += layer.weight.numel()
        if isinstance(layer, nn.ConvTranspose2d):
            total["macs"] += inputs[0].numel() * layer.weight[0].numel()
        else:
            total["macs"] += output.numel() * layer.weight[0].numel()

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.register_forward_hook(seen)
    with torch.no_grad():
        model.to("meta")(torch.empty(1, 3, side, side, device="meta"))
    return total


def torchvision_model(name: str) -> nn.Module:
    options = {"aux_logits": False, "init_weights": False} if name == "inception_v3" else {}
    return torchvision.models.get_model(name, weights=None, **options).eval()


def timm_model(name: str) -> nn.Module:
    import timm

    return timm.create_model(name, pretrained=False).eval()


def ultralytics_model(file: str) -> nn.Module:
    """Leave the model in training mode: its head then stops before the decoding, which `meta` can't run."""
    from ultralytics.nn import tasks

    kinds = {
        "seg": tasks.SegmentationModel,
        "pose": tasks.PoseModel,
        "obb": tasks.OBBModel,
        "cls": tasks.ClassificationModel,
    }
    kind = kinds.get(file.removesuffix(".yaml").rpartition("-")[2], tasks.DetectionModel)
    model = kind(
        file, verbose=False, nc=1 if kind is tasks.PoseModel else None
    )  # people, whatever the file says
    return as_deployed(model) if hasattr(model.model[-1], "one2one_cv2") else model


def as_deployed(model: nn.Module) -> nn.Module:
    """Leave out what only training uses: parallel kernels, one of the two heads, other outputs of a head."""
    head = model.model[-1]
    head.end2end = False
    model.fuse(verbose=False)
    head.eval()

    def undecoded(maps: list[torch.Tensor]) -> object:
        found = head.forward_head(maps, **head.one2many)
        return found, head.proto(maps) if hasattr(head, "proto") else None

    head.forward = undecoded
    return model


def yolov5_model(name: str) -> nn.Module:
    import yolov5
    from yolov5.models.yolo import Model

    return Model(str(Path(yolov5.__file__).parent / "models" / f"{name}.yaml"))


def main() -> None:
    """Measure all models and write the file."""
    jobs: list[tuple[str, str, int, Callable[[], nn.Module]]] = []
    for name in TORCHVISION.split():
        side = 299 if name == "inception_v3" else 224
        jobs.append((name, "torchvision", side, lambda name=name: torchvision_model(name)))
    for name, (other, side) in TIMM.items():
        jobs.append((name, "timm", side, lambda other=other: timm_model(other)))
    for family, variants, suffixes in ULTRALYTICS:
        for suffix in suffixes:
            for variant in variants if (family, suffix) != ("yolov8", "-obb") else "nl":
                name = f"{family}{variant}{suffix}"
                side = {"-obb": 1024, "-cls": 224}.get(suffix, 640)
                jobs.append((name, "ultralytics", side, lambda name=name: ultralytics_model(f"{name}.yaml")))
    for variant in "nsml":
        name = f"yolov5{variant}"
        jobs.append((name, "yolov5", 640, lambda name=name: yolov5_model(name)))
    rows: dict[str, dict[str, object]] = {}
    for name, package, side, make in jobs:
        try:
            rows[name] = {
                "source": f"{package} {importlib.metadata.version(package)}",
                **measure(make(), side),
            }
        except Exception as problem:  # noqa: BLE001 (one package that cannot be used must not lose the others)
            print(f"{name}: {type(problem).__name__}: {problem}", file=sys.stderr)
    Path(__file__).with_name("reference_counts.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
