"""The program of a network whose values nobody needs: enough to plan memory and to predict time."""

from __future__ import annotations

from pathlib import Path

import onnx

from axelera.compiler.defects import defects
from axelera.compiler.pipeline import EMIT, PARTITION, cleaned, loaded, lowered
from axemu.model.program import Program


def structure_program(
    model: onnx.ModelProto | str | Path, batch: int = 1, *, allow_host_segments: bool = False
) -> Program:
    """Lower a network without calibration and without looking at weights.

    The program has the nodes, shapes and attributes that `compile` would give it; scales are 1, zero points 0 and there
    are no constants.

    Args:
        model: an ONNX model or the path of one; weights may be placeholders (ConstantOfShape).
        batch: 1 to 4, the cores one instance spans.
        allow_host_segments: see `CompilerConfig.allow_host_segments`.

    Raises:
        ModelError: the model cannot be read or converted.
        UnsupportedModelError: operators the chip can't run stand where the host can't take them.
        InternalError: a defect of the compiler; what was raised is the cause.
    """
    name = model.graph.name if isinstance(model, onnx.ModelProto) else Path(model).stem
    with defects(f"lowering model {name!r}"):
        clean = cleaned(loaded(model, name), name)
        part = PARTITION(clean.graph, name, allow_host_segments=allow_host_segments)
        return EMIT(lowered(part, name), None, batch=batch)
