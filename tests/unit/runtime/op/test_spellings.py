"""Names by which programs of releases 1.6 to 1.8 call operators, as their documents and examples do."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import numpy as np
import pytest

from axelera.runtime import NotImplemented, op  # noqa: A004

JOINED = [
    "totensor",
    "centercrop",
    "croproi",
    "colorconvert",
    "foreach",
    "topk",
    "axdetection",
    "axpose",
    "axclassification",
    "axsegmentation",
    "toimage",
    "todtype",
    "linearscaling",
    "toimagespace",
    "prototomask",
    "decodedetections",
]


@pytest.mark.parametrize("name", JOINED)
def test_names_of_release_1_6_join_words(name: str) -> None:
    found = getattr(op, name)
    assert isinstance(found, type)
    assert issubclass(found, op.Operator)


def test_every_operator_is_a_class_with_an_alias_in_snake_case() -> None:
    aliases = {value for name, value in vars(op).items() if name.islower() and isinstance(value, type)}
    classes = {value for name, value in vars(op).items() if name[0].isupper() and isinstance(value, type)}
    operators = {one for one in classes if issubclass(one, op.Operator)} - {op.Operator, op.LoadedSeq}
    assert operators - aliases == {op.Constant, op.Identity}  # whose aliases are functions as well
    assert op.ItemGetter is op.select is op.itemgetter


PUBLISHED: dict[str, dict[str, Any]] = {
    "resize": {"width": 0, "height": 0, "size": 0, "half_pixel_centers": True, "interpolation": "bilinear"},
    "center_crop": {"size": ...},
    "letterbox": {"width": ..., "height": ..., "fill_color": (114, 114, 114)},
    "color_convert": {"dst": ..., "src": None},
    "to_tensor": {},
    "to_image_tensor": {},
    "to_dtype": {"dtype": np.float32, "scale": False},
    "normalize": {"mean": ..., "std": ..., "layout": "CHW"},
    "linear_scaling": {"scale": ..., "shift": (0.0,), "layout": "CHW"},
    "contrast_normalize": {},
    "crop_roi": {"property": None, "indices": None, "format": op.CoordFormat.XYXY},
    "crop_rotated_roi": {},
    "decode_detections": {
        "algo": ..., "num_classes": ..., "confidence_threshold": 0.25, "max_boxes_pre_nms": 30000, "input_format": "auto",
    },
    "decode_obb": {"num_classes": ..., "confidence_threshold": 0.25, "max_boxes_pre_nms": 30000},
    "decode_pose": {
        "algo": ..., "num_keypoints": ..., "confidence_threshold": 0.25, "max_boxes_pre_nms": 30000,
        "input_format": "auto",
    },
    "decode_segmentation": {
        "algo": ..., "num_classes": ..., "num_mask_coeffs": 32, "confidence_threshold": 0.25, "max_boxes_pre_nms": 30000,
        "input_format": "auto",
    },
    "decode_semantic_segmentation": {"num_classes": ...},
    "nms": {
        "iou_threshold": 0.45, "class_agnostic": False, "max_boxes": 300, "backend": "opencv", "box_format": "xyxy",
    },
    "to_image_space": {"box_cols": (0, 4), "box_format": "xyxy", "keypoint_cols": None},
    "proto_to_mask": {"mask_threshold": 0.5, "num_mask_coeffs": 32},
    "softmax": {},
    "top_k": {"k": ..., "dim": None, "largest": True, "sorted": True},
    "ax_detection": {"class_id_type": int},
    "ax_obb": {"class_id_type": int},
    "ax_pose": {"num_keypoints": 17, "keypoint_names": None, "class_id_type": int},
    "ax_segmentation": {"class_id_type": int},
    "ax_classification": {"class_id_type": int},
    "ax_depth_map": {},
    "ax_semantic_segmentation": {},
    "filter": {"class_ids": None, "min_score": None, "fn": None},
    "onnx_model": {"path": ..., "provider": None, "name": ""},
    "itemgetter": {"index": ...},
    "pack": {},
    "unpack": {},
}  # fmt: skip
"""Parameters and defaults of the vendor's API pages of release 1.7, in their order; `...` has none."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_defaults_are_the_published_ones(name: str) -> None:
    parameters = inspect.signature(getattr(op, name)).parameters.values()
    found = {one.name: ... if one.default is inspect.Parameter.empty else one.default for one in parameters}
    assert list(found.items()) == list(PUBLISHED[name].items())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("decode_retina_face", "parameters are not published"),
        ("DecodeLprnet", "alphabet"),
        ("decode_lprnet", "alphabet"),
        ("ax_embedding", "Embedding"),
        ("match_gallery", "gallery"),
        ("classify", "use softmax, ax_classification and top_k"),
    ],
)
def test_operators_of_which_only_the_name_is_published_say_so(name: str, reason: str) -> None:
    with pytest.raises(NotImplemented, match=rf"op\.{name} is not here: .*{reason}"):
        getattr(op, name)(1, two=2)


def test_a_name_that_is_none_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'swirl'"):
        op.swirl  # noqa: B018


def imported(line: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(line, space)  # noqa: S102  a line of this page
    return space


@pytest.mark.parametrize(
    "line", ["op, cv, display", "op, display", "op", "scheduler", "Image", "op, cv, display, scheduler"]
)
def test_import_lines_of_published_programs(line: str) -> None:
    assert imported(f"from axelera.runtime import {line}").keys() >= {*line.split(", ")}


def test_the_implementing_package_has_the_same_objects() -> None:
    found = imported(
        "from axelera.runtime2 import op; from axelera.runtime2.img import Image; import axelera.runtime as rt"
    )
    assert found["op"] is op
    assert found["Image"] is found["rt"].Image is importlib.import_module("axelera.runtime.cv").Image
