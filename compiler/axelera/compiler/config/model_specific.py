"""What a model file of a known family says about itself."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from axelera.compiler._errors import ConfigurationError

__all__ = ["extract_ultralytics_metadata"]

_MAX_TEXT = 1 << 16
_KEYS = ("task", "names", "stride", "imgsz", "batch", "channels", "kpt_shape")


def extract_ultralytics_metadata(model: Any) -> dict[str, Any]:
    """What an Ultralytics model says about itself, as JSON values for `CompilerConfig.model_metadata`.

    Args:
        model: path of an ONNX file, an `onnx.ModelProto` or the PyTorch model (a `YOLO` object or its module).

    Returns:
        Those of `task` (str), `names` (class index as str -> name), `stride` (int), `imgsz` ([height, width] in
        pixels), `batch` (int), `channels` (int) and `kpt_shape` ([points, values]) that the model knows.

    Raises:
        ConfigurationError: the model has no class names and no task, so it is not from Ultralytics, or an entry is
            not readable.
        ModelError: the file cannot be read.
    """
    if isinstance(model, str | Path):
        from axelera.compiler._onnx_file import read_onnx  # noqa: PLC0415  slow, and not needed for PyTorch models

        model = read_onnx(model)
    found = _from_onnx(model.metadata_props) if hasattr(model, "metadata_props") else _from_module(model)
    if not {"names", "task"} & found.keys():
        raise ConfigurationError(
            f"{type(model).__name__} holds no Ultralytics metadata (neither `names` nor `task`): "
            "export it with Ultralytics, or give model_metadata yourself"
        )
    return {key: _json(found[key]) for key in _KEYS if key in found}


def _from_onnx(entries: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        if entry.key not in _KEYS:
            continue
        if len(entry.value) > _MAX_TEXT:
            raise ConfigurationError(
                f"metadata entry {entry.key!r} of the ONNX file has {len(entry.value)} characters; at most {_MAX_TEXT} are read"
            )
        try:
            found[entry.key] = entry.value if entry.key == "task" else ast.literal_eval(entry.value)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise ConfigurationError(
                f"metadata entry {entry.key!r} of the ONNX file is not readable: {error}"
            ) from None
    return found


def _from_module(model: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in (model, getattr(model, "model", None)):
        for key in _KEYS:
            value = getattr(part, key, None)
            if value is not None and not callable(value):
                found.setdefault(key, value)
    return found


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # a tensor: the strides of the heads, of which the largest counts
        values = value.tolist()
        return int(max(values)) if isinstance(values, list) else int(values)
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ConfigurationError(f"{value!r} in the model's metadata has no JSON form")
