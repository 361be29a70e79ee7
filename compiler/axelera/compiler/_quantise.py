"""`quantize`: from a float network and calibration data to a quantised model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir

from axelera.compiler._errors import CalibrationError, ConfigurationError, UnsupportedModelError
from axelera.compiler._names import name_of
from axelera.compiler._ports import HostPort
from axelera.compiler._progress import progress
from axelera.compiler.config import CompilerConfig, CompilerMode, QuantizationScheme
from axelera.compiler.defects import defects
from axelera.compiler.frontend import (
    Partition,
    Recorded,
    export_module,
    extract_core,
    extract_postamble,
    extract_preamble,
    is_prequantised,
    is_torch_module,
    known_shape,
    multiply_accumulates,
    nchw_shape,
    node_label,
    not_finite,
    optional_input,
    score_maps,
    shape_of,
)
from axelera.compiler.lowering import LoweredNetwork, Port
from axelera.compiler.pipeline import (
    CHOOSE_SCALES,
    EMIT,
    EQUALISE,
    GIVEN_SCALES,
    NORMALISE_TABLES,
    PARTITION,
    UNWRAP,
    cleaned,
    loaded,
    lowered,
)
from axelera.compiler.quantisation import (
    Clipped,
    Feeds,
    Quantisation,
    Seen,
    clipped,
    fixed_weights,
    items_of,
    length_of,
    observe,
    run_session,
    samples_of,
    session,
    to_array,
    transformed,
)
from axelera.compiler.quantized_model import AxeleraQuantizedModel
from axelera.compiler.report import measure_operators, measure_outputs
from axemu.model.program import Program, Tensor, validate

_log = logging.getLogger("axelera.compiler.quantise")
_DEEP = 1.2
"""Tensors that lose more than this factor of their range to clipping are told."""
_SURE = 0.7
"""A detector whose calibration data shows no score above this is told: it can hardly have seen what it looks for."""
_HEAD = 16
"""First calibration samples, kept in memory: channels are balanced with them."""
_MEASURED = 2
"""Samples of these on which the report compares float and integers."""

Frame = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A network after the front end: the clean model, its parts, and the chip's network without scales.

    `recorded` is what a pre-quantised model decided, None for a float one.
    """

    name: str
    model: ir.Model
    part: Partition
    network: LoweredNetwork
    recorded: Recorded | None = None


def prepare(
    model: Any, config: CompilerConfig, input_shapes: Mapping[str, tuple[int, ...]] | None = None
) -> Prepared:
    """Run the front end: load, clean up, part, lower."""
    name = config.model_name or name_of(model)
    proto = loaded(model, name, input_shapes)
    recorded = None
    if is_prequantised(proto):
        proto, recorded = UNWRAP(proto, name)
    elif config.compiler_mode is CompilerMode.LOWER_ONLY:
        raise ConfigurationError(
            f"compiler_mode = 'lower_only' takes a quantised model; {name!r} is a float one: use quantize_and_lower"
        )
    clean = cleaned(proto, name, keep_weights=recorded is not None)
    part = PARTITION(
        clean.graph,
        name,
        validate=config.validate_operators,
        split=config.graph_cleaner_split_pre_post_processing,
        allow_host_segments=config.allow_host_segments,
    )
    if problems := not_finite(part.chip):
        raise UnsupportedModelError(name, problems)
    return Prepared(name, clean, part, lowered(part, name), recorded)


def quantize(
    model: Any,
    calibration_dataset: Iterable[Any] | str | Path | None,
    config: CompilerConfig,
    transform_fn: Callable[[Any], Any] | None = None,
) -> AxeleraQuantizedModel:
    """Quantise a float network to int8.

    Args:
        model: an ONNX model, the path of one, or a torch module.
        calibration_dataset: an iterator of items, or a directory of images. It is consumed in a stream; 100 to 400
            samples are usual. None will do for a model that is quantised already.
        config: the configuration.
        transform_fn: from an item to a model input: float32 (N, C, H, W), numpy or torch.

    Returns:
        The quantised model: callable, exportable, ready for `compile`.

    Raises:
        ModelError: the network cannot be read or converted.
        UnsupportedModelError: operators the chip can't run; lists all of them.
        CalibrationError: calibration data that does not fit; or the data set or `transform_fn` raised (the cause).
        ConfigurationError: `config` is no configuration, or contradicts the model.
        InternalError: a defect of the compiler; what was raised is the cause.
    """
    if not isinstance(config, CompilerConfig):
        raise ConfigurationError(f"config is {type(config).__name__}, expected CompilerConfig")
    dataset = () if calibration_dataset is None else calibration_dataset
    if (
        not isinstance(dataset, (str, Path))
        and not hasattr(dataset, "__iter__")
        and not hasattr(dataset, "__getitem__")
    ):
        raise CalibrationError(
            f"the calibration data is {type(dataset).__name__}; expected an iterable of items or a directory of images"
        )
    with defects(f"quantising model {config.model_name or name_of(model)!r}"):
        return _quantize(model, dataset, config, transform_fn)


