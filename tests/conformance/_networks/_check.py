"""One network through the compiler and every compute path, against ONNX Runtime and the specification."""

from __future__ import annotations

import re
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from tests.conformance._networks._bound import FloatNetwork, Frame

from axelera import compiler
from axelera.compiler import (
    AxeleraQuantizedModel,
    CompilerConfig,
    CompilerError,
    MemoryPlanError,
    UnsupportedModelError,
)
from axelera.compiler.config import QuantizationScheme
from axemu.emulator.compute import available_paths, load
from axemu.model.ops import execute

NUMERICS = ("metis", "exact")
FRAMES = 3
"""Calibration samples, which are the samples that are compared."""

DOCUMENTED = (
    "no operator is left for the chip",
    "which the chip does not return",
    "does not depend on anything the chip computes",
)
"""What a ModelError says about networks that are good ONNX; any other says that the compiler cannot read one."""


class Verdict(StrEnum):
    """What came of a network."""

    RIGHT = "right"
    REFUSED = "refused"
    WRONG = "wrong"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict and its reasons: the rules that refused a network, or what was wrong with it.

    `margin` is the largest error of an output as a share of its bound.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    margin: float = 0.0

    @property
    def failed(self) -> bool:
        return self.verdict in (Verdict.WRONG, Verdict.CRASHED)

    def __str__(self) -> str:
        return ": ".join((self.verdict, "; ".join(self.reasons)))


class Wrong(Exception):  # noqa: N818  a finding, not a fault of this program
    """A value or shape that is not what the float network or the specification says."""


def samples(model: onnx.ModelProto, count: int = FRAMES, seed: int = 1) -> list[Frame]:
    """Return samples for the inputs of a model, of the kind that its graph is named after, else normal ones."""
    numbers = np.random.default_rng(seed)
    shapes = {
        value.name: [extent.dim_value for extent in value.type.tensor_type.shape.dim]
        for value in model.graph.input
    }

    def array(shape: Sequence[int]) -> npt.NDArray[np.float32]:
        normal = numbers.standard_normal(shape)
        kinds = {
            "unit": numbers.uniform(0, 1, shape),
            "image": np.floor(numbers.uniform(0, 256, shape)),
            "negative": -np.abs(normal),
            "small": 1e-3 * normal,
        }
        return kinds.get(model.graph.name, normal).astype(np.float32)

    return [{name: array(shape) for name, shape in shapes.items()} for _ in range(count)]


def check(
    model: onnx.ModelProto,
    *,
    paths: Sequence[str] | None = None,
    frames: Sequence[Frame] | None = None,
    sound: bool = True,
) -> Outcome:
    """Compile a network in every scheme and run it in both numerics on every path.

    Args:
        model: a valid network that ONNX Runtime runs.
        paths: compute paths, by default all that this CPU has.
        frames: what the network is calibrated and compared on, by default normal samples.
        sound: the compiler may refuse the network by a rule only, not as one that is damaged or not understood.

    Returns:
        What came of it. Nothing is raised for the compiler's faults; a compiled network that ONNX Runtime cannot run is
        an error here.
    """
    frames = samples(model) if frames is None else frames
    quantised: dict[QuantizationScheme, AxeleraQuantizedModel] = {}
    scheme = None
    try:
        for scheme in QuantizationScheme:
            config = CompilerConfig(quantization_scheme=scheme)
            quantised[scheme] = compiler.quantize(model, iter(frames), config)
            if len(quantised) > 1:
                continue  # the directory does not depend on the scheme
            with tempfile.TemporaryDirectory(prefix="network-") as folder:
                compiler.compile(quantised[scheme], config, Path(folder) / "model")
    except CompilerError as error:
        rules = rules_of(error, sound=sound)
        if quantised or rules is None:  # what one scheme takes, the others take too
            return Outcome(Verdict.CRASHED, (f"{scheme}: {type(error).__name__}: {error}",))
        return Outcome(Verdict.REFUSED, rules)
    except Exception as error:  # noqa: BLE001  whatever the compiler raises is what is looked for
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        return Outcome(Verdict.CRASHED, (f"{scheme}: {type(error).__name__} in {where}: {error}",))
    with np.errstate(all="ignore"):
        network = FloatNetwork(model, frames)
        bounds = network.bounds()
    margins = [0.0]
    for scheme, found in quantised.items():
        try:
            margins.append(
                _compare(found, network, bounds, frames, available_paths() if paths is None else paths)
            )
        except Wrong as error:
            return Outcome(Verdict.WRONG, (f"{scheme}: {error}",))
    return Outcome(Verdict.RIGHT, margin=max(margins))


