"""Node cases of onnx.backend.test as networks: as they are published, and in the form the compiler asks for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from tests.conformance._networks._bound import Frame, runs

from axelera.compiler.frontend import operator_matrix

OPERATORS = frozenset(operator_matrix())
"""Operators of the matrix."""


@dataclass(frozen=True, slots=True)
class NodeCase:
    """A network of one node (or the few that a function stands for), and its data."""

    name: str
    model: onnx.ModelProto
    frame: Frame


def node_cases(modules: Sequence[str] | None = None) -> list[NodeCase]:
    """Return every form of the published cases whose operators are all in the matrix.

    Args:
        modules: modules of `onnx.backend.test.case.node`; all when None, which takes seconds.
    """
    from onnx.backend.test.case import node

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other cases overflow and divide by zero on purpose
        if modules is None:
            found = node.collect_testcases()
        else:
            for name in modules:
                import_module(f"{node.__name__}.{name}")
            found = node._NodeTestCases
    forms: dict[str, NodeCase] = {}
    for case in sorted(found, key=lambda case: case.name):
        if case.model is not None and {made.op_type for made in case.model.graph.node} <= OPERATORS:
            for form in _forms(case):
                forms.setdefault(form.name, form)
    return list(forms.values())


def _forms(case: Any) -> Iterator[NodeCase]:
    inputs, _ = case.data_sets[0]
    names = [value.name for value in case.model.graph.input]
    frame = {name: np.asarray(array) for name, array in zip(names, inputs, strict=True)}
    yield NodeCase(case.name, case.model, frame)
    for first in range(1, len(names) + 1):  # the rest are weights, slopes, bounds
        model = _with_constants(case.model, frame, names[first:])
        kept = {name: frame[name] for name in names[:first]}
        name = case.name if first == len(names) else f"{case.name}, {first} computed"
        if first < len(names):
            yield NodeCase(name, model, kept)
        if any(array.ndim and array.shape[0] > 1 for array in kept.values()):
            single, frame_of_one = _one_frame(model, kept)
            if runs(single, frame_of_one):
                yield NodeCase(f"{name}, one frame", single, frame_of_one)


def _with_constants(model: onnx.ModelProto, frame: Frame, names: Sequence[str]) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kept = [value for value in copy.graph.input if value.name not in names]
    del copy.graph.input[:]
    copy.graph.input.extend(kept)
    copy.graph.initializer.extend(numpy_helper.from_array(frame[name], name) for name in names)
    return copy


def _one_frame(model: onnx.ModelProto, frame: Frame) -> tuple[onnx.ModelProto, Frame]:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.input:
        dims = value.type.tensor_type.shape.dim
        if dims:
            dims[0].dim_value = 1
    for value in copy.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()
    return copy, {name: array[:1] if array.ndim else array for name, array in frame.items()}