def _quantize(
    model: Any,
    dataset: Iterable[Any] | str | Path,
    config: CompilerConfig,
    transform_fn: Callable[[Any], Any] | None,
) -> AxeleraQuantizedModel:
    count = length_of(dataset)
    if is_torch_module(model):
        model, dataset = _exported(model, dataset, config, transform_fn)
    prepared = prepare(model, config)
    shapes = {str(value.name): known_shape(value) for value in prepared.model.graph.inputs}
    core = extract_core(prepared.model, prepared.part)
    preamble = extract_preamble(prepared.model, prepared.part)
    seen = Seen()
    with progress(f"Calibrating {prepared.name}", count) as counted:
        frames = seen.frames(
            samples_of(dataset, transform_fn, shapes, lambda items: counted(seen.items(items)))
        )
        head = list(islice(frames, _HEAD))
        feeds = _core_feeds(chain(head, frames), preamble, prepared.network)
        told: Mapping[str, Any] = {"clipped": [], "scores": []}
        if prepared.recorded is not None:
            network, program = _lower_given(prepared, prepared.recorded, core, feeds, config)
        else:
            network, program, told = _calibrated(
                prepared, core, list(_core_feeds(head, preamble, prepared.network)), feeds, config
            )
    prepared = replace(prepared, network=network)
    result = assemble(prepared, program, preamble, config)
    return replace(
        result,
        report=quantisation_report(result, prepared, core, head[:_MEASURED])
        | {"calibration": seen.to_json(), **told},
        dumps=_dumps(prepared, core, config),
    )


def _dumps(prepared: Prepared, core: onnx.ModelProto, config: CompilerConfig) -> dict[str, onnx.ModelProto]:
    dumps = {}
    if config.graph_cleaner_dump_core_onnx is not None:
        dumps[config.graph_cleaner_dump_core_onnx] = core
    if config.graph_cleaner_dump_full_opt_onnx is not None:
        dumps[config.graph_cleaner_dump_full_opt_onnx] = ir.to_proto(prepared.model)
    return dumps


def _exported(
    module: Any,
    dataset: Iterable[Any] | str | Path,
    config: CompilerConfig,
    transform_fn: Callable[[Any], Any] | None,
) -> tuple[onnx.ModelProto, Iterable[Any]]:
    """Export a torch module with the shape of the first calibration item; return the data with that item put back."""
    items = items_of(dataset)
    first = next(items, None)
    if first is None:
        raise CalibrationError(
            "a torch module is exported with the shape of the first calibration item: there is none"
        )
    value = first if transform_fn is None else transformed(transform_fn, first, 0)
    if isinstance(value, (tuple, list)) and value:
        value = value[0]
    sample = to_array(value, "calibration item 0")
    if not sample.ndim:
        raise CalibrationError("calibration item 0 is one number; expected an array (N, C, H, W)")
    sample = sample[:1]
    proto = export_module(module, sample, config.onnx_opset_version)
    proto.graph.name = type(module).__name__
    return proto, chain([first], items)


def _calibrated(
    prepared: Prepared,
    core: onnx.ModelProto,
    head: Sequence[Feeds],
    feeds: Iterable[Feeds],
    config: CompilerConfig,
) -> tuple[LoweredNetwork, Program, Mapping[str, Any]]:
    """Quantise a float network with calibration data; return it balanced, and as integers, and what the report tells."""
    network = prepared.network
    if _balances(config) or _has_tables(network):
        network = _balance(network, core, head, config)
    maps = [str(value.name) for value in score_maps(prepared.model.graph)]
    found = _calibrate(network, core, feeds, config, maps)
    _warn_of_clipping([one for one in found.clipped if abs(one.seen) > _DEEP * abs(one.limit)], config)
    _warn_of_scores({name: score for name, score in found.scores.items() if score < _SURE})
    told = {
        "clipped": [asdict(one) for one in found.clipped],
        "scores": [{"tensor": name, "highest": score} for name, score in found.scores.items()],
    }
    return network, EMIT(network, found.scales, means=found.means), told


