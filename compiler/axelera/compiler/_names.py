"""What messages call a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx


def name_of(model: Any) -> str:
    """Return the name of a model: of its file, of its graph or of its class."""
    if isinstance(model, (str, Path)):
        return Path(model).stem
    if isinstance(model, onnx.ModelProto):
        return model.graph.name or "model"
    return type(model).__name__