def rules_of(error: CompilerError, *, sound: bool = True) -> tuple[str, ...] | None:
    """Return the documented rules that a refusal names; None when a sound network was called damaged."""
    if isinstance(error, UnsupportedModelError):
        return tuple(sorted({f"{found.operator}: {found.rule}" for found in error.violations}))
    kind = type(error).__name__
    if isinstance(error, MemoryPlanError):
        return (kind,)
    known = [text for text in DOCUMENTED if text in str(error)]
    if known:
        return (f"{kind}: {known[0]}",)
    return None if sound else (f"{kind}: {_plain(str(error).splitlines()[0])}",)


def _compare(
    quantised: AxeleraQuantizedModel,
    network: FloatNetwork,
    bounds: Sequence[float],
    frames: Sequence[Frame],
    paths: Sequence[str],
) -> float:
    """Return the largest error as a share of its bound; raise Wrong where it is above, or a path differs."""
    if list(quantised.output_names) != network.outputs:
        raise Wrong(f"outputs {quantised.output_names}, expected {network.outputs}")
    buffers = [_buffers(quantised, frame) for frame in frames]
    margin = 0.0
    for numerics in NUMERICS:
        wanted = _specified(quantised, buffers, numerics)
        for path in paths:
            _run(quantised, buffers, wanted, numerics, path)
        results = [quantised.finish(list(outputs)) for outputs in wanted]
        for name, found, expected in zip(network.outputs, results[0], network.expected[0], strict=True):
            if found.shape != expected.shape:
                raise Wrong(f"{numerics}: output {name!r} has shape {found.shape}, expected {expected.shape}")
        for name, error, bound, signal in zip(
            network.outputs, network.errors(results), bounds, network.signals(), strict=True
        ):
            if not error <= bound:
                raise Wrong(
                    f"{numerics}: output {name!r} is off by {error:.3g}, at most {bound:.3g} follow from rounding "
                    f"(of {signal:.3g})"
                )
            margin = max(margin, error / bound if bound else 0.0)
    return margin


def _buffers(quantised: AxeleraQuantizedModel, frame: Frame) -> list[npt.NDArray[np.int8]]:
    values = quantised.prepare({name: frame[name] for name in quantised.input_names})
    return [port.quantise(value) for port, value in zip(quantised.inputs, values, strict=True)]


def _specified(
    quantised: AxeleraQuantizedModel, buffers: Sequence[Sequence[npt.NDArray[np.int8]]], numerics: str
) -> list[list[npt.NDArray[np.int8]]]:
    program = quantised.program
    wanted = []
    for frame in buffers:
        feeds = {name: buffer.reshape(-1) for name, buffer in zip(program.inputs, frame, strict=True)}
        values = execute(program, feeds, numerics)  # type: ignore[arg-type]
        wanted.append([values[name][None] for name in program.outputs])
    return wanted


def _run(
    quantised: AxeleraQuantizedModel,
    buffers: Sequence[Sequence[npt.NDArray[np.int8]]],
    wanted: Sequence[Sequence[npt.NDArray[np.int8]]],
    numerics: str,
    path: str,
) -> None:
    runner = load(quantised.program, numerics, path).instance()
    for frame, expected in zip(buffers, wanted, strict=True):
        found = [np.full(values.size, 99, np.int8) for values in expected]
        runner.run([buffer.reshape(-1) for buffer in frame], found)
        for name, a, b in zip(quantised.program.outputs, found, expected, strict=True):
            differing = int((a != b.reshape(-1)).sum())
            if differing:
                raise Wrong(f"{numerics}, path {path}: {differing} of {a.size} values of {name!r} differ")


def kind_of(outcome: Outcome) -> str:
    """Return a failure without its numbers and names, so that alike failures have one kind."""
    return _plain(str(outcome))


def _plain(text: str) -> str:
    return re.sub(r"'[^']*'|\d[\d.e+-]*", "…", text)