def _lower_given(
    prepared: Prepared,
    recorded: Recorded,
    core: onnx.ModelProto,
    feeds: Iterable[Feeds],
    config: CompilerConfig,
) -> tuple[LoweredNetwork, Program]:
    """Take a pre-quantised network as it is; calibration data only serves tensors that it left in float."""
    network, scales = GIVEN_SCALES(prepared.network, recorded.scales)
    missing = sorted(set(network.activations) - set(scales))
    if missing:
        try:
            chosen = _calibrate(network, core, feeds, config).scales
        except CalibrationError as error:
            raise CalibrationError(
                f"model {prepared.name!r} leaves {missing} without scales; quantise these values too, or give "
                "calibration data for them"
            ) from error
        scales |= {name: chosen[name] for name in missing}
    named = {
        node_label(node): recorded.weights[str(weight.name)]
        for node in prepared.part.chip
        if (weight := optional_input(node, 1)) is not None and weight.name in recorded.weights
    }
    return network, EMIT(network, scales, fixed_weights(network, named))


def assemble(
    prepared: Prepared, program: Program, preamble: onnx.ModelProto | None, config: CompilerConfig
) -> AxeleraQuantizedModel:
    """Put program and host parts together."""
    validate(program)
    graph = prepared.model.graph
    return AxeleraQuantizedModel(
        prepared.name,
        program,
        tuple(_host_port(port, program.tensors[port.tensor]) for port in prepared.network.inputs),
        tuple(_host_port(port, program.tensors[port.tensor]) for port in prepared.network.outputs),
        tuple(str(value.name) for value in graph.inputs),
        tuple(known_shape(value) for value in graph.inputs),
        tuple(str(value.name) for value in graph.outputs),
        tuple(known_shape(value) for value in graph.outputs),
        preamble,
        extract_postamble(prepared.model, prepared.part),
        {},
        config.model_dump(mode="json"),
    )


def quantisation_report(
    model: AxeleraQuantizedModel, prepared: Prepared, core: onnx.ModelProto, frames: Sequence[Frame]
) -> dict[str, Any]:
    """Return what the report knows before anything is placed: errors per operator and end to end, host operators."""
    values = [model.prepare(frame) for frame in frames]
    samples = [
        (
            {port.name: value.reshape(port.shape) for port, value in zip(model.inputs, inputs, strict=True)},
            [port.quantise(value) for port, value in zip(model.inputs, inputs, strict=True)],
        )
        for inputs in values
    ]
    whole = session(ir.to_proto(prepared.model), prepared.name)
    expected = [run_session(whole, model.output_names, frame, prepared.name) for frame in frames]
    results = [model.finish(model.run_program(buffers)) for _, buffers in samples]
    part = prepared.part
    return {
        "model": prepared.name,
        "end_to_end": measure_outputs(expected, results, model.output_names),
        "host_operators": [
            {
                "name": node_label(node),
                "operator": node.op_type,
                "runs_on": where,
                "shape": list(shape_of(node.outputs[0]) or ()),
                "macs": multiply_accumulates(node),
            }
            for where, nodes in (("host, before", part.before), ("host, after", part.after))
            for node in nodes
        ],
        "operators": measure_operators(core, prepared.network, model.program, samples),
    }


def _has_tables(network: LoweredNetwork) -> bool:
    return any(operator.op == "lut" for operator in network.operators)


def _balances(config: CompilerConfig) -> bool:
    return (
        config.quantize_dw_channel_wise
        or config.quantization_scheme is not QuantizationScheme.PER_TENSOR_MIN_MAX
    )


