"""What contexts, models, connections and instances have in common: an owner, and a release that may come twice."""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Self

from axelera.driver import ConnectionError, InvalidArgument  # noqa: A004

if TYPE_CHECKING:
    from axelera.runtime._context import Context


class Object(ABC):
    """Something a `Context` owns. Releasing it releases what was made from it; releasing it again does nothing.

    Every object is a context manager that releases itself at the end of its block.
    """

    def __init__(self) -> None:
        self._released = False
        self._process = os.getpid()
        self._children: weakref.WeakSet[Object] = weakref.WeakSet()

    @property
    @abstractmethod
    def context(self) -> Context:
        """The `Context` that owns this object."""

    def release(self) -> None:
        """Release this object and everything made from it."""
        if self._released:
            return
        for child in list(self._children):
            child.release()
        self._released = True
        if self._process == os.getpid():
            self._free()

    def __enter__(self) -> Self:
        self._check_usable()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @abstractmethod
    def _free(self) -> None:
        """Give back what the driver or the system lent; called once, after the children were released."""

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
