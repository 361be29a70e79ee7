"""How close layers come to what the CPU can do: a roofline of networks, with limits measured on the same CPU.

    python benchmarks/roofline.py [NETWORK...] [--path avx2] [--top 10] [--prepared FOLDER] [--write]

A layer cannot take less time than its products and its results at the rates of loops that do nothing else, nor than its
bytes at the rate of the cache they lie in. Products and results are added up, as both keep the vector units busy. Stages
are timed as in `stages.py`.
"""

from __future__ import annotations

import argparse
import logging
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from _limits import Limits
from _limits import measure as limits_of
from _measure import machine, replace_section
from networks import OURS, SETS, prepare
from stages import profile

from axemu import zoo
from axemu.emulator.compute import available_paths
from axemu.emulator.compute._arena import assign_groups
from axemu.emulator.compute._compiled import assemble
from axemu.emulator.compute.ops.conv.arguments import PairTiles
from axemu.model.program import Node, Program

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"
LAST_LEVEL = 3
"""Of the caches: weights are no longer in those before it when a frame comes back to them."""


@dataclass
class Layer:
    """A convolution with what its kernel calls, or another stage; or several layers alike."""

    name: str
    products: int = 0
    """Of bytes, those that the network asks for."""
    depthwise: bool = False
    results: int = 0
    weights: int = 0
    """Bytes of them as packed."""
    activations: int = 0
    """Bytes read and written."""
    wide: float = 0
    """Products that are not made in pairs of bytes."""
    count: int = 1
    microseconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(OURS, 0.0))

    def parts(self, limits: Limits, numerics: str) -> dict[str, float]:
        """Return the least microseconds for products, results and bytes."""
        rate = limits.other_products if self.depthwise else limits.products
        near, far = limits.bytes[2], limits.bytes[LAST_LEVEL]
        return {
            "products": 1e6 * self.products / rate,
            "results": 1e6 * self.results / limits.results[numerics],
            "bytes": 1e6 * (self.weights / far + self.activations / near),
        }

    def least(self, limits: Limits, numerics: str) -> float:
        """Return the microseconds that it cannot be faster than."""
        parts = self.parts(limits, numerics)
        return max(parts["products"] + parts["results"], parts["bytes"])

    def joined(self, other: Layer) -> Layer:
        """Return two layers alike as one."""
        return Layer(
            self.name,
            self.products + other.products,
            self.depthwise,
            self.results + other.results,
            self.weights + other.weights,
            self.activations + other.activations,
            self.wide + other.wide,
            self.count + other.count,
            {numerics: self.microseconds[numerics] + other.microseconds[numerics] for numerics in OURS},
        )


def layers_of(program: Program, path: str, passes: int) -> list[Layer]:
    """Return the layers in their order."""
    found: dict[Any, Layer] = {}
    times = profile(program, path, passes)
    for numerics in OURS:
        assembler = assemble(program, numerics, path, 1, ())
        assign_groups(assembler.stages)
        nodes = {
            _place(assembler.view(node.output)): node
            for node in program.nodes
            if node.op == "conv" and node.name not in assembler.analysis.fused
        }
        for number, (stage, (kernel, _, microseconds)) in enumerate(
            zip(assembler.stages, times[numerics], strict=True)
        ):
            node = (
                nodes.get(_place(stage.writes[0]))
                if stage.writes and hasattr(stage.arguments, "weights")
                else None
            )
            key = node.name if node else (number, kernel)
            if key not in found:
                found[key] = _convolution(program, node, assembler.epilogue(node)) if node else Layer(kernel)
                found[key].activations = sum(math.prod(view.shape) for view in (*stage.reads, *stage.writes))
            layer = found[key]
            layer.microseconds[numerics] += microseconds
            if numerics == OURS[0]:
                _add_weights(layer, stage.arguments)
    return list(found.values())


def _place(view: Any) -> tuple[int, int, tuple[int, ...]]:
    return id(view.buffer), view.start, view.shape


def _convolution(program: Program, node: Node, epilogue: list[Node]) -> Layer:
    source, output = program.tensors[node.inputs[0]].shape, program.tensors[node.output].shape
    weight = program.constants[node.constants["weight"]]
    outputs, rows, columns, depth = weight.shape
    group = source[2] // depth
    stride = node.attributes.get("strides", (1, 1))[0]  # type: ignore[index]
    kind = "depthwise " if group == source[2] > 1 else f"{group} groups " if group > 1 else ""
    channels = str(outputs) if group == outputs else f"{source[2]}→{outputs}"
    name = f"{kind}{rows}×{columns}{f'/{stride}' if stride > 1 else ''} {channels} @{output[0]}×{output[1]}"
    name += "".join(f" + {after.op}" for after in epilogue)
    pixels = output[0] * output[1]
    return Layer(name, pixels * weight.size, kind == "depthwise ", pixels * outputs)


