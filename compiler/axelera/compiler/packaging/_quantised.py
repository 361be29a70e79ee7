"""Writing and reading a quantised model that is not compiled yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import onnx

from axelera.compiler._errors import ConfigurationError, ModelError
from axelera.compiler._onnx_file import read_onnx
from axelera.compiler._parts import QuantisedParts
from axelera.compiler._ports import HostPort
from axelera.compiler.frontend import nchw_shape
from axelera.compiler.packaging._compiled import (
    DUMPS,
    POSTAMBLE,
    PREAMBLE,
    VIEW,
    write_host_graphs,
    write_json,
    write_onnx,
)
from axelera.compiler.packaging._graph import viewer_graph
from axelera.compiler.packaging._listing import program_listing, program_text
from axelera.compiler.packaging._replace import Contents, replacing
from axemu.driver import AxeleraError, path_errors
from axemu.driver.bounded import JSON_FILE, parse_json, read_bounded
from axemu.model import manifest_json, model_json
from axemu.model.program import read_program, write_program

MANIFEST = "quantized_model_manifest.json"
LISTING = "quantized_model.json"
TEXT = "quantized_model.txt"
REPORT = "report.json"
PROGRAM = "program"
QUANTISED_MODEL = Contents(
    "quantised model",
    (MANIFEST,),
    (MANIFEST, LISTING, TEXT, REPORT, PROGRAM, VIEW, PREAMBLE, POSTAMBLE, DUMPS),
)
_FORMAT = 2

Parts = TypeVar("Parts", bound=QuantisedParts)


def write_quantised_model(model: QuantisedParts, directory: Path) -> None:
    """Write a quantised model; a directory with an earlier one is replaced at once."""
    with (
        path_errors(ConfigurationError, f"output directory {directory}", "cannot be written"),
        replacing(directory, QUANTISED_MODEL, added_too=False) as fresh,
    ):
        program = fresh / PROGRAM
        program.mkdir()
        inputs = [port.info() for port in model.inputs]
        outputs = [port.info() for port in model.outputs]
        write_json(program / "model.json", model_json(inputs, outputs))
        write_json(
            program / "manifest.json",
            manifest_json(
                inputs,
                outputs,
                input_names=model.input_names,
                input_shapes_original=[port.nchw for port in model.inputs],
                output_shapes_original=[port.nchw for port in model.outputs],
            ),
        )
        write_program(program, model.program)
        write_host_graphs(fresh, model)
        write_onnx(fresh / VIEW, viewer_graph(model.program))
        write_json(fresh / LISTING, program_listing(model.program))
        (fresh / TEXT).write_text(program_text(model.program), encoding="utf-8")
        write_json(fresh / REPORT, model.report)
        write_json(
            fresh / MANIFEST,
            {
                "format": _FORMAT,
                "name": model.name,
                "inputs": [port.to_json() for port in model.inputs],
                "outputs": [port.to_json() for port in model.outputs],
                "input_names": list(model.input_names),
                "input_shapes": [list(shape) for shape in model.input_shapes],
                "output_names": list(model.output_names),
                "output_shapes": [list(shape) for shape in model.output_shapes],
                "configuration": dict(model.configuration),
            },
        )


def read_quantised_model(directory: Path, kind: type[Parts]) -> Parts:
    """Read what `write_quantised_model` wrote.

    Args:
        directory: the directory, or the manifest in it.
        kind: the class to make.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    with path_errors(ModelError, directory):
        return _read(directory, kind)


