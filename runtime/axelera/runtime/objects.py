"""The same classes as `axelera.runtime`, under the name some programs import them by."""

from axelera.runtime import (
    BoardType,
    Connection,
    Context,
    DeviceInfo,
    Model,
    ModelInstance,
    Object,
    TensorInfo,
)

__all__ = [
    "BoardType",
    "Connection",
    "Context",
    "DeviceInfo",
    "Model",
    "ModelInstance",
    "Object",
    "TensorInfo",
]