def _add_weights(layer: Layer, arguments: Any) -> None:
    """Count the packed weights of a stage, and how many of its products do not fit pairs."""
    for name in ("weights", "wide_weights"):
        if hasattr(arguments, name):
            layer.weights += getattr(arguments, name).array.nbytes
    if isinstance(arguments, PairTiles):
        wide, pairs = (int(getattr(arguments, name).array[-1]) for name in ("first_wide", "first_steps"))
        layer.wide += layer.products * wide / max(1, wide + pairs)


def alike(layers: list[Layer]) -> list[Layer]:
    """Return one layer for each name."""
    found: dict[str, Layer] = {}
    for layer in layers:
        found[layer.name] = found[layer.name].joined(layer) if layer.name in found else layer
    return list(found.values())


def limit_table(limits: Limits, path: str, passes: int) -> Iterator[str]:
    yield f"Measured on {machine()}; path `{path}`, one thread, median of {passes} passes; limits are the best of several measurements."
    yield ""
    yield "| limit of this CPU on this path | |"
    yield "|---|---|"
    yield f"| dense products, 10⁹/s | {limits.products / 1e9:.1f} |"
    yield f"| depthwise products, 10⁹/s | {limits.other_products / 1e9:.1f} |"
    for numerics, rate in limits.results.items():
        yield f"| results in `{numerics}`, 10⁹/s | {rate / 1e9:.1f} |"
    for level, rate in limits.bytes.items():
        yield f"| level {level} cache, GB/s | {rate / 1e9:.0f} |"


def total_table(networks: dict[str, list[Layer]], limits: Limits) -> Iterator[str]:
    yield "| network | numerics | stages ms | products ms | results ms | bytes ms | limit ms | **limit / stages** | of convolutions |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, layers in networks.items():
        for numerics in OURS:
            parts = [layer.parts(limits, numerics) for layer in layers]
            taken = [layer.microseconds[numerics] for layer in layers]
            least = [layer.least(limits, numerics) for layer in layers]
            dense = np.array([layer.products > 0 for layer in layers])
            sums = (sum(part[what] for part in parts) for what in ("products", "results", "bytes"))
            yield (
                f"| {zoo.find(name).title} | {numerics} | {sum(taken) / 1e3:.2f} | "
                + " | ".join(f"{value / 1e3:.2f}" for value in sums)
                + f" | {sum(least) / 1e3:.2f} | **{sum(least) / sum(taken):.0%}** |"
                f" {np.dot(least, dense) / np.dot(taken, dense):.0%} |"
            )


def layer_table(layers: list[Layer], limits: Limits, top: int) -> Iterator[str]:
    """Yield the layers that lose most time to their limit in `metis`, and the rest."""
    yield "| layer | number | 10⁶ products | kB | exact µs | metis µs | limit µs | **exact** | **metis** | not in pairs |"
    yield "|---" * 10 + "|"
    ranked = sorted(
        alike(layers), key=lambda layer: layer.least(limits, "metis") - layer.microseconds["metis"]
    )
    for layer in ranked[:top]:
        yield _row(layer.name, [layer], limits)
    if rest := ranked[top:]:
        yield _row("the rest", rest, limits)


def _row(name: str, layers: list[Layer], limits: Limits) -> str:
    products = sum(layer.products for layer in layers)
    taken = [sum(layer.microseconds[numerics] for layer in layers) for numerics in OURS]
    least = [sum(layer.least(limits, numerics) for layer in layers) for numerics in OURS]
    dense = sum(layer.products for layer in layers if not layer.depthwise)
    cells = [
        name,
        str(sum(layer.count for layer in layers)),
        f"{products / 1e6:.0f}",
        f"{sum(layer.weights + layer.activations for layer in layers) / 1e3:.0f}",
        *(f"{value:.0f}" for value in (*taken, least[-1])),
        *(f"**{limit / time:.0%}**" for limit, time in zip(least, taken, strict=True)),
        f"{sum(layer.wide for layer in layers) / dense:.0%}" if dense else "",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=SETS["networks"], help="names of the zoo")
    parser.add_argument("--path", default=available_paths()[0], choices=available_paths())
    parser.add_argument("--passes", type=int, default=25)
    parser.add_argument("--top", type=int, default=10, help="layers to list")
    parser.add_argument("--prepared", type=Path, help="folder that keeps quantised networks")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    networks = {
        name: layers_of(
            prepare(name, slow=False, folder=arguments.prepared).program, arguments.path, arguments.passes
        )
        for name in arguments.networks
    }
    limits = limits_of(arguments.path)
    lines = [*limit_table(limits, arguments.path, arguments.passes), "", *total_table(networks, limits)]
    for name, layers in networks.items():
        lines += ["", f"{zoo.find(name).title}:", "", *layer_table(layers, limits, arguments.top)]
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        replace_section(PAGE, "roofline", text)


if __name__ == "__main__":
    main()
