"""`softmax`: over the channels, with an integer table of the exponential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from axemu.model.ops._float import Float32Array, Int8Array, quantise_exact, quantise_metis, round_f18
from axemu.model.ops._operator import Call, Shape
from axemu.model.ops._unary import Unary
from axemu.model.program._program import Node

EXP_ONE = 1 << 30
"""What the table holds for exp(0)."""


class Softmax(Unary):
    """e = exp_table[max - q], an integer; y = e / sum of e.

    Integer sums do not depend on their order, so any kernel gives the same bits.
    """

    name: ClassVar[str] = "softmax"
    constants: ClassVar[Mapping[str, str]] = {"exp_table": "int32"}

    def constant_shapes(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],  # noqa: ARG002
        output: Shape,  # noqa: ARG002
    ) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Return the 256 differences."""
        return {"exp_table": ((256,),)}

    def check_constants(
        self,
        node: Node,  # noqa: ARG002
        inputs: Sequence[Shape],  # noqa: ARG002
        constants: Mapping[str, npt.NDArray[Any]],
    ) -> list[str]:
        """Return what would make a sum zero or too large."""
        table = constants["exp_table"]
        if table[0] != EXP_ONE or table.min() < 0 or table.max() > EXP_ONE:
            return [f"constant 'exp_table' must start with {EXP_ONE} and stay within 0..{EXP_ONE}"]
        return []

    def exact(self, call: Call) -> Int8Array:
        """float32(e) / float32(sum), QuantizeLinear."""
        terms, total = self._terms(call)
        return quantise_exact(terms / total, call.output.scale, call.output.zero_point)

    def metis(self, call: Call) -> Int8Array:
        """f18(float32(e)) * f18(1 / float32(sum)), f18, quantise."""
        terms, total = self._terms(call)
        share = round_f18(round_f18(terms) * round_f18(np.float32(1.0) / total))
        return quantise_metis(share, call.output.scale, call.output.zero_point)

    def _terms(self, call: Call) -> tuple[Float32Array, Float32Array]:
        """Return float32(e) of shape (H, W, C) and float32(int64 sum over C) of shape (H, W, 1)."""
        values = call.values[0].astype(np.intp)
        terms = np.asarray(call.constants["exp_table"])[values.max(axis=2, keepdims=True) - values]
        total = terms.sum(axis=2, keepdims=True, dtype=np.int64)
        return terms.astype(np.float32), total.astype(np.float32)
