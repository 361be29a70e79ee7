"""What contexts, models, connections and instances have in common: an owner, and a release that may come twice."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Self

from axemu.driver import (
    AxeleraError,
    ConnectionError,  # noqa: A004
    Handle,
    InternalError,
    InvalidArgument,
)

if TYPE_CHECKING:
    from axelera.runtime._context import Context


def require_made(made: bool, what: str, maker: str) -> None:
    """Refuse an object that a program made itself.

    Raises:
        InvalidArgument: it was not made by `maker`.
    """
    if not made:
        raise InvalidArgument(
            f"a {what} is made by {maker}, which knows what belongs to it; call that instead"
        )


class Object(ABC):
    """Something a `Context` owns. Releasing it releases what was made from it; releasing it again does nothing.

    Every object is a context manager that releases itself at the end of its block.
    """

    def __init__(self) -> None:
        self._released = False
        self._process = os.getpid()
        self._changing = threading.RLock()  # a signal handler may release what its thread is just changing
        self._children: weakref.WeakSet[Object] = weakref.WeakSet()

    @property
    @abstractmethod
    def context(self) -> Context:
        """The `Context` that owns this object."""

    def release(self) -> None:
        """Release this object and everything made from it."""
        if self._process != os.getpid():
            self._released = True
            return
        try:
            with self._changing:
                if self._released:
                    return
                self._released = True
                children = list(self._children)
            with contextlib.ExitStack() as last_to_first:  # so that a failure in one keeps nothing else
                last_to_first.callback(self._free)
                for child in children:
                    last_to_first.callback(child.release)
        except BaseException as error:
            if self._released and not isinstance(error, Exception):
                self._abandon()
            raise

    def __enter__(self) -> Self:
        self._check_usable()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _adopt(self, child: Object) -> None:
        """Take responsibility for a new child, unless another thread released this object meanwhile."""
        with self._changing:
            if not self._released:
                self._children.add(child)
                return
        child.release()
        self._check_usable()

    @abstractmethod
    def _free(self) -> None:
        """Give back what the driver or the system lent; called once, after the children were released."""

    def _abandon(self) -> None:  # noqa: B027  most objects hold nothing but other objects
        """Leave what `_free` gives back to the context's next call: an interrupt came between."""

    def _check_usable(self) -> None:
        """Refuse to work after a release, or in a forked child, which owns none of its parent's cores.

        Raises:
            InvalidArgument: the object was released.
            ConnectionError: the object was made before a fork.
        """
        if self._released:
            raise InvalidArgument(
                f"this {type(self).__name__} was released and can't be used any more; make a new one"
            )
        if self._process != os.getpid():
            raise ConnectionError(
                f"this {type(self).__name__} belongs to process {self._process}, which this one was forked from; "
                "create a Context of your own in this process"
            )


class Lent(weakref.ref["Object"]):
    """Says that the object which a driver's handle was lent to is gone, by putting itself into `gone`.

    That is one call into C. An interrupt at the beginning of a finalizer written in Python would be the end of it, and
    nobody would ever know of the handle.
    """

    handle: Handle | None
    _kept: set[Lent]

    def __new__(cls, owner: Object, handle: Handle, kept: set[Lent], gone: deque[Handle | Lent]) -> Self:
        """Watch an object; `kept` keeps this alive for longer than the object."""
        lent = super().__new__(cls, owner, gone.append)
        lent.handle, lent._kept = handle, kept
        kept.add(lent)
        return lent

    def __init__(self, *_: object) -> None:
        """Leave everything to `__new__`, as its base does."""

    def returned(self) -> None:
        """Forget the handle, which was released."""
        self.handle = None
        self._kept.discard(self)


class driver_call:  # noqa: N801  used like a function
    """Let documented errors of a driver pass; report anything else that escapes it as the defect it is."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, AxeleraError | MemoryError):
            raise InternalError(f"{self._what}: the driver failed: {error!r}; please report this") from error
