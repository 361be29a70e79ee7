"""A network through its compiled directory and the emulated board."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from tests.conformance._networks._bound import Frame

from axelera import compiler
from axelera.compiler import CompilerConfig
from axelera.runtime import Context
from axemu.host import HostPart


def differs_on_board(model: onnx.ModelProto, frames: Sequence[Frame]) -> str:
    """Compile a network that the compiler takes, run it on the board; return what differs from the quantised model, or nothing."""
    config = CompilerConfig()
    quantised = compiler.quantize(model, iter(frames), config)
    with tempfile.TemporaryDirectory(prefix="board-") as folder:
        compiler.compile(quantised, config, Path(folder) / "model")
        with Context("emulator") as context:
            loaded = context.load_model(Path(folder) / "model")
            part = HostPart(loaded)
            instance = context.device_connect().load_model_instance(loaded)
            for frame in frames:
                values = [
                    np.asarray(frame[name], np.float32).reshape(shape)  # the board's ports have four axes
                    for name, shape in zip(quantised.input_names, part.input_shapes, strict=True)
                ]
                buffers = part.outputs()
                instance.run(part.inputs(*values), buffers)
                ports = [
                    port.quantise(value)
                    for port, value in zip(quantised.inputs, quantised.prepare(frame), strict=True)
                ]
                for port, found, expected in zip(
                    quantised.outputs, buffers, quantised.run_program(ports), strict=True
                ):
                    if not np.array_equal(found.reshape(-1), expected.reshape(-1)):
                        return f"output {port.name!r} on the board is not that of the quantised model"
    return ""
