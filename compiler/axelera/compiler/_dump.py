"""Writing down the state between two passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from axelera.compiler.frontend import Partition, node_label
from axelera.compiler.lowering import Activation, LoweredNetwork, LoweredOperator
from axelera.compiler.packaging import program_text
from axemu.model.program import Program


@dataclass(frozen=True, slots=True)
class Dump:
    """Writes the state after the passes `names` into `folder`, which is made when there is something to write."""

    names: frozenset[str]
    folder: Path
    written: set[str] = field(default_factory=set)
    """Names of those that ran."""

    def __call__(self, name: str, state: Any) -> None:
        """Write `state`, what the pass `name` left."""
        if name not in self.names:
            return
        self.written.add(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        graph = state[0] if isinstance(state, tuple) and isinstance(state[0], onnx.ModelProto) else state
        if isinstance(graph, (ir.Model, onnx.ModelProto)):
            proto = ir.to_proto(graph) if isinstance(graph, ir.Model) else graph
            (self.folder / f"{name}.onnx").write_bytes(proto.SerializeToString(deterministic=True))
        else:
            (self.folder / f"{name}.txt").write_text(text_of(state), encoding="utf-8")


def text_of(state: Any) -> str:
    """Return a state for people: a line per node, operator, tensor or field."""
    match state:
        case tuple():
            return "\n".join(text_of(part) for part in state)
        case Program():
            return program_text(state)
        case Partition():
            return _partition(state)
        case LoweredNetwork():
            return _network(state)
        case Mapping():
            return "".join(f"{key}: {value}\n" for key, value in sorted(state.items()))
    return "".join(_field(entry.name, getattr(state, entry.name)) for entry in fields(state))


def _field(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return f"{name}:\n" + "".join(f"  {entry}\n" for entry in value)
    return f"{name}: {value}\n"


def _partition(part: Partition) -> str:
    places = (("host, before", part.before), ("chip", part.chip), ("host, after", part.after))
    lines = [f"{where}: {node.op_type} {node_label(node)}" for where, nodes in places for node in nodes]
    lines += [f"input: {value.name}" for value in part.inputs]
    lines += [f"output: {value.name}" for value in part.outputs]
    return "\n".join(lines) + "\n"


def _network(network: LoweredNetwork) -> str:
    lines = [
        f"{network.name}: {len(network.operators)} operators, real numbers, height x width x channels",
        "",
    ]
    lines += [f"input   {port.value}: {port.tensor}" for port in network.inputs]
    lines += [_operator(operator, network.activations[operator.output]) for operator in network.operators]
    lines += [f"output  {port.value}: {port.tensor}" for port in network.outputs]
    return "\n".join(lines) + "\n"


def _operator(operator: LoweredOperator, result: Activation) -> str:
    details = [f"{name}={value}" for name, value in sorted(operator.attributes.items())]
    details += [f"{name} {_array(array)}" for name, array in sorted(operator.parameters.items())]
    if (result.low, result.high) != (None, None):
        details.append(f"clamped to {result.low}..{result.high}")
    if result.rescaling is not None:
        details += [f"gain {_array(result.rescaling.gain)}", f"shift {_array(result.rescaling.shift)}"]
    shape = "x".join(map(str, result.shape))
    return f"{operator.op}  {result.name} {shape} = {operator.name}({', '.join(operator.inputs)})  [{'; '.join(details)}]"


def _array(array: np.ndarray) -> str:
    shape = "x".join(map(str, array.shape)) or "scalar"
    return f"{shape} in {float(array.min()):.6g}..{float(array.max()):.6g}" if array.size else shape
