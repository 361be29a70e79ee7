"""The catalogue: every network with its default arguments and where its architecture was published."""

from __future__ import annotations

from typing import Any

from axemu.zoo._registry import Network, Task

_RESNET = "arXiv:1512.03385"
_MOBILENET_V4 = "arXiv:2404.10518"
_REGNET = "arXiv:2003.13678"
_SQUEEZENET = "arXiv:1602.07360"


def _classifier(
    name: str,
    title: str,
    source: str,
    function: str,
    options: dict[str, Any] | None = None,
    *,
    aliases: tuple[str, ...] = (),
    side: int = 224,
) -> Network:
    module = {"resnet": "_resnet", "densenet": "_densenet", "regnet": "_regnet"}.get(function, f"_{function}")
    builder = (module, function)
    return Network(
        name, title, "classification", (side, side), 1000, source, "imagenet", aliases, builder, options or {}
    )


def _resnet(
    name: str, title: str, source: str, depths: tuple[int, ...], *aliases: str, **options: Any
) -> Network:
    return _classifier(name, title, source, "resnet", {"depths": depths, **options}, aliases=aliases)


def _regnet(name: str, title: str, alias: str, **options: Any) -> Network:
    return _classifier(name, title, _REGNET, "regnet", options, aliases=(alias,))


def _efficientnet(index: int, width_factor: float, depth_factor: float) -> Network:
    options = {"width_factor": width_factor, "depth_factor": depth_factor}
    aliases = (f"efficientnetb{index}", f"efficientnet-b{index}")
    title, source = f"EfficientNet-B{index}", "arXiv:1905.11946"
    return _classifier(f"efficientnet_b{index}", title, source, "efficientnet", options, aliases=aliases)


_CLASSIFIERS = (
    _resnet("resnet10t", "ResNet-10t", "github.com/huggingface/pytorch-image-models", (1, 1, 1, 1), tiered=True),
    _resnet("resnet18", "ResNet-18", _RESNET, (2, 2, 2, 2)),
    _resnet("resnet34", "ResNet-34", _RESNET, (3, 4, 6, 3)),
    _resnet("resnet50", "ResNet-50 v1.5", _RESNET, (3, 4, 6, 3), bottleneck=True),
    _resnet("resnet101", "ResNet-101", _RESNET, (3, 4, 23, 3), bottleneck=True),
    _resnet("resnet152", "ResNet-152", _RESNET, (3, 8, 36, 3), bottleneck=True),
    _resnet(
        "resnext50_32x4d", "ResNeXt-50 32x4d", "arXiv:1611.05431", (3, 4, 6, 3), "resnext50",
        bottleneck=True, groups=32, group_width=4,
    ),
    _resnet(
        "wide_resnet50_2", "Wide ResNet-50-2", "arXiv:1605.07146", (3, 4, 6, 3), "wide_resnet50",
        bottleneck=True, group_width=128,
    ),
    _classifier(
        "squeezenet1_0", "SqueezeNet 1.0", _SQUEEZENET, "squeezenet",
        {"stem": (96, 7), "pool_before": (0, 3, 7)}, aliases=("squeezenet1.0",),
    ),
    _classifier(
        "squeezenet1_1", "SqueezeNet 1.1", _SQUEEZENET, "squeezenet",
        {"stem": (64, 3), "pool_before": (0, 2, 4)}, aliases=("squeezenet1.1",),
    ),
    _classifier("mobilenet_v2", "MobileNetV2", "arXiv:1801.04381", "mobilenet_v2", aliases=("mobilenetv2",)),
    *(
        _classifier(
            f"mobilenetv4_{name}", f"MobileNetV4-{name}", _MOBILENET_V4, "mobilenet_v4",
            {"variant": name.removeprefix("aa_"), "anti_aliased": name.startswith("aa_")},
            aliases=(f"mobilenet_v4_{name}",), side=384 if "large" in name else 224,
        )
        for name in ("small", "medium", "large", "aa_large")
    ),
    _efficientnet(0, 1.0, 1.0),
    _efficientnet(1, 1.0, 1.1),
    _efficientnet(2, 1.1, 1.2),
    _efficientnet(3, 1.2, 1.4),
    _efficientnet(4, 1.4, 1.8),
    _classifier("densenet121", "DenseNet-121", "arXiv:1608.06993", "densenet", {"depths": (6, 12, 24, 16)}),
    Network(
        "inception_v3", "Inception v3", "classification", (299, 299), 1000, "arXiv:1512.00567", "imagenet",
        ("inceptionv3",), ("_inception", "inception_v3"),
    ),
    _regnet(
        "regnet_x_400mf", "RegNetX-400MF", "regnetx_400mf",
        depth=22, start=24, slope=24.48, ratio=2.54, group=16,
    ),
    _regnet(
        "regnet_x_1_6gf", "RegNetX-1.6GF", "regnetx_1_6gf",
        depth=18, start=80, slope=34.01, ratio=2.25, group=24,
    ),
    _regnet(
        "regnet_y_400mf", "RegNetY-400MF", "regnety_400mf",
        depth=16, start=48, slope=27.89, ratio=2.09, group=8, gated=True,
    ),
    _regnet(
        "regnet_y_1_6gf", "RegNetY-1.6GF", "regnety_1_6gf",
        depth=27, start=48, slope=20.71, ratio=2.65, group=24, gated=True,
    ),
    Network(
        "unet", "U-Net", "segmentation", (256, 256), 19, "arXiv:1505.04597", "cityscapes", (), ("_unet", "unet")
    ),
)  # fmt: skip