def _read(directory: Path, kind: type[Parts]) -> Parts:
    if directory.name == MANIFEST:
        directory = directory.parent
    path = directory / MANIFEST
    if not path.is_file():
        raise ModelError(
            f"{directory}: no {MANIFEST}; give a directory that AxeleraQuantizedModel.export wrote"
        )
    try:
        content, report = _json(path), _json(directory / REPORT)
        if content["format"] != _FORMAT:
            raise ModelError(f"{path}: format {content['format']!r}, expected {_FORMAT}; quantise again")  # noqa: TRY301
        program = read_program(directory / PROGRAM)
        inputs = tuple(_port(entry) for entry in content["inputs"])
        outputs = tuple(_port(entry) for entry in content["outputs"])
        for port, name in zip((*inputs, *outputs), (*program.inputs, *program.outputs), strict=True):
            if port.info().shape[1:] != program.tensors[name].shape:
                raise ModelError(f"{path}: {port.name!r} does not fit the program's tensor {name!r}")  # noqa: TRY301
        model = kind(
            str(content["name"]),
            program,
            inputs,
            outputs,
            tuple(map(str, content["input_names"])),
            tuple(_shape(shape) for shape in content["input_shapes"]),
            tuple(map(str, content["output_names"])),
            tuple(_shape(shape) for shape in content["output_shapes"]),
            _graph(directory / PREAMBLE),
            _graph(directory / POSTAMBLE),
            report,
            dict(content["configuration"]),
        )
        _check_ends(model)
        return model  # noqa: TRY300  what is refused here is damage too
    except ModelError:
        raise
    except (AxeleraError, OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ModelError(f"{directory}: the quantised model is damaged: {error}; quantise again") from error


def _check_ends(model: QuantisedParts) -> None:
    """Refuse host graphs, names and shapes that do not meet the program's inputs and outputs."""
    given = dict(zip(model.input_names, model.input_shapes, strict=True))
    taken = {port.name: port.shape for port in model.inputs}
    if model.preamble is not None:
        taken, handed = _ends(model.preamble.graph)
        _check_equal("the preamble's inputs", sorted(taken), sorted(given))
        _check_equal("the preamble's outputs", len(handed), len(model.inputs))
    _check_shapes("input", taken, given)
    wanted = dict(zip(model.output_names, model.output_shapes, strict=True))
    made = {port.name: port.shape for port in model.outputs}
    if model.postamble is not None:
        taken, made = _ends(model.postamble.graph)
        _check_equal("the postamble's inputs", len(taken), len(model.outputs))
        _check_equal("the postamble's outputs", list(made), list(model.output_names))
    _check_shapes("output", wanted, made)


def _ends(graph: onnx.GraphProto) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Return inputs and outputs by name, in order; 0 stands for an extent that is open, () for a shape that is."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs, outputs = (
        {value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in values}
        for values in (graph.input, graph.output)
    )
    return {name: shape for name, shape in inputs.items() if name not in constants}, outputs


def _check_shapes(
    what: str, needed: Mapping[str, tuple[int, ...]], there: Mapping[str, tuple[int, ...]]
) -> None:
    for name, shape in needed.items():
        if name not in there:
            raise ValueError(f"{what} {name!r} is given by nobody")
        other = there[name]
        if shape and other and len(shape) != len(other):
            raise ValueError(f"{what} {name!r} has shape {other}, expected {shape}")
        if any(a != b for a, b in zip(shape, other, strict=False) if a and b):
            raise ValueError(f"{what} {name!r} has shape {other}, expected {shape}")


def _check_equal(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ValueError(f"{what} are {found}, expected {expected}")


def _json(path: Path) -> dict[str, Any]:
    return dict(parse_json(read_bounded(path, JSON_FILE), JSON_FILE))


def _port(entry: Any) -> HostPort:
    shape = _shape(entry["shape"])
    padding = tuple((int(before), int(after)) for before, after in entry["padding"])
    if len(padding) != 4 or any(not 0 <= amount < 1 << 20 for pair in padding for amount in pair):
        raise ValueError(f"padding {padding} is not four pairs")
    if not 0.0 < float(entry["scale"]) < 2.0**31:
        raise ValueError(f"scale {entry['scale']!r} is not positive and finite")
    if not -128 <= int(entry["zero_point"]) <= 127:
        raise ValueError(f"zero point {entry['zero_point']!r} is no int8")
    return HostPort(
        str(entry["name"]), shape, nchw_shape(shape), padding, float(entry["scale"]), int(entry["zero_point"])
    )


def _shape(numbers: Any) -> tuple[int, ...]:
    shape = tuple(int(extent) for extent in numbers)
    if not shape or any(not 0 < extent < 1 << 30 for extent in shape):
        raise ValueError(f"shape {shape} is not a list of positive sizes")
    return shape


def _graph(path: Path) -> onnx.ModelProto | None:
    return read_onnx(path) if path.is_file() else None
