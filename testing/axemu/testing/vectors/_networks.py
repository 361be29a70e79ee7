"""Small networks whose every layer is known, after the families of well-known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from axemu.testing.vectors._draft import Draft
from axemu.testing.vectors._vector import Vector

FRAMES = 12


def networks() -> Iterator[tuple[str, Callable[[], Vector]]]:
    """Yield the name of every vector of this kind, and what makes it."""
    builders: dict[str, Callable[[Draft], object]] = {
        "network_residual": _residual,
        "network_inverted_residual": _inverted,
        "network_squeeze_excite": _squeeze,
        "network_detector": _detector,
        "network_segmentation": _segmentation,
        "network_dense": _dense,
        "network_fire": _fire,
        "network_inception": _inception,
        "network_transformer": _transformer,
        "network_atrous": _atrous,
        "network_keypoints": _keypoints,
        "network_mixer": _mixer,
    }
    for name, build in builders.items():
        yield name, partial(_made, name, build)


def _made(name: str, build: Callable[[Draft], object]) -> Vector:
    draft = Draft(name)
    build(draft)
    return draft.vector("network", FRAMES)


def _classify(d: Draft, x: str, classes: int = 10) -> str:
    return d.conv(d.avg_pool(x), classes, (1, 1), levels=300)


def _residual(d: Draft) -> None:
    x = d.conv(d.input(16, 16, 3), 16, stride=2, activation="relu")
    for width, stride in ((16, 1), (24, 2)):
        y = d.conv(d.conv(x, width, stride=stride, activation="relu"), width)
        shortcut = x if stride == 1 else d.conv(x, width, (1, 1), stride)
        x = d.add(y, shortcut, "relu")
    _classify(d, x)


def _inverted(d: Draft) -> None:
    x = d.conv(d.input(16, 16, 3), 8, stride=2, activation="relu6")
    for stride in (1, 2):
        y = d.conv(d.conv(x, 24, (1, 1), activation="relu6"), 24, stride=stride, group=24, activation="relu6")
        y = d.conv(y, 8, (1, 1))
        x = d.add(x, y) if stride == 1 else y
    _classify(d, d.conv(x, 24, (1, 1), activation="relu6"))


def _squeeze(d: Draft) -> None:
    x = d.lut(d.conv(d.input(16, 16, 3), 12, stride=2), "silu")
    for _ in range(2):
        y = d.lut(d.conv(d.lut(d.conv(x, 24, (1, 1)), "silu"), 24, group=24), "silu")
        weight = d.conv(d.avg_pool(y), 6, (1, 1), activation="relu", levels=300)
        y = d.mul(y, d.lut(d.conv(weight, 24, (1, 1), levels=300), "sigmoid"))
        x = d.add(d.conv(y, 12, (1, 1)), x)
    _classify(d, x)


def _csp(d: Draft, x: str, width: int) -> str:
    first, second = d.split(d.lut(d.conv(x, width, (1, 1)), "silu"), 2)
    y = d.lut(d.conv(d.lut(d.conv(second, width // 2), "silu"), width // 2), "silu")
    return d.lut(d.conv(d.concat(first, second, d.add(y, second)), width, (1, 1)), "silu")


def _detector(d: Draft) -> None:
    fine = _csp(d, d.lut(d.conv(d.input(24, 24, 3), 12, stride=2), "silu"), 12)
    coarse = _csp(d, d.lut(d.conv(fine, 16, stride=2), "silu"), 16)
    chain = [d.lut(d.conv(coarse, 8, (1, 1)), "silu")]
    for _ in range(3):
        chain.append(d.max_pool(chain[-1], 3, 1, 1))
    coarse = d.lut(d.conv(d.concat(*chain), 16, (1, 1)), "silu")
    fine = _csp(d, d.concat(d.enlarge(coarse), fine), 12)
    for scale in (fine, coarse):
        boxes = d.conv(d.lut(d.conv(scale, 16), "silu"), 32, (1, 1))
        height, width, _ = d.shape(boxes)
        d.conv(d.softmax(d.reshape(boxes, (height * width, 4, 8))), 1, (1, 1), levels=20)
        d.lut(d.conv(d.lut(d.conv(scale, 12), "silu"), 5, (1, 1)), "sigmoid")


def _segmentation(d: Draft) -> None:
    fine = d.conv(d.input(16, 16, 3), 10, activation="relu")
    middle = d.conv(d.max_pool(fine), 14, activation="relu")
    coarse = d.conv(d.max_pool(middle), 18, activation="relu")
    middle = d.conv(d.concat(d.conv_transpose(coarse, 14, 2), middle), 14, activation="relu")
    fine = d.conv(d.concat(d.conv_transpose(middle, 10, 2), fine), 10, activation="relu")
    d.softmax(d.conv(fine, 4, (1, 1)))


def _dense(d: Draft) -> None:
    x = d.max_pool(d.conv(d.input(16, 16, 3), 12, activation="relu"), 3, 2, 1)
    for _ in range(3):
        x = d.concat(x, d.conv(d.conv(d.affine(x, "relu"), 12, (1, 1), activation="relu"), 6))
    _classify(d, d.avg_pool(d.conv(d.affine(x, "relu"), 12, (1, 1)), 2, 2))


def _fire(d: Draft) -> None:
    x = d.max_pool(d.conv(d.input(16, 16, 3), 12, activation="relu"))
    for _ in range(2):
        y = d.conv(x, 6, (1, 1), activation="relu")
        x = d.concat(d.conv(y, 8, (1, 1), activation="relu"), d.conv(y, 8, activation="relu"))
    d.avg_pool(d.conv(x, 10, (1, 1), activation="relu"))


def _inception(d: Draft) -> None:
    x = d.conv(d.input(14, 14, 3), 12, activation="relu")
    for _ in range(2):
        tower = d.conv(d.conv(x, 8, (1, 5), activation="relu"), 8, (5, 1), activation="relu")
        pooled = d.conv(d.avg_pool(x, 3, 1, 1), 6, (1, 1), activation="relu")
        x = d.concat(d.conv(x, 6, (1, 1), activation="relu"), tower, pooled, d.max_pool(x, 3, 1, 1))
    _classify(d, x)


def _transformer(d: Draft) -> None:
    x = d.reshape(d.conv(d.input(16, 16, 3), 16, (4, 4), 4, pads=(0, 0, 0, 0)), (1, 16, 16))
    for _ in range(2):
        normed = d.affine(x)
        query, key, value = (d.conv(normed, 16, (1, 1)) for _ in range(3))
        shares = d.softmax(d.matmul(query, key, transposed=True))
        x = d.add(d.conv(d.matmul(shares, value), 16, (1, 1)), x)
        x = d.add(d.conv(d.lut(d.conv(d.affine(x), 32, (1, 1)), "gelu"), 16, (1, 1)), x)
    _classify(d, x)


def _atrous(d: Draft) -> None:
    x = d.conv(d.conv(d.input(16, 16, 3), 12, stride=2, activation="relu"), 12, dilation=2, activation="relu")
    parts = [
        d.conv(x, 6, (1, 1), activation="relu"),
        *(d.conv(x, 6, dilation=r, activation="relu") for r in (2, 3)),
    ]
    d.interpolate(d.conv(d.conv(d.concat(*parts), 12, (1, 1), activation="relu"), 4, (1, 1)))


def _keypoints(d: Draft) -> None:
    x = d.conv(d.conv(d.input(16, 16, 3), 12, stride=2, activation="relu"), 16, stride=2, activation="relu")
    d.conv(d.conv_transpose(x, 12, activation="relu"), 5, (1, 1))


def _mixer(d: Draft) -> None:
    x = d.lut(d.conv(d.input(16, 16, 3), 16, (4, 4), 4, pads=(0, 0, 0, 0)), "gelu")
    for _ in range(2):
        x = d.affine(d.add(d.lut(d.conv(x, 16, group=16), "gelu"), x))
        x = d.lut(d.conv(x, 16, (1, 1)), "hard_swish")
    _classify(d, x)
