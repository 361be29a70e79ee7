"""What a failed run leaves for whoever is asked about it: network, options, report and log in one file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from axelera.compiler import CompilerError
from axelera.compiler.frontend import load_proto

__all__ = ["ARTIFACT", "write_artifact"]

ARTIFACT = "error_artifact.zip"
_FILES = ("compilation_report.json", "compilation_log.txt", "cli_args.json", "conf.json")
_FEW = 64
"""Numbers of a constant that is kept: shapes, axes, scales of single values."""


def write_artifact(folder: Path, network: Path, *, random_weights: bool) -> Path:
    """Write error_artifact.zip into the output of a failed run.

    Args:
        folder: the output.
        network: the ONNX file that was to be compiled; left out where it cannot be read.
        random_weights: numbers of the same mean and spread take the place of weights, which are nobody else's business.
    """
    path = folder / ARTIFACT
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in _FILES:
            if (folder / name).is_file():
                archive.write(folder / name, name)
        try:
            model = load_proto(network)
        except CompilerError as error:
            archive.writestr("network.txt", f"the network could not be read: {error}\n")
            return path
        if random_weights:
            for tensor in model.graph.initializer:
                _randomise(tensor)
        archive.writestr("network.onnx", model.SerializeToString())
    return path


def _randomise(tensor: onnx.TensorProto) -> None:
    values = numpy_helper.to_array(tensor)
    if values.dtype.kind != "f" or values.size <= _FEW:
        return
    generator = np.random.default_rng(values.size)
    drawn = generator.normal(float(values.mean()), float(values.std()), values.shape).astype(values.dtype)
    tensor.CopyFrom(numpy_helper.from_array(drawn, tensor.name))
