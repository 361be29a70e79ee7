"""How operators are put together, and how values flow between them.

The result of one operator is the single argument of the next. Only `Unpacked` values become separate arguments: what
`unpack`, a `par` without names, and a model with several outputs return.
"""

from __future__ import annotations

import copy
import os
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from axelera.runtime.op._core import Operator, Unpacked, as_operator, duplicate, every
from axelera.runtime.op._frame import current_frame, frame_context
from axelera.runtime.op._policy import check_policy
from axelera.runtime.op._types import BBox
from axemu.driver import InvalidArgument

if TYPE_CHECKING:
    from axelera.runtime.scheduler import Scheduler


class Combinator(Operator):
    """What holds other operators."""

    def __init__(self, who: str, operators: Iterable[Any]) -> None:
        """Take operators, their classes, or anything callable.

        Raises:
            InvalidArgument: there is none, or one cannot be called.
        """
        self.operators = tuple(Identity() if one is identity else as_operator(one) for one in operators)
        if not self.operators:
            raise InvalidArgument(f"{who}: give at least one operator")

    @property
    def children(self) -> tuple[Operator, ...]:
        """The operators."""
        return self.operators

    def with_children(self, children: tuple[Operator, ...]) -> Self:
        """Return a copy with other operators."""
        made = copy.copy(self)
        made.operators = children
        return made


class Seq(Combinator):
    """Operators one after the other. Made by `seq`; called with what the first one takes.

    A pipeline that is not called from within another works on its first argument as the frame's image.
    """

    def __init__(self, *operators: Any, name: str = "") -> None:
        """Take operators, their classes, or anything callable.

        Raises:
            InvalidArgument: there is none, or one cannot be called.
        """
        super().__init__("seq", operators)
        self.name = name
        for before, after in pairwise(self.operators):
            if isinstance(after, ForEach):
                after.follow(before)

    package: Any = None
    """Holds the files of a pipeline that came out of one."""

    def parameters(self) -> dict[str, Any]:
        """Return the name."""
        return {"name": self.name}

    def __call__(self, *values: Any) -> Any:
        """Run all; returns what the last one returns."""
        if current_frame() is not None:
            return _in_turn(self.operators, values)
        with frame_context(values[0] if values else None):
            return _in_turn(self.operators, values)

    def optimized(self, policy: str = "auto") -> Self:
        """Return a copy that may be faster.

        Nothing is fused here, so results are the same bit for bit, whatever the policy ("auto" or "none").

        Raises:
            ValueError: another policy.
        """
        check_policy(policy)
        return duplicate(self)  # type: ignore[return-value]

    def batch(self, *inputs: Any) -> list[Any]:
        """Run many frames on as many cores as pay off; see `Scheduler.batch`."""
        return _scheduler().batch(self, inputs)

    def stream(self, source: Any, *, max_in_flight: int | None = None) -> Iterator[tuple[Any, Any]]:
        """Yield (frame, result) for every frame of a source, in its order; see `Scheduler.stream`."""
        return _scheduler().stream(source, self, max_in_flight=max_in_flight)

    def node(self, cls: Callable[..., Any] | type[Operator]) -> Any:
        """Return the operator of a class inside: changing its parameters changes the next call.

        Raises:
            LookupError: there is none, or more than one.
        """
        found = [inner for inner in every(self) if inner is not self and isinstance(inner, cls)]  # type: ignore[arg-type]
        if len(found) != 1:
            name = getattr(cls, "__name__", str(cls))
            raise LookupError(f"{len(found)} operators {name} in this pipeline; expected one")
        return found[0]

    def save_axe(
        self,
        path: str | os.PathLike[str],
        *,
        name: str = "",
        description: str = "",
        task: str = "detection",
    ) -> None:
        """Write the pipeline and its models into one file, which `load` takes here (the vendor's format is not published).

        Args:
            path: something.axe; what is there is replaced.
            name: kept in the file, as are the next two.
            description: likewise.
            task: likewise.

        Raises:
            ValueError: the path does not end in .axe, a `for_each` holds a model, or an operator cannot be written down.
            FileNotFoundError: the file of a model is gone.
            InvalidArgument: the file cannot be written.
        """
        from axelera.runtime.op._package import save  # noqa: PLC0415  few programs save

        save(self, Path(path), {"name": name, "description": description, "task": task})

    def __repr__(self) -> str:
        return f"seq({', '.join(map(repr, self.operators))})"


def _scheduler() -> Scheduler:
    from axelera.runtime import scheduler  # noqa: PLC0415  which imports this module

    return scheduler.current()


def _in_turn(operators: Iterable[Operator], values: tuple[Any, ...]) -> Any:
    result: Any = None
    for operator in operators:
        result = operator(*values)
        values = result if isinstance(result, Unpacked) else (result,)
    return result


class Par(Combinator):
    """Branches that all get the same arguments. Made by `par`.

    Returns a NamedTuple when every branch has a name, otherwise values that go separately into the next operator.
    Each branch begins with the image and geometry that the first one found.
    """

    def __init__(self, *branches: Any, name: str = "") -> None:
        """Take operators, their classes, or anything callable.

        Raises:
            InvalidArgument: there is none, or two have the same name.
        """
        super().__init__("par", branches)
        self.name = name
        names = [_name_of(branch) for branch in self.operators]
        if len(set(names)) < len(names) and all(names):
            raise InvalidArgument(f"par: two branches have the same name: {', '.join(names)}")
        self._result = _named("Branches", names) if all(names) else None

    def parameters(self) -> dict[str, Any]:
        """Return the name."""
        return {"name": self.name}

    def __call__(self, *values: Any) -> Any:
        """Run every branch."""
        frame = current_frame()
        if frame is None:
            results = [branch(*values) for branch in self.operators]
        else:
            results = []
            for branch in self.operators[:-1]:
                with frame.unchanged():
                    results.append(branch(*values))
            results.append(self.operators[-1](*values))
        return Unpacked(results) if self._result is None else self._result(*results)

    def __repr__(self) -> str:
        return f"par({', '.join(map(repr, self.operators))})"


