"""The light models of onnx.backend.test: published networks whose weights are constants, with their published outputs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
from tests.conformance._networks import Outcome, Verdict, rules_of

from axelera import compiler
from axelera.compiler import CompilerConfig, CompilerError
from axelera.runtime import Context
from axemu.host import HostPart

DATA = Path(onnx.backend.test.__file__).parent / "data" / "light"
NAMES = tuple(sorted(path.stem.removeprefix("light_") for path in DATA.glob("light_*.onnx")))
TOLERANCE = 0.02
"""Largest difference from the published output, as a part of its largest value."""


def check_light(name: str) -> Outcome:
    """Compile a light model, run it on the emulated board on its published input, compare with its published output."""
    model = onnx.load(DATA / f"light_{name}.onnx")
    constants = {one.name for one in model.graph.initializer}
    (given,) = (one for one in model.graph.input if one.name not in constants)
    shape = tuple(size.dim_value or 1 for size in given.type.tensor_type.shape.dim)
    count = int(np.prod(shape))
    frame = (np.arange(count).reshape(shape) / count).astype(np.float32)  # as the suite makes it
    expected = onnx.numpy_helper.to_array(onnx.load_tensor(str(DATA / f"light_{name}_output_0.pb")))
    config = CompilerConfig()
    try:
        quantised = compiler.quantize(model, iter([{given.name: frame}]), config)
        with tempfile.TemporaryDirectory(prefix="light-") as folder:
            compiler.compile(quantised, config, Path(folder) / "model")
            with Context("emulator") as context:
                loaded = context.load_model(Path(folder) / "model")
                instance = context.device_connect().load_model_instance(loaded)
                (found, *_) = HostPart(loaded).run(instance, frame)
    except CompilerError as error:
        return Outcome(Verdict.REFUSED, rules_of(error, sound=False) or ())
    if found.size != expected.size:
        return Outcome(Verdict.WRONG, (f"{found.shape}, expected {expected.shape}",))
    error_ = float(np.abs(found.reshape(expected.shape) - expected).max() / np.abs(expected).max())
    if not error_ <= TOLERANCE:
        return Outcome(Verdict.WRONG, (f"off by {error_:.3g} of the largest value",))
    return Outcome(Verdict.RIGHT, margin=error_ / TOLERANCE)
