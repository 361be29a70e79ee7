"""`quantize`: from a float network and calibration data to a quantised model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir

from axelera.compiler._ports import HostPort
from axelera.compiler._progress import progress
from axelera.compiler.config import CompilerConfig, QuantizationScheme
from axelera.compiler.frontend import (
    Partition,
    extract_core,
    extract_postamble,
    extract_preamble,
    known_shape,
    load_proto,
    nchw_shape,
    normalise,
    partition,
    simplify,
)
from axelera.compiler.lowering import Network, lower
from axelera.compiler.lowering._network import Port
from axelera.compiler.quantisation import Quantisation, choose_scales, emit, observe, samples_of, session
from axelera.compiler.quantized_model import AxeleraQuantizedModel
from axelera.model.program import validate

_KEPT_SAMPLES = 4
"""Calibration samples on which the report compares float and integers."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A network after the front end: the clean model, its parts, and the chip's network without scales."""

    name: str
    model: ir.Model
    part: Partition
    network: Network


def prepare(
    model: Any, config: CompilerConfig, input_shapes: Mapping[str, tuple[int, ...]] | None = None
) -> Prepared:
    """Run the front end: load, clean up, part, lower."""
    name = config.model_name or _name_of(model)
    clean = ir.from_proto(normalise(load_proto(model), name, input_shapes))
    simplify(clean)
    part = partition(
        clean.graph,
        name,
        validate=config.validate_operators,
        split=config.graph_cleaner_split_pre_post_processing,
        allow_host_segments=config.allow_host_segments,
    )
    return Prepared(name, clean, part, lower(part, name))


def quantize(
    model: Any,
    calibration_dataset: Iterable[Any] | str | Path,
    config: CompilerConfig,
    transform_fn: Callable[[Any], Any] | None = None,
) -> AxeleraQuantizedModel:
    """Quantise a float network to int8.

    Args:
        model: an ONNX model, the path of one, or a torch module.
        calibration_dataset: an iterator of items, or a directory of images. It is consumed in a stream; 100 to 400
            samples are usual.
        config: the configuration.
        transform_fn: from an item to a model input: float32 (N, C, H, W), numpy or torch.

    Returns:
        The quantised model: callable, exportable, ready for `compile`.

    Raises:
        ModelError: the network cannot be read or converted.
        UnsupportedModelError: operators the chip can't run; lists all of them.
        CalibrationError: calibration data that does not fit.
    """
    prepared = prepare(model, config)
    graph = prepared.model.graph
    shapes = {str(value.name): known_shape(value) for value in graph.inputs}
    core = extract_core(prepared.model, prepared.part)
    preamble = extract_preamble(prepared.model, prepared.part)
    network = prepared.network
    watched = sorted({a.observe for a in network.activations.values() if a.observe is not None})
    frames = samples_of(calibration_dataset, transform_fn, shapes)
    feeds = _core_feeds(progress(frames, f"Calibrating {prepared.name}"), preamble, network)
    seen = observe(core, watched, (), feeds, _KEPT_SAMPLES)
    scales = choose_scales(
        network,
        seen.histograms,
        clip_tails=config.quantization_scheme is QuantizationScheme.PER_TENSOR_HISTOGRAM,
    )
    program = emit(network, scales)
    validate(program)
    return AxeleraQuantizedModel(
        prepared.name,
        program,
        tuple(_host_port(port, scales) for port in network.inputs),
        tuple(_host_port(port, scales) for port in network.outputs),
        tuple(shapes),
        tuple(shapes.values()),
        tuple(str(value.name) for value in graph.outputs),
        tuple(known_shape(value) for value in graph.outputs),
        preamble,
        extract_postamble(prepared.model, prepared.part),
        {},
        config.model_dump(mode="json"),
    )


def _name_of(model: Any) -> str:
    if isinstance(model, (str, Path)):
        return Path(model).stem
    if isinstance(model, onnx.ModelProto):
        return model.graph.name or "model"
    return type(model).__name__


def _host_port(port: Port, scales: Mapping[str, Quantisation]) -> HostPort:
    quantisation = scales[port.tensor]
    return HostPort(
        port.value,
        port.shape,
        nchw_shape(port.shape),
        port.padding,
        quantisation.scale,
        quantisation.zero_point,
    )


def _core_feeds(
    frames: Iterable[dict[str, npt.NDArray[np.float32]]], preamble: onnx.ModelProto | None, network: Network
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """Turn network inputs into core inputs."""
    if preamble is None:
        names = {port.value for port in network.inputs}
        for frame in frames:
            yield {name: array for name, array in frame.items() if name in names}
        return
    runner = session(preamble, "preamble")
    for frame in frames:
        values = runner.run(None, frame)
        yield {
            port.value: value.reshape(port.shape) for port, value in zip(network.inputs, values, strict=True)
        }