def _name_of(operator: Operator) -> str:
    """Return the name of a branch: its own, else that of the first model in it that has one."""
    for inner in every(operator):
        if name := getattr(inner, "name", ""):
            return str(name)
    return ""


def _named(title: str, names: list[str]) -> Callable[..., Any]:
    try:
        return namedtuple(title, names)  # noqa: PYI024  made of names known only now
    except ValueError as error:
        raise InvalidArgument(f"names {names}: {error}") from error


def _listed(items: str, results: str) -> Callable[..., Any]:
    """Return the NamedTuple of a list and the results for each; the list can always be had as `input`."""
    made = _named("ForEachResult", [items, results])
    if "input" not in (items, results):
        made.input = property(lambda pair: pair[0])  # type: ignore[attr-defined]
    return made


class ForEach(Combinator):
    """Operators that run for every element of a list. Made by `for_each`.

    Returns a NamedTuple of the list and the list of results. Within it an object's box is the region that boxes found
    now are in, and what `crop_roi` cuts out is the image.
    """

    def __init__(
        self,
        *operators: Any,
        iter: str | None = None,  # noqa: A002  the vendor's name
        name: str | None = None,
        save: str | None = None,
    ) -> None:
        """Take the operators; a text in front of them, or `name`, names the results ("output" without).

        Args:
            operators: as for `seq`.
            iter: name of the list in the result; without, that of the operator before in the pipeline, or "input", which
                always works as well.
            name: name of the results.
            save: accepted; what the vendor does with it is not published.

        Raises:
            InvalidArgument: no operator is given, or a name is none.
        """
        if operators and isinstance(operators[0], str):
            name, operators = operators[0], operators[1:]
        super().__init__("for_each", operators)
        self.name = name or "output"
        self.iter = iter
        self.save = save
        self._result = _listed(self.iter or "input", self.name)

    def parameters(self) -> dict[str, Any]:
        """Return the names."""
        return {"iter": self.iter, "name": self.name, "save": self.save}

    def follow(self, before: Operator) -> None:
        """Call the list what the operator before it is called, if nothing else was said."""
        name = str(getattr(before, "name", ""))
        if self.iter is None and name.isidentifier() and name != self.name:
            self._result = _listed(name, self.name)

    def __call__(self, *values: Any) -> Any:
        """Run the operators on each element.

        Raises:
            TypeError: it was not given exactly one list.
        """
        if len(values) != 1 or not isinstance(values[0], list | tuple):
            kinds = ", ".join(type(value).__name__ for value in values) or "nothing"
            raise TypeError(f"for_each: takes one list, not {kinds}")
        return self._result(values[0], [self._one(item) for item in values[0]])

    def _one(self, item: Any) -> Any:
        frame = current_frame()
        if frame is None:
            return _in_turn(self.operators, (item,))
        with frame.unchanged():
            box = getattr(item, "bbox", None)
            if isinstance(box, BBox):
                frame.parent = box.in_frame
            return _in_turn(self.operators, (item,))

    def __repr__(self) -> str:
        return f"for_each({self.name!r}, {', '.join(map(repr, self.operators))})"


class Pack(Operator):
    """Make one tuple of all arguments."""

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        """Return the arguments."""
        return values


class Unpack(Operator):
    """Hand the elements of a tuple or list on as separate arguments; anything else unchanged."""

    def __call__(self, *values: Any) -> Any:
        """Return the elements."""
        if len(values) == 1 and isinstance(values[0], tuple | list):
            return Unpacked(values[0])
        return values[0] if len(values) == 1 else Unpacked(values)


class Itemgetter(Operator):
    """Take an element, or a slice, of a tuple or list."""

    index: int | slice

    def __call__(self, *values: Any) -> Any:
        """Return the element.

        Raises:
            TypeError: what it is given has no elements.
            IndexError: it has fewer.
        """
        (whole,) = values if len(values) == 1 else (values,)
        if not isinstance(whole, tuple | list):
            raise TypeError(f"itemgetter: takes a tuple or list, not a {type(whole).__name__}")
        try:
            return whole[self.index]
        except IndexError:
            raise IndexError(f"itemgetter({self.index}): there are {len(whole)} elements") from None


class Constant(Operator):
    """Return a value, whatever comes in."""

    value: Any

    def __call__(self, *values: Any) -> Any:  # noqa: ARG002
        """Return the value."""
        return self.value


_NOTHING: Any = object()


def constant(*values: Any, value: Any = _NOTHING) -> Any:
    """Return an operator that returns a value: `constant(7)` or `constant(value=7)`.

    With both, as the vendor documents the function, it is called already: the result is `value`.

    Raises:
        TypeError: there is no value, or more than one.
    """
    if value is not _NOTHING:
        return value if values else Constant(value)
    if len(values) != 1:
        raise TypeError(f"constant: {len(values)} values given; give one")
    return Constant(values[0])


class Identity(Operator):
    """Return what comes in: `identity` as an operator."""

    def __call__(self, *values: Any) -> Any:
        """Return the argument, or all of several."""
        return values[0] if len(values) == 1 else Unpacked(values)


def identity(*values: Any) -> Any:
    """Return what comes in; a branch of `par` that keeps a value: `par(op.identity, …)`, or `par(op.identity(), …)`."""
    return Identity()(*values) if values else Identity()


seq, par, for_each = Seq, Par, ForEach
pack, unpack = Pack, Unpack
itemgetter = select = ItemGetter = Itemgetter
