"""The operators, a folder for those that share a kernel.

- `arguments`: what its kernels are given (`_arguments`), and their names;
- `kernel`: `kernels(isa)`, their code; `kernel_…` where that is long. Imported only where code is generated;
- `assemble`: `ASSEMBLE`, how each operator of the specification becomes stages; and `LINK`, for those that another kernel can call
  on every range of pixels it has finished.

A folder without operators or kernels of its own leaves out what it has not. Adding an operator is a folder here and its
name in `FOLDERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from axemu.driver import InternalError

if TYPE_CHECKING:
    from axemu.emulator.compute._arguments import Call
    from axemu.emulator.compute._assembler import Assembler
    from axemu.emulator.compute._layout import Data
    from axemu.emulator.compute.micro import Isa, Source
    from axemu.model.program import Node

    Assemble = Callable[[Assembler, Node], None]
    Link = Callable[[Assembler, Node, Call, Data | None], Call]

FOLDERS = ("conv", "elementwise", "matmul", "move", "pool", "resize_linear", "softmax", "unary")


@cache
def assemblies() -> Mapping[str, Assemble]:
    """Return how each operator of the specification is assembled: assemble(assembler, node) appends its stages."""
    return _gathered("ASSEMBLE")


@cache
def links() -> Mapping[str, Link]:
    """Return by operator link(assembler, node, after, table): the call that computes a range of the node's output.

    `after` is what that kernel calls next; `table` replaces the table of a node that is one.
    """
    return _gathered("LINK")


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield every kernel of a path. Needs Numba."""
    for folder in FOLDERS:
        yield from import_module(f"{__name__}.{folder}.kernel").kernels(isa)


def _gathered(what: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for folder in FOLDERS:
        for operator, function in getattr(import_module(f"{__name__}.{folder}.assemble"), what, {}).items():
            if operator in found:
                raise InternalError(f"two folders have operator {operator!r} in {what}")
            found[operator] = function
    return MappingProxyType(found)
