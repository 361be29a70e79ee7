"""The pipeline that belongs to a network: what its task says."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from axelera.runtime import op
from axemu.driver import InvalidArgument
from axemu.driver.bounded import shown
from axemu.host import model_info
from axemu.studies import ZooBuild, compile_zoo
from axemu.zoo import UnknownNetworkError, find

_log = logging.getLogger("axemu.app")
_KEYPOINTS = 17
_DATASETS = {
    "coco": op.CocoClasses,
    "imagenet": op.ImagenetClasses,
    "dotav1": op.DotaClasses,
}


@dataclass(frozen=True, slots=True)
class Described:
    """A compiled model of one core, and what is known of its network.

    Attributes:
        path: its model.json or archive.
        task: a task of `axemu.zoo.Task`.
        classes: number of classes.
        size: height and width of its input, in pixels.
        family: family of YOLO networks, as `op.decode_detections` takes it; empty for others.
        class_type: what a number of a class becomes: an enumeration of labels, or int.
    """

    path: Path
    task: str
    classes: int
    size: tuple[int, int]
    family: str
    class_type: Callable[[int], Any]


def describe(network: str | Path, *, build: Path = Path("build")) -> Described:
    """Return the compiled model that a name or path means; a network of the zoo is compiled when it is not yet.

    Args:
        network: name in the zoo, or a model.json, its directory or an .axm archive with a model_info.json beside or above it.
        build: directory that holds compiled networks of the zoo.

    Raises:
        InvalidArgument: there is no such file or network, or its model_info.json does not say what is needed.
        AxeleraError: the compiler refuses it.
    """
    path = Path(network)
    if not path.exists():
        path = _from_zoo(str(network), build)
    try:
        info = model_info(path)
    except ValueError as error:
        raise InvalidArgument(f"{path}: its model_info.json is damaged: {error}") from error
    task, classes, shape = (info.get(key) for key in ("task", "num_classes", "input_tensor_shape"))
    if not (isinstance(task, str) and _is_count(classes) and _is_shape(shape)):
        raise InvalidArgument(
            f"{path}: no model_info.json with task, num_classes and input_tensor_shape beside or above it; axdownloadmodel "
            "writes one. For a network of your own, put a pipeline of axelera.runtime.op together"
        )
    labels = info.get("labels") or []
    known = _DATASETS.get(str(info.get("dataset")))
    class_type: Callable[[int], Any] = int
    if labels:
        class_type = _labelled(path, labels, classes)
    elif known is not None and len(known) == classes:
        class_type = known
    name = str(info.get("network", ""))
    family = next(
        (one for one in ("yolov8", "yolov9", "yolov10", "yolo11", "yolo26") if name.startswith(one)), ""
    )
    return Described(path, task, classes, (shape[2], shape[3]), family, class_type)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_shape(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and len(value) == 4 and all(_is_count(size) for size in value[2:])


def _labelled(path: Path, labels: object, classes: int) -> Callable[[int], Any]:
    if not isinstance(labels, list) or len(labels) < classes:
        raise InvalidArgument(
            f"{path}: its model_info.json has labels {shown(labels)}; expected a list of {classes} or more, one for each class"
        )
    try:
        return op.classes_of("Classes", [str(label) for label in labels])
    except ValueError as error:
        raise InvalidArgument(f"{path}: labels of its model_info.json: {error}") from error


def _from_zoo(name: str, build: Path) -> Path:
    try:
        network = find(name)
    except UnknownNetworkError as error:
        raise InvalidArgument(f"{shown(name)} is neither a file nor a network of the zoo: {error}") from error
    folder = name.lower() if name.lower() in network.names else network.vendor_name
    wanted = ZooBuild(network, folder, build)
    if not (wanted.directory / "model.json").is_file():
        _log.warning(
            "compiling %s into %s, once: its weights are random numbers", network.title, wanted.directory
        )
        compile_zoo(wanted)
    return wanted.directory / "model.json"


def pipeline(model: Described, *, confidence: float = 0.25, iou: float = 0.45, top: int = 5) -> op.Seq:
    """Return a pipeline from image to objects.

    Args:
        model: what `describe` returned.
        confidence: lowest score of a box.
        iou: overlap above which two boxes are one.
        top: how many classes a classifier names.

    Raises:
        InvalidArgument: nothing is known for the network's task.
    """
    height, width = model.size
    stretched = model.task in ("classification", "segmentation")
    placed = op.Resize(width, height) if stretched else op.Letterbox(width, height)
    after = _after(model, confidence, iou, top)
    # What axdownloadmodel calibrates with: RGB in 0..1.
    return op.seq(op.ColorConvert("RGB", src="BGR"), placed, op.ToTensor(), op.load(model.path), *after)


def _after(model: Described, confidence: float, iou: float, top: int) -> tuple[op.Operator, ...]:
    """Return the operators that follow the network."""
    match model.task:
        case "classification":
            return op.Softmax(), op.AxClassification(model.class_type), op.TopK(top)
        case "detection":
            decode = op.DecodeDetections(model.family or "yolov8", model.classes, confidence)
            return decode, op.Nms(iou), op.ToImageSpace(), op.AxDetection(model.class_type)
        case "keypoints":
            pose = op.DecodePose("yolo11", _KEYPOINTS, confidence)
            points = op.ToImageSpace(keypoint_cols=range(6, 6 + 3 * _KEYPOINTS, 3))
            return pose, op.Nms(iou), points, op.AxPose(_KEYPOINTS)
        case "instance-segmentation":
            return (
                op.DecodeSegmentation("yolo11", model.classes, confidence_threshold=confidence),
                op.par(op.seq(op.Itemgetter(0), op.Nms(iou)), op.Itemgetter(1)),
                op.par(op.seq(op.Pack(), op.Itemgetter(0), op.ToImageSpace()), op.ProtoToMask()),
                op.AxSegmentation(model.class_type),
            )
        case "oriented-detection":
            turned = op.DecodeObb(model.classes, confidence)
            nms, place = op.Nms(iou, box_format="xywhr"), op.ToImageSpace(box_format="xywhr")
            return turned, nms, place, op.AxObb(model.class_type)
        case "segmentation":
            return op.DecodeSemanticSegmentation(model.classes), op.AxSemanticSegmentation()
    raise InvalidArgument(f"{model.path}: nothing is known for the task {model.task!r}")
