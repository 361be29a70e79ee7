"""The integer program without its weights: as JSON for programs, as text for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from axemu.model.program import Node, Program, Tensor


def program_listing(program: Program) -> dict[str, Any]:
    """Return operators and tensors of a program; of constants only dtype and shape."""
    return {
        "name": program.name,
        "inputs": list(program.inputs),
        "outputs": list(program.outputs),
        "nodes": [
            {
                "name": node.name,
                "operator": node.op,
                "inputs": list(node.inputs),
                "output": node.output,
                "attributes": dict(sorted(node.attributes.items())),
                "constants": {role: _described(program, node, role) for role in sorted(node.constants)},
            }
            for node in program.nodes
        ],
        "tensors": {
            name: {
                "shape": list(tensor.shape),
                "dtype": "int8",
                "scale": float(np.float32(tensor.scale)),
                "zero_point": tensor.zero_point,
            }
            for name, tensor in sorted(program.tensors.items())
        },
    }


def program_text(program: Program) -> str:
    """Return one line per operator; tensors are int8 height x width x channels of one frame."""
    lines = [f"{program.name}: {len(program.nodes)} operators, int8, height x width x channels", ""]
    lines += [f"input   {_shown(program.tensors[name])}" for name in program.inputs]
    width = max((len(node.op) for node in program.nodes), default=0)
    for node in program.nodes:
        constants = ", ".join(
            f"{role} {'x'.join(map(str, np.shape(program.constant(node, role)))) or 'scalar'}"
            for role in sorted(node.constants)
            if node.constants[role] in program.constants
        )
        attributes = ", ".join(f"{name}={_plain(value)}" for name, value in sorted(node.attributes.items()))
        details = "; ".join(part for part in (attributes, constants) if part)
        lines.append(
            f"{node.op:<{width}}  {_shown(program.tensors[node.output])} = {node.name}({', '.join(node.inputs)})"
            + (f"  [{details}]" if details else "")
        )
    lines += [f"output  {_shown(program.tensors[name])}" for name in program.outputs]
    return "\n".join(lines) + "\n"


def _described(program: Program, node: Node, role: str) -> dict[str, Any]:
    array = np.asarray(program.constant(node, role))
    return {"dtype": array.dtype.name, "shape": list(array.shape)}


def _shown(tensor: Tensor) -> str:
    shape = "x".join(map(str, tensor.shape))
    return f"{tensor.name} {shape} (scale {np.float32(tensor.scale):.6g}, zero point {tensor.zero_point})"


def _plain(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
