"""The refusal of one operator."""

from __future__ import annotations


class CannotLower(Exception):  # noqa: N818  read as a sentence: raise CannotLower("only ...")
    """No operator of the chip expresses this ONNX operator; the message says why. Becomes a `Violation`."""
