"""Builders of well-known networks as ONNX with seeded weights.

The architectures are real, the weights are synthetic: use them for sizes, speed and plumbing, never for accuracy.
"""

from typing import TYPE_CHECKING, Any

from axemu.zoo._registry import Network, Task, UnknownNetworkError, find, networks

if TYPE_CHECKING:
    from axemu.zoo._counts import Counts, count

__all__ = ["Counts", "Network", "Task", "UnknownNetworkError", "count", "find", "networks"]


def __getattr__(name: str) -> Any:
    """Import what needs onnx when it is first used."""
    if name in ("Counts", "count"):
        from axemu.zoo import _counts  # noqa: PLC0415

        return getattr(_counts, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
