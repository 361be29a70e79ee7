"""What a comparison says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axemu.model.program import Node
from axemu.studies._compare._measure import Measure


@dataclass(frozen=True, slots=True)
class TensorComparison:
    """One tensor on both sides.

    Attributes:
        tensor: its name in the program.
        node: the node that writes it; "" for an input.
        op: that node's operator; "input" for an input.
        inputs: the tensors that the node reads.
        shape: (height, width, channels).
        value: its name on the other side.
        aligned: what was done before comparing: layouts, channels, padding; "" where nothing was.
        accumulated: how far it is after everything before it.
        local: how far it is when its node alone is given what the other side has; None where that is not known.
        findings: what the differences look like; only where the comparison points to this tensor.
    """

    tensor: str
    node: str
    op: str
    inputs: tuple[str, ...]
    shape: tuple[int, int, int]
    value: str
    aligned: str
    accumulated: Measure
    local: Measure | None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides, tensor by tensor, in the order in which the program computes.

    Attributes:
        examined: name of the side whose nodes were run one by one.
        reference: name of the side it was compared with.
        frames: number of frames.
        exact: whether both sides are to hold equal integers; else the reference is real numbers.
        tensors: what both sides have, inputs first.
        first: the first tensor that differs by itself; None where none does.
        notes: what was aligned or cannot be seen.
        advice: what to try.
    """

    examined: str
    reference: str
    frames: int
    exact: bool
    tensors: tuple[TensorComparison, ...]
    first: str | None
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    @property
    def divergence(self) -> TensorComparison | None:
        """The entry of `first`."""
        return next((entry for entry in self.tensors if entry.tensor == self.first), None)

    def to_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold; the keys are those of the attributes, documented in docs/reference/json.md."""
        return {
            "examined": self.examined,
            "reference": self.reference,
            "frames": self.frames,
            "exact": self.exact,
            "first": self.first,
            "notes": list(self.notes),
            "advice": list(self.advice),
            "tensors": [_tensor(entry) for entry in self.tensors],
        }


def of_node(node: Node | None) -> tuple[str, str, tuple[str, ...]]:
    """Return node, operator and inputs of a tensor's entry."""
    return ("", "input", ()) if node is None else (node.name, node.op, tuple(dict.fromkeys(node.inputs)))


def _tensor(entry: TensorComparison) -> dict[str, Any]:
    return {
        "tensor": entry.tensor,
        "node": entry.node,
        "operator": entry.op,
        "inputs": list(entry.inputs),
        "shape": list(entry.shape),
        "value": entry.value,
        "aligned": entry.aligned,
        "accumulated": _measure(entry.accumulated),
        "local": None if entry.local is None else _measure(entry.local),
        "findings": list(entry.findings),
    }


def _measure(measure: Measure) -> Mapping[str, Any]:
    return {
        "sqnr_db": measure.sqnr_db,
        "cosine": measure.cosine,
        "off_by": {str(steps): count for steps, count in measure.off_by.items()},
        "largest": measure.largest,
        "values": measure.values,
        "where": None if measure.where is None else list(measure.where),
    }
