"""A pass: a step of the compiler with a name, and who looks at what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Watch = Callable[[str, Any], None]
"""Called after a pass with its name and the state it left."""

_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@dataclass(frozen=True, slots=True)
class Pass(Generic[P, T]):
    """A function of the compiler under a name.

    Attributes:
        run: the function; it returns the new state, or changes the graph it is given and says whether it did.
        purpose: what it is for, in one line.
    """

    run: Callable[P, T]
    purpose: str

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.run.__name__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it, and show the state to who watches."""
        result = self.run(*args, **kwargs)
        if (watch := _WATCH.get()) is not None:
            watch(self.name, args[0] if result is None or isinstance(result, bool) else result)
        return result


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Call `watch` after every pass that runs inside the block, in this thread."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)