# suffix: builder's task, task, data set, side of the input, classes
_YOLO_TASKS: dict[str, tuple[str, Task, str, int, int]] = {
    "": ("detect", "detection", "coco", 640, 80),
    "-seg": ("segment", "instance-segmentation", "coco", 640, 80),
    "-pose": ("pose", "keypoints", "coco", 640, 1),
    # The published architecture counts 80 classes; models trained on DOTA have 15 (`classes=15`).
    "-obb": ("obb", "oriented-detection", "dotav1", 1024, 80),
    "-cls": ("classify", "classification", "imagenet", 224, 1000),
}
_ULTRALYTICS = "github.com/ultralytics/ultralytics"


def _yolo(family: str, title: str, variant: str, suffix: str) -> Network:
    builder_task, task, dataset, side, classes = _YOLO_TASKS[suffix]
    name = f"{family}{variant}{suffix}"
    options = {"variant": variant, "task": builder_task}
    aliases = (name.replace("-", ""),) if suffix else ()
    label = f"{title}{variant}{suffix}"
    builder = ("_yolo" if family == "yolov8" else f"_{family}", family)
    return Network(name, label, task, (side, side), classes, _ULTRALYTICS, dataset, aliases, builder, options)


_DETECTORS = (
    *(
        Network(
            f"yolov5{variant}", f"YOLOv5{variant}", "detection", (640, 640), 80, "doi:10.5281/zenodo.3908559", "coco",
            (f"yolov5{variant}-v7",), ("_yolo", "yolov5"), {"variant": variant},
        )
        for variant in "nsml"
    ),
    *(
        _yolo("yolov8", "YOLOv8", variant, suffix)
        for suffix, variants in (("", "nsml"), ("-seg", "nsml"), ("-pose", "nsml"), ("-obb", "nl"))
        for variant in variants
    ),
    *(
        Network(
            f"yolov10{variant}", f"YOLOv10{variant}", "detection", (640, 640), 80, "arXiv:2405.14458", "coco", (),
            ("_yolov10", "yolov10"), {"variant": variant},
        )
        for variant in "nsmblx"
    ),
    *(
        _yolo("yolo11", "YOLO11", variant, suffix)
        for suffix in ("", "-seg", "-pose", "-obb")
        for variant in "nsmlx"
    ),
    *(_yolo("yolo26", "YOLO26", variant, suffix) for suffix in _YOLO_TASKS for variant in "nsmlx"),
)  # fmt: skip

NETWORKS: tuple[Network, ...] = (*_CLASSIFIERS, *_DETECTORS)
