"""What the tools of others say about a graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class CannotUnderstand(Exception):  # noqa: N818  read as a sentence: raise CannotUnderstand("...")
    """A graph contradicts itself or ONNX; the message says where. Becomes a `ModelError` that names the model."""


@contextmanager
def tool() -> Iterator[None]:
    """Take whatever onnx, onnx_ir or onnxscript raise as a word about the graph; goes around their calls alone.

    Raises:
        CannotUnderstand: they raised something; it is the cause.
    """
    try:
        yield
    except Exception as error:
        raise CannotUnderstand(f"{type(error).__name__}: {error}") from error
