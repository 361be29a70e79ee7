"""Which networks there are, and how one is built by name."""

from __future__ import annotations

import difflib
import importlib
import json
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

if TYPE_CHECKING:
    import onnx

Task = Literal[
    "classification", "segmentation", "detection", "instance-segmentation", "keypoints", "oriented-detection"
]


class UnknownNetworkError(KeyError):
    """No network of the zoo has the name that was asked for."""

    def __str__(self) -> str:
        """Return the message without the quotes that `KeyError` adds."""
        return str(self.args[0])


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """One network of the zoo.

    Attributes:
        name: name in the zoo, such as `resnet50`.
        title: name as people write it.
        task: what it is for.
        resolution: height and width of the input in pixels.
        classes: number of classes of the default build.
        source: where the architecture was published.
        dataset: data that trained models of this shape usually come from; part of the vendor's names.
        aliases: other names of the architecture.
        builder: module and function that add the network to a graph.
        options: arguments of that function.
    """

    name: str
    title: str
    task: Task
    resolution: tuple[int, int]
    classes: int
    source: str
    dataset: str
    aliases: tuple[str, ...]
    builder: tuple[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def vendor_name(self) -> str:
        """The name in the form of the vendor's lists, such as `resnet50-imagenet-onnx`."""
        return f"{self.name}-{self.dataset}-onnx"

    @property
    def names(self) -> tuple[str, ...]:
        """All names it is found by: name and aliases, each bare, with the data set, and in the vendor's form."""
        bare = (self.name, *self.aliases)
        return (
            *bare,
            *(f"{name}-{self.dataset}" for name in bare),
            *(f"{name}-{self.dataset}-onnx" for name in bare),
        )

    @property
    def parameters(self) -> int:
        """Number of weights and biases of the fused graph at its default arguments."""
        return _counts()[self.name]["parameters"]

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations per image in convolutions, fully connected layers and matrix products."""
        return _counts()[self.name]["macs"]

    def build(
        self,
        *,
        resolution: Sequence[int] | int | None = None,
        classes: int | None = None,
        width: float = 1.0,
        seed: int = 0,
        structure_only: bool = False,
    ) -> onnx.ModelProto:
        """Build the network as ONNX (opset 17) with seeded random weights.

        Args:
            resolution: height and width of the input; the network's own when None.
            classes: number of classes; the network's own when None.
            width: factor on all channel counts.
            seed: seed of the weights; the same arguments give the same bytes.
            structure_only: leave large weights out (`ConstantOfShape` nodes): for studies of time, not of values.

        Raises:
            ValueError: an argument is no integer, or outside the range the network can be built for.
        """
        from axemu.zoo._graph import Graph  # noqa: PLC0415 (onnx is slow to import, the registry is not)

        height, wide = _sides(self, self.resolution if resolution is None else resolution)
        count = _whole(self, "classes", self.classes if classes is None else classes)
        _check(self, height, wide, count, width)
        start = _whole(self, "seed", seed)
        if start < 0:
            msg = f"{self.name}: seed {seed}: expected 0 or more"
            raise ValueError(msg)
        module, function = self.builder
        build = getattr(importlib.import_module(f"axemu.zoo.{module}"), function)
        graph = Graph(self.name, seed=start, structure_only=structure_only)
        outputs = build(graph, graph.input(3, height, wide), classes=count, width=width, **self.options)
        return graph.finish(outputs)


def _sides(network: Network, resolution: Sequence[int] | int) -> tuple[int, int]:
    """Return height and width as integers, also from NumPy's."""
    sides = tuple(resolution) if isinstance(resolution, Iterable) else (resolution, resolution)
    if len(sides) != 2:
        msg = f"{network.name}: resolution {resolution}: expected height and width, or one number for both"
        raise ValueError(msg)
    return _whole(network, "height", sides[0]), _whole(network, "width", sides[1])


def _whole(network: Network, what: str, number: SupportsIndex) -> int:
    try:
        return operator.index(number)
    except TypeError as error:
        msg = f"{network.name}: {what} {number!r}: expected an integer"
        raise ValueError(msg) from error


def _check(network: Network, height: int, wide: int, classes: int, width: float) -> None:
    step = 16 if network.task == "segmentation" else 32 if network.name.startswith("yolo") else 1
    smallest = 75 if network.name == "inception_v3" else 32
    for side, size in (("height", height), ("width", wide)):
        if not smallest <= size <= 4096 or size % step:
            steps = f" in steps of {step}" if step > 1 else ""
            msg = f"{network.name}: {side} {size} of the input: expected {smallest} to 4096{steps}"
            raise ValueError(msg)
    if not 1 <= classes <= 100_000:
        msg = f"{network.name}: {classes} classes: expected 1 to 100000"
        raise ValueError(msg)
    if not 0.1 <= width <= 4.0:
        msg = f"{network.name}: width factor {width}: expected 0.1 to 4"
        raise ValueError(msg)


@cache
def _counts() -> dict[str, dict[str, int]]:
    """Counts that `python -m axemu.zoo` wrote; a test compares them with the builds."""
    text = resources.files("axemu.zoo").joinpath("counts.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _index() -> dict[str, Network]:
    index: dict[str, Network] = {}
    for network in networks():
        for name in (*network.names, network.title):
            if index.setdefault(_plain(name), network) is not network:
                msg = f"zoo: the name {name} stands for both {index[_plain(name)].name} and {network.name}"
                raise ValueError(msg)
    return index


def _plain(name: str) -> str:
    """The name without capitals and separators: tables write `ResNet-50`, files `resnet50`.

    Numbers stay apart: `regnet_x_1_6gf` is not `regnet_x_16gf`.
    """
    return re.sub(r"(?<!\d)_+|_+(?!\d)", "", re.sub("[-. ]", "_", name.lower()))


def networks() -> tuple[Network, ...]:
    """Return all networks in the order of the catalogue."""
    from axemu.zoo._catalogue import NETWORKS  # noqa: PLC0415

    return NETWORKS


def find(name: str) -> Network:
    """Return the network with a name, alias or title; capitals and the separators `-_. ` do not matter.

    Raises:
        UnknownNetworkError: no network has this name; the message proposes similar ones.
    """
    network = _index().get(_plain(name))
    if network is None:
        known = [other for network in networks() for other in network.names]
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else "`axemu zoo list` prints all names"
        msg = f"no network named {name!r} in the zoo: {hint}"
        raise UnknownNetworkError(msg)
    return network
