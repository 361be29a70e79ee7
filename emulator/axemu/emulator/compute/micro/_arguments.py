"""Kernels' side of their arguments: words read by the names of the description's fields, and the code of a family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from axemu.emulator.compute._arguments import Arguments, Family, Scalars

from ._numba import datamodel, imputils, intrinsic, templates, types
from .ir import F32, I32, I64, Builder, Value, load, offset


@dataclass(frozen=True, slots=True)
class Source:
    """A Python function to compile, all of whose `arity` operands are int64."""

    name: str
    function: Any
    arity: int


def sources(family: Family[Any], make: Callable[..., Any]) -> Iterator[Source]:
    """Yield the code of every kernel of a family; `make` gets what is chosen by name and returns a Numba function."""
    for choice, kernel in family.variants():
        yield Source(kernel.name, make(**choice), int(kernel.operands))


class _Words(types.Type):  # type: ignore[misc]
    """Numba's type of an address at which arguments lie."""

    def __init__(self, description: type[Arguments]) -> None:
        self.description = description
        super().__init__(name=f"{description.__module__}.{description.__qualname__}")


@datamodel.register_default(_Words)
class _Model(datamodel.models.PrimitiveModel):  # type: ignore[misc]
    """An address."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, I64)


@templates.infer_getattr
class _Fields(templates.AttributeTemplate):  # type: ignore[misc]
    """Every field is an int64."""

    key = _Words

    def generic_resolve(self, kind: _Words, name: str) -> Any:
        """Return the type of a field; none where the description has no such field."""
        return types.int64 if name in kind.description.names else None


@imputils.lower_getattr_generic(_Words)
def _read(_context: Any, b: Builder, kind: _Words, address: Any, name: str) -> Any:
    """Load the word."""
    return load(b, offset(b, address, kind.description.offset(name)), I64)


def reader(description: type[Arguments]) -> Any:
    """Return read(address): what lies there, as the description says; `read(address).rows` loads the word `rows`.

    A word is loaded where its name stands, and as often. A name the description doesn't have is a typing error when code is
    generated.
    """

    def typing(_context: Any, _address: Any) -> Any:
        def emit(_target: Any, _builder: Builder, _signature: Any, arguments: Any) -> Any:
            return arguments[0]

        return _Words(description)(types.int64), emit

    return intrinsic(typing)


class ScalarReader:
    """Scalars in memory, for emitters: each attribute loads the field of that name, as float32 or int32."""

    def __init__(self, description: type[Scalars], b: Builder, address: Value) -> None:
        self._description, self._builder, self._address = description, b, address

    def __getattr__(self, name: str) -> Value:
        """Load a field."""
        kind = F32 if self._description.is_float(name) else I32
        place = offset(self._builder, self._address, self._description.offset(name))
        return load(self._builder, place, kind)
