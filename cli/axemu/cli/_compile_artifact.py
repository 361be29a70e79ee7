"""What a failed run leaves for whoever is asked about it: network, options, report and log in one file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from google.protobuf.message import EncodeError, Message  # type: ignore[import-untyped]
from onnx import TensorProto, numpy_helper

from axelera.compiler import CompilerError
from axelera.compiler.frontend import load_proto

__all__ = ["ARTIFACT", "write_artifact"]

ARTIFACT = "error_artifact.zip"
_FILES = ("compilation_report.json", "compilation_log.txt", "cli_args.json", "conf.json")
_FEW = 64
"""Numbers of a constant that is kept: shapes, axes, scales of single values."""
_KEPT = frozenset({TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING})
"""Types of shapes, axes, masks and names, which are no weights whatever their size."""
_INTEGERS = frozenset(
    {
        TensorProto.INT4, TensorProto.UINT4, TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16,
        TensorProto.INT32, TensorProto.UINT32, TensorProto.UINT64,
    }
)  # fmt: skip


def write_artifact(folder: Path, network: Path, *, random_weights: bool) -> Path:
    """Write error_artifact.zip into the output of a failed run.

    Args:
        folder: the output.
        network: the ONNX file that was to be compiled; left out where it cannot be read.
        random_weights: numbers of the same spread take the place of weights, which are nobody else's business.
    """
    path = folder / ARTIFACT
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in _FILES:
            if (folder / name).is_file():
                archive.write(folder / name, name)
        try:
            content = _network(network, random_weights=random_weights)
        except (CompilerError, EncodeError, TypeError, ValueError) as error:  # damage is why some runs fail
            archive.writestr("network.txt", f"the network could not be read: {error}\n")
        else:
            archive.writestr("network.onnx", content)
    return path


def _network(path: Path, *, random_weights: bool) -> bytes:
    model = load_proto(path)
    if random_weights:
        for tensor in list(_tensors(model)):
            _randomise(tensor)
    content: bytes = model.SerializeToString()
    return content


def _tensors(message: Message) -> Iterator[TensorProto]:
    """Yield every tensor, wherever ONNX has any: initializers, constants of nodes, graphs within, functions."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        for one in (value,) if isinstance(value, Message) else value:
            if isinstance(one, TensorProto):
                yield one
            else:
                yield from _tensors(one)


def _randomise(tensor: TensorProto) -> None:
    values = numpy_helper.to_array(tensor)
    if tensor.data_type in _KEPT or values.size <= _FEW:
        return
    generator = np.random.default_rng(values.size)
    real = values.astype(np.float64)
    if tensor.data_type in _INTEGERS:  # within their range indices stay indices
        numbers = generator.integers(int(real.min()), int(real.max()), values.shape, endpoint=True)
        drawn = numbers.astype(values.dtype)
    else:
        drawn = generator.normal(real.mean(), real.std(), values.shape).astype(values.dtype)
    tensor.CopyFrom(numpy_helper.from_array(drawn, tensor.name))
