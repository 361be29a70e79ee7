"""PyTorch modules, when torch is installed."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from axelera.compiler._errors import ModelError


def is_torch_module(model: Any) -> bool:
    """Tell whether `model` looks like a torch module, without importing torch."""
    return callable(model) and hasattr(model, "state_dict") and hasattr(model, "eval")


def export_module(module: Any, sample: npt.NDArray[np.float32], opset: int) -> onnx.ModelProto:
    """Export a torch module in evaluation mode as ONNX.

    Args:
        module: the module; its training flag is restored afterwards.
        sample: one input (1, C, H, W), which fixes the shape.
        opset: ONNX opset of the export.

    Raises:
        ModelError: torch is missing or cannot export the module.
    """
    try:
        import torch  # noqa: PLC0415  an optional dependency
    except ImportError as error:
        raise ModelError("a torch module needs torch; install it, or export the module to ONNX") from error
    training = bool(module.training)
    module.eval()
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(module, (torch.from_numpy(sample),), buffer, opset_version=opset, dynamo=False)
    except Exception as error:  # torch raises whatever stopped its tracer
        raise ModelError(f"torch cannot export {type(module).__name__} to ONNX: {error}") from error
    finally:
        module.train(training)
    return onnx.load_from_string(buffer.getvalue())
