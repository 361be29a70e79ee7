"""What a quantised network consists of: the part of it that goes to files and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import onnx

from axelera.compiler._ports import HostPort
from axemu.model.program import Program

Shape = tuple[int, ...]


@dataclass(frozen=True)
class QuantisedParts:
    """An integer program with the host's float parts around it; immutable.

    Attributes:
        name: name of the model.
        program: the integer program of one frame.
        inputs: chip inputs in order.
        outputs: chip outputs in order.
        input_names: inputs of the network.
        input_shapes: their NCHW shapes.
        output_names: outputs of the network.
        output_shapes: their shapes.
        preamble: what the host computes before the chip, or None.
        postamble: what it computes after, or None.
        report: what happened to each operator and what it costs (see `axelera.compiler.report`).
        configuration: the properties it was quantised with.
        dumps: float graphs the configuration asked to see, by file name; written with the model, not read back.
    """

    name: str
    program: Program
    inputs: tuple[HostPort, ...]
    outputs: tuple[HostPort, ...]
    input_names: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_names: tuple[str, ...]
    output_shapes: tuple[Shape, ...]
    preamble: onnx.ModelProto | None = None
    postamble: onnx.ModelProto | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    dumps: Mapping[str, onnx.ModelProto] = field(default_factory=dict)