def _balance(
    network: LoweredNetwork, core: onnx.ModelProto, head: Sequence[Feeds], config: CompilerConfig
) -> LoweredNetwork:
    """Return the network with channels balanced by the ranges that the first samples show."""
    values = {name: a.value for name, a in network.activations.items() if a.value is not None}
    seen = observe(core, (), set(values.values()), head)
    ranges = {
        name: (found.low, found.high)
        for name, value in values.items()
        if len((found := seen.channels[value]).low) == network.activations[name].shape[2]
    }
    network = NORMALISE_TABLES(network, ranges)
    if not _balances(config):
        return network
    largest = {name: np.maximum(np.abs(low), np.abs(high)) for name, (low, high) in ranges.items()}
    all_of_them = config.quantization_scheme is QuantizationScheme.PER_TENSOR_HISTOGRAM
    return EQUALISE(network, largest, depthwise_only=not all_of_them)


@dataclass(frozen=True, slots=True)
class _Calibration:
    """What calibration data leads to.

    `scales` of every tensor, channel `means` of those that convolutions read, what is `clipped`, and for each map of scores
    the highest of its `scores`.
    """

    scales: dict[str, Quantisation]
    means: dict[str, npt.NDArray[np.float64]]
    clipped: Sequence[Clipped]
    scores: Mapping[str, float]


def _calibrate(
    network: LoweredNetwork,
    core: onnx.ModelProto,
    feeds: Iterable[Feeds],
    config: CompilerConfig,
    maps: Sequence[str] = (),
) -> _Calibration:
    activations = network.activations
    watched = sorted({a.observe for a in activations.values() if a.observe is not None})
    read = {
        name: value
        for operator in network.operators
        if operator.kind.has_weights and (value := activations[name := operator.inputs[0]].value) is not None
    }
    changes = {
        a.value: a.rescaling for a in activations.values() if a.value is not None and a.rescaling is not None
    }
    on_chip = {a.value for a in activations.values()}
    scored = [name for name in maps if name in on_chip]
    seen = observe(core, watched, {*read.values(), *scored}, feeds, changes)
    means = {name: seen.channels[value].mean for name, value in read.items()}
    clip_tails = config.quantization_scheme is not QuantizationScheme.PER_TENSOR_MIN_MAX
    scales = CHOOSE_SCALES(network, seen.histograms, means, clip_tails=clip_tails)
    highest = {}
    for name in scored:
        if (channels := seen.channels.get(name)) is not None:
            high = channels.high.astype(np.float64)
            largest = float((changes[name].undo(high) if name in changes else high).max())
            highest[name] = float(1 / (1 + np.exp(-largest)))
    return _Calibration(scales, means, clipped(network, seen.histograms, scales), highest)


def _warn_of_scores(low: Mapping[str, float]) -> None:
    if not low:
        return
    least = min(low, key=low.__getitem__)
    _log.warning(
        "Calibration saw no score above %.2f in %s%s, and int8 reaches no further: higher scores will come out as that. Calibrate "
        "with images that show what the network looks for",
        low[least], least, f" (and little in {len(low) - 1} other maps of scores)" if len(low) > 1 else "",
    )  # fmt: skip


def _warn_of_clipping(deep: Sequence[Clipped], config: CompilerConfig) -> None:
    if not deep:
        return
    most = max(deep, key=lambda one: abs(one.seen) / max(abs(one.limit), 1e-30))
    _log.warning(
        "%s clips %d tensors far below what calibration saw, most of all %s: %.2g %% of its values lie beyond %.3g, "
        "up to %.3g. Rare large values matter to detectors: compare with per_tensor_min_max (axcompile --choose-scheme)",
        config.quantization_scheme.value, len(deep), most.tensor, 100 * most.share, most.limit, most.seen,
    )  # fmt: skip


def _host_port(port: Port, tensor: Tensor) -> HostPort:
    return HostPort(
        port.value, port.shape, nchw_shape(port.shape), port.padding, tensor.scale, tensor.zero_point
    )


def _core_feeds(
    frames: Iterable[Frame], preamble: onnx.ModelProto | None, network: LoweredNetwork
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """Turn network inputs into core inputs."""
    if preamble is None:
        names = {port.value for port in network.inputs}
        for frame in frames:
            yield {name: array for name, array in frame.items() if name in names}
        return
    runner = session(preamble, "preamble")
    for frame in frames:
        values = run_session(runner, None, frame, "preamble")
        yield {
            port.value: value.reshape(port.shape) for port, value in zip(network.inputs, values, strict=True)
        }
