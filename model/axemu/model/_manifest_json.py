"""`manifest.json`: quantisation, padding and side files of a compiled model, with exactly the vendor's known keys.

The SDK's own loader refuses unknown keys and indexes the known ones, so a writer emits all of them and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from axemu.driver import InvalidArgument, TensorInfo
from axemu.model._files import Reader, file_beside, is_integer, is_number, read_json_object
from axemu.model._model_json import IOBuffer

WRITTEN_VERSION = "1.1"
_MAX_ENTRIES = 64
_INT32 = 1 << 31
_SCALES = (2.0**-126, 2.0**127)
"""The normal numbers of float32, in which the recipes compute."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Side:
    """Scale, zero point and padding of every tensor of one side; empty lists where the manifest says nothing."""

    params: tuple[tuple[float, int], ...] = ()
    padding: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestJson:
    """The content of a manifest.json that running a model needs, checked; graphs are file names or empty.

    `quantized_model` is a file name too, of a file that need not be there.
    """

    inputs: Side = Side()
    outputs: Side = Side()
    preamble_graph: str = ""
    postamble_graph: str = ""
    input_tensor_layout: str = "NHWC"
    quantized_model: str = ""


def manifest_json(
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    *,
    input_names: Sequence[str],
    input_shapes_original: Sequence[Sequence[int]],
    output_shapes_original: Sequence[Sequence[int]],
    quantized_model_file: str | None = None,
    preprocess_graph: str | None = None,
    postprocess_graph: str | None = None,
    model_metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the content of a manifest.json.

    Args:
        inputs: padded NHWC buffers in the order of model.json.
        outputs: likewise.
        input_names: names of the network's own inputs.
        input_shapes_original: NCHW shapes before padding.
        output_shapes_original: likewise.
        quantized_model_file: name of a file in the model's directory, or None.
        preprocess_graph: likewise, an ONNX file.
        postprocess_graph: likewise.
        model_metadata: anything JSON can hold.
    """
    return {
        "quantized_model_file": quantized_model_file,
        "input_shapes": [list(info.shape) for info in inputs],
        "input_dtypes": ["int8" for _ in inputs],
        "output_shapes": [list(info.shape) for info in outputs],
        "output_dtypes": ["int8" for _ in outputs],
        "input_shapes_original": [list(shape) for shape in input_shapes_original],
        "output_shapes_original": [list(shape) for shape in output_shapes_original],
        "quantize_params": [[float(info.scale), int(info.zero_point)] for info in inputs],
        "dequantize_params": [[float(info.scale), int(info.zero_point)] for info in outputs],
        "input_names": list(input_names),
        "model_lib_file": "model.json",
        "model_params_file": None,
        "n_padded_ch_inputs": [_flat_padding(info) for info in inputs],
        "n_padded_ch_outputs": [_flat_padding(info) for info in outputs],
        "input_tensor_layout": "NHWC",
        "preprocess_graph": preprocess_graph,
        "postprocess_graph": postprocess_graph,
        "model_metadata": None if model_metadata is None else dict(model_metadata),
        "manifest_version": WRITTEN_VERSION,
    }


def read_manifest_json(path: Path) -> ManifestJson:
    """Read and check a manifest.json; every value may be null or absent.

    Raises:
        InvalidArgument: it is damaged, says something impossible, or names a graph that is not in its directory.
    """
    reader = Reader(read_json_object(path), str(path))
    layout = reader.text("input_tensor_layout", "NHWC")
    if layout != "NHWC":
        reader.fail("input_tensor_layout", '"NHWC"')
    return ManifestJson(
        inputs=Side(_params(reader, "quantize_params"), _padding(reader, "n_padded_ch_inputs")),
        outputs=Side(_params(reader, "dequantize_params"), _padding(reader, "n_padded_ch_outputs")),
        preamble_graph=_graph(reader, path.parent, ("preamble_graph", "preprocess_graph")),
        postamble_graph=_graph(reader, path.parent, ("postamble_graph", "postprocess_graph")),
        input_tensor_layout=layout,
        quantized_model=PurePosixPath(reader.text("quantized_model_file", "").replace("\\", "/")).name,
    )


def tensor_infos(buffers: Sequence[IOBuffer], side: Side, where: str) -> tuple[TensorInfo, ...]:
    """Join the buffers of model.json with one side of the manifest, by index.

    A model may repeat an input as a second, flat one; it is quantised like the input it repeats when the manifest
    leaves it out.

    Raises:
        InvalidArgument: a list has the wrong length, or a padding does not fit its tensor.
    """
    params = _per_buffer(buffers, side.params, (1.0, 0), f"{where}: quantisation parameters")
    padding = _per_buffer(buffers, side.padding, (), f"{where}: paddings")
    infos = []
    for buffer, (scale, zero_point), pads in zip(buffers, params, padding, strict=True):
        flat = len(buffer.shape) == 1
        if pads and not flat and len(pads) != 2 * len(buffer.shape):
            raise InvalidArgument(
                f"{where}: padding of {buffer.name} has {len(pads)} numbers; its {len(buffer.shape)} dimensions need "
                f"{2 * len(buffer.shape)}, or none"
            )
        pairs = [] if flat else list(zip(pads[::2], pads[1::2], strict=True))
        try:
            infos.append(
                TensorInfo(buffer.shape, name=buffer.name, padding=pairs, scale=scale, zero_point=zero_point)
            )
        except ValueError as error:
            raise InvalidArgument(f"{where}: {error}") from error
        if 0 in infos[-1].unpadded_shape:
            raise InvalidArgument(
                f"{where}: padding {pairs} of {buffer.name} leaves nothing of {buffer.shape}"
            )
    return tuple(infos)


def _per_buffer(buffers: Sequence[IOBuffer], values: Sequence[_T], default: _T, where: str) -> list[_T]:
    if not values:
        return [default] * len(buffers)
    complete = list(values)
    for buffer in buffers[len(values) :]:
        repeated = [index for index, other in enumerate(buffers[: len(values)]) if other.size == buffer.size]
        if len(buffer.shape) > 1 or not repeated:
            break
        complete.append(values[repeated[0]])
    if len(complete) != len(buffers):
        raise InvalidArgument(f"{where}: {len(values)} given for the {len(buffers)} tensors of model.json")
    return complete


def _flat_padding(info: TensorInfo) -> list[int]:
    return [amount for pair in info.padding for amount in pair]


def _params(reader: Reader, key: str) -> tuple[tuple[float, int], ...]:
    pairs = []
    for pair in reader.items(key, _MAX_ENTRIES):
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or not is_number(pair[0])
            or not _SCALES[0] <= pair[0] <= _SCALES[1]
        ):
            reader.fail(key, "pairs of a positive float32 scale and a zero point")
        if not is_number(pair[1]) or pair[1] != int(pair[1]) or not -_INT32 <= pair[1] < _INT32:
            reader.fail(key, "pairs whose second number is a 32-bit integer zero point")
        pairs.append((float(pair[0]), int(pair[1])))
    return tuple(pairs)


def _padding(reader: Reader, key: str) -> tuple[tuple[int, ...], ...]:
    paddings = []
    for pads in reader.items(key, _MAX_ENTRIES):
        if pads is None:
            paddings.append(())
            continue
        if (
            not isinstance(pads, list)
            or len(pads) % 2
            or not all(is_integer(pad) and pad >= 0 for pad in pads)
        ):
            reader.fail(key, "lists of an even number of non-negative integers, or null")
        paddings.append(tuple(pads))
    return tuple(paddings)


def _graph(reader: Reader, directory: Path, keys: tuple[str, str]) -> str:
    """Return the file name of a graph under either of its two names."""
    for key in keys:
        if spelled := reader.text(key, ""):
            return file_beside(directory, spelled, f"{reader.where}: {key}").name
    return ""
