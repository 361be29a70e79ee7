"""What the operator matrix says about a network, without compiling it."""

from __future__ import annotations

from pathlib import Path

import onnx

from axelera.compiler._violation import Violation
from axelera.compiler.defects import defects
from axelera.compiler.frontend import check_graph
from axelera.compiler.pipeline import cleaned, loaded


def check_operators(model: onnx.ModelProto | str | Path, matrix: int = 17) -> tuple[Violation, ...]:
    """Return every rule of the operator matrix that a network breaks, at its ends too, where the host would help.

    Args:
        model: an ONNX model or the path of one.
        matrix: 17 for the table this compiler works by; 14 for the shorter one that SDK 1.2 documented. The network is
            looked at as this compiler cleans it up, in opset 17 or newer, in both cases.

    Raises:
        ModelError: the model cannot be read or converted.
        ConfigurationError: there is no such matrix.
        InternalError: a defect of the compiler; what was raised is the cause.
    """
    name = model.graph.name if isinstance(model, onnx.ModelProto) else Path(model).stem
    with defects(f"checking model {name!r}"):
        return tuple(check_graph(cleaned(loaded(model, name), name).graph, matrix))
