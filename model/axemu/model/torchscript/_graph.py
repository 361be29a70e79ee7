"""A program as a list of operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that is computed: an input of the program or the result of an operation."""

    number: int


Argument = Value | npt.NDArray[Any] | int | float | str | bool | None | tuple["Argument", ...]
"""What an operator is called with: a computed tensor, a stored one, or plain values."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of an operator, such as `torch.pad` or `ops.qtools_cpp_ext.quantize`.

    `module` is the path of the module that calls it, `constants` the names of stored tensors by place of the argument.
    """

    name: str
    arguments: tuple[Argument, ...]
    result: Value
    module: str
    constants: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Graph:
    """A program as a list of operations; `inputs` are the tensors `forward` is given, `outputs` what it returns."""

    inputs: tuple[Value, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[Value, ...]
