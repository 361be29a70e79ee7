"""Anchor-free detection heads as exporters write them, for boxes, masks, key points and rotated boxes.

The convolutions come first; what follows the last of them decodes in pixels and usually belongs to the host.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from axemu.zoo._blocks import conv_silu
from axemu.zoo._emitter import Value
from axemu.zoo._graph import STD, Graph

BINS = 16
MASKS = 32
KEYPOINTS = (17, 3)
UNCERTAINTIES = 2  # per key point, which only training reads but which widen the layers before them (YOLO26)
STRIDES = (8, 16, 32)


@dataclass(frozen=True, slots=True)
class Grid:
    """Centres of the cells of all levels, in cells, and the size of a cell, in pixels.

    `centres_flat` is what key points count from: the same without the batch axis, or the cells' corners.
    """

    centres: Value
    centres_flat: Value
    strides: Value


def _grid(g: Graph, features: Sequence[Value], corner: float) -> Grid:
    centres, strides = [], []
    for feature, stride in zip(features, STRIDES, strict=True):
        height, width = feature.shape[2:]
        rows, columns = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
        centres.append(np.stack([columns.ravel(), rows.ravel()]))
        strides.append(np.full((1, height * width), float(stride)))
    cells = np.concatenate(centres, axis=1).astype(np.float32)
    return Grid(
        centres=g.constant(cells[None], "anchors"),
        centres_flat=g.constant(cells - np.float32(corner), "anchors_corner"),
        strides=g.constant(np.concatenate(strides, axis=1).astype(np.float32), "strides"),
    )


def _levels(g: Graph, maps: Sequence[Value]) -> Value:
    """Join the maps of all levels: `[1, c, cells]`."""
    return g.concat([g.reshape(item, 1, item.channels, -1) for item in maps], axis=-1)


def _tower(g: Graph, x: Value, inner: int, channels: int, *, std: float, shift: float = 0.0) -> Value:
    y = conv_silu(g, conv_silu(g, x, inner, 3), inner, 3)
    return g.conv(y, channels, std=std, shift=shift)


def _light_tower(g: Graph, x: Value, inner: int, channels: int, *, std: float, shift: float = 0.0) -> Value:
    for _ in range(2):
        x = conv_silu(g, conv_silu(g, x, x.channels, 3, groups=x.channels), inner)
    return g.conv(x, channels, std=std, shift=shift)


def _last(channels: int, level: int) -> tuple[float, float]:
    """Deviation and mean bias of a tower's last layer: one channel varies little, so its levels differ."""
    return (2.0, (-4.0, 0.0, 4.0)[level]) if channels == 1 else (STD, 0.0)


def _distances(g: Graph, boxes: Value) -> Value:
    """Turn logits over bins into expected distances `[1, 4, cells]`, in cells."""
    cells = boxes.shape[-1]
    probabilities = g.softmax(g.transpose(g.reshape(boxes, 1, 4, BINS, cells), 0, 2, 1, 3), 1)
    bins = g.constant(np.arange(BINS, dtype=np.float32).reshape(1, BINS, 1, 1), "bins")
    expected = g.node(
        "Conv",
        [probabilities, bins],
        [(1, 1, 4, cells)],
        probabilities.sample * BINS,
        dilations=[1, 1],
        group=1,
        kernel_shape=[1, 1],
        pads=[0, 0, 0, 0],
        strides=[1, 1],
    )[0]
    return g.reshape(expected, 1, 4, cells)


def _boxes(g: Graph, distances: Value, grid: Grid) -> Value:
    """Centre and size from the distances to the four sides, in pixels."""
    near = g.sub(grid.centres, g.slice(distances, 0, 2))
    far = g.add(grid.centres, g.slice(distances, 2, 4))
    centre = g.div(g.add(near, far), g.number(2.0))
    return g.mul(g.concat([centre, g.sub(far, near)]), grid.strides)


def _rotated_boxes(g: Graph, distances: Value, angle: Value, grid: Grid) -> Value:
    near, far = g.split(distances, [2, 2])
    cosine, sine = g.unary("Cos", angle), g.unary("Sin", angle)
    x, y = g.split(g.div(g.sub(far, near), g.number(2.0)), [1, 1])
    across = g.sub(g.mul(x, cosine), g.mul(y, sine))
    along = g.add(g.mul(x, sine), g.mul(y, cosine))
    centre = g.add(g.concat([across, along]), grid.centres)
    return g.mul(g.concat([centre, g.add(near, far)]), grid.strides)


