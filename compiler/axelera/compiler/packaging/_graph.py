"""The integer program as an ONNX file for viewers: one node per chip operator, scales and weights visible."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from axemu.model.program import Program

DOMAIN = "axemu.program"
_WEIGHTS = frozenset({"weight", "value", "table"})


def viewer_graph(program: Program) -> onnx.ModelProto:
    """Return the program as ONNX with operators of our own domain; NHWC int8 tensors of one frame.

    It is for looking at (Netron shows it), not for running.
    """
    graph = onnx.GraphProto(name=program.name)
    for node in program.nodes:
        output = program.tensors[node.output]
        attributes: dict[str, Any] = {
            key: list(value) if isinstance(value, tuple) else int(value) if isinstance(value, bool) else value
            for key, value in sorted(node.attributes.items())
        }
        extra = []
        for role, name in sorted(node.constants.items()):
            if role in _WEIGHTS:
                graph.initializer.append(numpy_helper.from_array(np.asarray(program.constants[name]), name))
                extra.append(name)
        graph.node.append(
            helper.make_node(
                node.op,
                [*node.inputs, *extra],
                [node.output],
                name=node.name,
                domain=DOMAIN,
                **attributes,
                output_scale=float(output.scale),
                output_zero_point=int(output.zero_point),
            )
        )
    boundary = {*program.inputs, *program.outputs}
    for name in program.inputs:
        graph.input.append(_info(program, name))
    for name in program.outputs:
        graph.output.append(_info(program, name))
    graph.value_info.extend(_info(program, name) for name in sorted(program.tensors) if name not in boundary)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="axemu")


def _info(program: Program, name: str) -> onnx.ValueInfoProto:
    info = helper.make_tensor_value_info(name, onnx.TensorProto.INT8, [1, *program.tensors[name].shape])
    tensor = program.tensors[name]
    info.doc_string = f"scale {tensor.scale!r}, zero point {tensor.zero_point}"
    return info
