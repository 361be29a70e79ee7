"""ONNX Runtime as an oracle for integers, the same on every CPU."""

from __future__ import annotations

import onnxruntime


def integer_options(*, unsigned: bool) -> onnxruntime.SessionOptions:
    """Return options with which sums of products of int8 weights are exact, for activations of uint8 or of int8.

    By default x86 CPUs without VNNI add pairs of products of uint8 by int8 in 16 bits, which saturate. The option
    against it is for those alone: with it, products of int8 by int8 go wrong (ONNX Runtime 1.32).
    """
    options = onnxruntime.SessionOptions()
    if unsigned:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options
