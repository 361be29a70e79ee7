"""What every operator is: an object whose parameters are attributes, and which is called with values."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self, dataclass_transform

import numpy as np

from axemu.driver import InvalidArgument


class Unpacked(tuple[Any, ...]):
    """Values that go to the next operator of a pipeline as separate arguments; a tuple to everybody else."""

    __slots__ = ()


def as_numpy(value: Any) -> Any:
    """Return a tensor of PyTorch as an array, and everything else as it is."""
    if isinstance(value, np.ndarray):
        return value
    if type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    return value


def _takes_numpy(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def converting(self: Operator, *values: Any, **named: Any) -> Any:
        return call(self, *map(as_numpy, values), **named)

    return converting


@dataclass_transform(eq_default=False)
class Operator:
    """Base of all operators. Annotated attributes of a subclass become parameters of its constructor.

    Parameters are plain attributes: changing one changes the next call. Tensors of PyTorch become NumPy arrays before
    `__call__` sees them.
    """

    can_be_saved: ClassVar[bool] = True
    """Whether a package of a stranger may hold it (ours)."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Turn the annotations into parameters."""
        super().__init_subclass__(**options)
        dataclasses.dataclass(eq=False, init="__init__" not in vars(cls))(cls)
        if "__call__" in vars(cls):
            cls.__call__ = _takes_numpy(vars(cls)["__call__"])  # type: ignore[method-assign]

    def __call__(self, *values: Any) -> Any:
        """Compute; see the subclass."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it computes")

    def parameters(self) -> dict[str, Any]:
        """Return what its constructor takes by name, operators inside not included (ours)."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.init}  # type: ignore[arg-type]

    @property
    def children(self) -> tuple[Operator, ...]:
        """The operators inside this one, in the order in which they run."""
        return ()

    def with_children(self, children: tuple[Operator, ...]) -> Self:
        """Return a copy with other operators inside."""
        assert not children  # noqa: S101  those that have children override this
        return copy.copy(self)


class Wrapped(Operator):
    """Any callable as an operator; opaque to everything else."""

    can_be_saved = False
    function: Callable[..., Any]

    def __call__(self, *values: Any) -> Any:
        """Call the function."""
        return self.function(*values)


def as_operator(value: Any) -> Operator:
    """Return an operator as it is, a class of one made with its defaults, and anything else that can be called wrapped.

    Raises:
        InvalidArgument: it cannot be called.
    """
    if isinstance(value, Operator):
        return value
    if isinstance(value, type) and issubclass(value, Operator):
        return value()
    if not callable(value):
        raise InvalidArgument(
            f"a {type(value).__name__} is no operator; give an operator of axelera.runtime.op or something callable"
        )
    return Wrapped(value)


def every(operator: Operator) -> Iterator[Operator]:
    """Yield an operator and all inside it, in the order in which they run."""
    yield operator
    for child in operator.children:
        yield from every(child)


def duplicate(operator: Operator) -> Operator:
    """Return a copy that shares no parameter with the original; what parameters hold, such as models, stays the same objects."""
    return operator.with_children(tuple(duplicate(child) for child in operator.children))


def as_array(value: Any, who: Operator) -> np.ndarray[Any, Any]:
    """Return the value as an array.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "to_numpy"):
        return np.asarray(value.to_numpy())
    raise TypeError(f"{type(who).__name__}: takes an array, not a {type(value).__name__}")


class OperatorRegistry:
    """Operators of one's own by name, by which a saved pipeline finds them again."""

    _known: ClassVar[dict[str, type[Operator]]] = {}

    @classmethod
    def register(cls, name: str, operator: type[Operator]) -> type[Operator]:
        """Remember an operator under a name.

        Raises:
            InvalidArgument: it is no class of operators.
        """
        if not (isinstance(operator, type) and issubclass(operator, Operator)):
            raise InvalidArgument(f"{operator!r} is no subclass of Operator")
        cls._known[name] = operator
        return operator

    @classmethod
    def get(cls, name: str) -> type[Operator] | None:
        """Return what was registered."""
        return cls._known.get(name)

    @classmethod
    def known(cls, name: str) -> type[Operator] | None:
        """Return what was registered, or the operator of this package (ours)."""
        from axelera.runtime import op  # noqa: PLC0415  which imports this module

        found = cls._known.get(name) or vars(op).get(name)
        is_operator = isinstance(found, type) and issubclass(found, Operator) and found is not Operator
        return found if is_operator else None