def _keypoints(g: Graph, points: Value, grid: Grid, *, doubled: bool) -> Value:
    count, values = KEYPOINTS
    triples = g.reshape(points, 1, count, values, -1)
    place, seen = g.slice(triples, 0, 2, axis=2), g.slice(triples, 2, 3, axis=2)
    if doubled:
        place = g.mul(place, g.number(2.0))
    place = g.mul(g.add(place, grid.centres_flat), grid.strides)
    return g.reshape(g.concat([place, g.sigmoid(seen)], axis=2), 1, count * values, -1)


def _prototypes(g: Graph, x: Value, inner: int) -> Value:
    """Mask prototypes `[1, 32, h/4, w/4]`."""
    y = g.conv_transpose(conv_silu(g, x, inner, 3), inner)
    return conv_silu(g, conv_silu(g, y, inner, 3), MASKS)


def _fused(g: Graph, features: Sequence[Value], inner: int) -> Value:
    """Add the coarser maps to the finest, enlarged (YOLO26)."""
    finest = features[0]
    whole = finest
    for level, feature in enumerate(features[1:], start=1):
        with g.scope("refine", level):
            part = conv_silu(g, feature, finest.channels)
            whole = g.add(whole, g.upsample(part, 2**level))
    with g.scope("fuse"):
        return conv_silu(g, whole, inner, 3)


def head(
    g: Graph,
    features: Sequence[Value],
    *,
    task: str,
    classes: int,
    prototypes: int,
    light: bool,
    direct: bool = False,
) -> list[Value]:
    """Build the head on the three feature maps.

    Args:
        g: graph to add to.
        features: maps at strides 8, 16 and 32.
        task: `detect`, `segment`, `pose` or `obb`.
        classes: number of classes.
        prototypes: inner channels of the mask branch.
        light: class towers of depthwise and 1×1 layers (from YOLOv10 on) instead of 3×3 ones (YOLOv8).
        direct: distances, key points and angles are what the layers give, without bins, doubling or sigmoid, and masks
            see all three maps (YOLO26).

    Returns:
        `[1, 4 + classes + extra, cells]`, and the mask prototypes for `segment`.
    """
    narrow, bins = features[0].channels, 1 if direct else BINS
    box_inner, class_inner = max(16, narrow // 4, 4 * bins), max(narrow, min(classes, 100))
    extra = {"segment": MASKS, "pose": math.prod(KEYPOINTS), "obb": 1}.get(task, 0)
    extra_inner = max(narrow // 4, extra)
    if direct and task == "pose":
        extra_inner = max(narrow // 4, extra + KEYPOINTS[0] * UNCERTAINTIES)
    towers: dict[str, list[Value]] = {"box": [], "class": [], "extra": []}
    class_tower = _light_tower if light else _tower
    box_std, box_shift = (STD, STD) if direct else (3.0, 0.0)
    for level, feature in enumerate(features):
        with g.scope("head", "box", level):
            towers["box"].append(_tower(g, feature, box_inner, 4 * bins, std=box_std, shift=box_shift))
        with g.scope("head", "class", level):
            std, shift = _last(classes, level)
            towers["class"].append(class_tower(g, feature, class_inner, classes, std=std, shift=shift))
        if extra:
            with g.scope("head", task, level):
                std, shift = _last(extra, level)
                towers["extra"].append(_tower(g, feature, extra_inner, extra, std=std, shift=shift))
    with g.scope("head", "decode"):
        grid = _grid(g, features, corner=0.0 if direct else 0.5)
        boxes = _levels(g, towers["box"])
        distances = boxes if direct else _distances(g, boxes)
        scores = g.sigmoid(_levels(g, towers["class"]))
        if task == "obb":
            angle = _levels(g, towers["extra"])
            if not direct:
                angle = g.mul(g.sub(g.sigmoid(angle), g.number(0.25)), g.number(math.pi))
            return [g.concat([_rotated_boxes(g, distances, angle, grid), scores, angle])]
        parts = [_boxes(g, distances, grid), scores]
        if task == "pose":
            parts.append(_keypoints(g, _levels(g, towers["extra"]), grid, doubled=not direct))
        if task != "segment":
            return [g.concat(parts)]
        outputs = [g.concat([*parts, _levels(g, towers["extra"])])]
    with g.scope("head", "proto"):
        finest = _fused(g, features, prototypes) if direct else features[0]
        return [*outputs, _prototypes(g, finest, prototypes)]
