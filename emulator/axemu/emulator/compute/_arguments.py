"""Arguments of kernels: one typed description per kernel, from which everything else about them follows.

A kernel gets the address of its arguments: int64 words, one per field of a subclass of `Arguments`, in the order in
which the class declares them. Assembler makes an object of the class, the linker packs it, and the kernel reads the words by
the names of the fields (`micro.reader`). A `Family` names the kernels that take such arguments.

    class Softmax(Arguments):
        input: Address
        pixels: int

    SOFTMAX = Family("softmax_{numerics}", Softmax, numerics=NUMERICS)

    SOFTMAX(numerics="exact")  # the kernel "softmax_exact"
    Softmax(input=Address(buffer, 0), pixels=64)  # its arguments
    Softmax.index("pixels")  # 1

`Scalars` describe in the same way the 32-bit values that kernels read besides.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, ClassVar, Generic, Self, TypeVar, dataclass_transform

import numpy as np
import numpy.typing as npt

from axemu.driver import InternalError

NUMERICS = ("exact", "metis")


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False)
class Record:
    """Values of one size in a row; each subclass is a frozen dataclass, with the fields of its bases first."""

    names: ClassVar[tuple[str, ...]] = ()
    """The fields in the order of their words."""
    kinds: ClassVar[tuple[str, ...]] = ()
    """Their annotations."""
    word: ClassVar[int]
    """Bytes of a word."""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True, eq=False)(cls)
        declared = fields(cls)  # type: ignore[arg-type]
        cls.names = tuple(field.name for field in declared)
        cls.kinds = tuple(str(field.type) for field in declared)

    @classmethod
    def index(cls, name: str) -> int:
        """Return the number of a field's word."""
        return cls.names.index(name)

    @classmethod
    def offset(cls, name: str) -> int:
        """Return the bytes before a field's word."""
        return cls.word * cls.index(name)

    @classmethod
    def size(cls) -> int:
        """Return the bytes of all words."""
        return cls.word * len(cls.names)

    def words(self) -> tuple[Any, ...]:
        """Return the values of the fields in the order of their words."""
        return tuple(getattr(self, name) for name in self.names)


class Arguments(Record):
    """What a kernel is given: words of 64 bits."""

    word = 8

    @classmethod
    def unpack(cls, words: Sequence[int] | npt.NDArray[np.int64]) -> Self:
        """Return what packed words hold; all values are plain integers."""
        return cls(**{name: int(word) for name, word in zip(cls.names, words, strict=True)})


class Scalars(Record):
    """Scalars of 32 bits: float32 where a field is declared `float`, int32 where it is declared `int`."""

    word = 4

    def __post_init__(self) -> None:
        """Hold floats as float32, so that whoever computes with them rounds as kernels do."""
        for name, kind in zip(self.names, self.kinds, strict=True):
            value = getattr(self, name)
            object.__setattr__(self, name, np.float32(value) if kind == "float" else int(value))

    @classmethod
    def is_float(cls, name: str) -> bool:
        """Return whether a field is a float32."""
        return cls.kinds[cls.index(name)] == "float"

    def pack(self) -> npt.NDArray[np.int32]:
        """Return the words."""
        return np.array(
            [value.view(np.int32) if isinstance(value, np.float32) else value for value in self.words()],
            np.int32,
        )


A = TypeVar("A", bound=Arguments)


class Operands(IntEnum):
    """With how many int64 a kernel is called."""

    CHUNK = 3
    """(arguments, chunk, chunks): one of several shares of the work."""
    RANGE = 5
    """(arguments, first, last, channel, channel_end): a range of pixels and of channels."""


@dataclass(frozen=True, slots=True)
class Kernel(Generic[A]):
    """A kernel; as the value of a word, the address of its code."""

    name: str
    arguments: type[A]
    operands: Operands


@dataclass(frozen=True, slots=True)
class Call:
    """A kernel and its arguments; neither where nothing is called."""

    kernel: Kernel[Any] | None = None
    arguments: Arguments | None = None


class Family(Generic[A]):
    """Kernels that take the same kind of arguments: one for every combination of what is chosen at compile time."""

    def __init__(
        self,
        pattern: str,
        arguments: type[A],
        operands: Operands = Operands.CHUNK,
        **choices: Sequence[str | int],
    ) -> None:
        self._pattern, self._arguments, self._operands, self._choices = pattern, arguments, operands, choices

    def __call__(self, **choice: str | int) -> Kernel[A]:
        """Return the kernel of a choice.

        Raises:
            InternalError: there is none.
        """
        if choice.keys() != self._choices.keys() or any(
            value not in self._choices[what] for what, value in choice.items()
        ):
            raise InternalError(f"kernel {self._pattern!r} has no variant {choice}, expected {self._choices}")
        return Kernel(self._pattern.format(**choice), self._arguments, self._operands)

    def variants(self) -> Iterator[tuple[Mapping[str, Any], Kernel[A]]]:
        """Yield every choice and its kernel."""
        for values in itertools.product(*self._choices.values()):
            choice = dict(zip(self._choices, values, strict=True))
            yield choice, self(**choice)
