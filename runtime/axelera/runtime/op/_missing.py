"""Operators whose names the vendor publishes and little else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axemu.driver import NotImplemented  # noqa: A004

_INSTEAD = "write it as a subclass of op.Operator"
UNPUBLISHED = {
    "decode_retina_face": f"its parameters are not published; {_INSTEAD}",
    "decode_lprnet": f"neither its alphabet nor its parameters are published; {_INSTEAD}",
    "ax_embedding": "what an Embedding holds is not published; keep the array",
    "match_gallery": "neither a gallery nor a Recognition is described; compare embeddings by their cosine in a function",
    "classify": "one example names it, and nothing describes it; use softmax, ax_classification and top_k",
}
"""Why each is not here, by name in snake_case."""
UNPUBLISHED |= {
    "".join(part.capitalize() for part in name.split("_")): reason for name, reason in UNPUBLISHED.items()
}


def not_here(name: str) -> Callable[..., Any]:
    """Return a function of that name, which refuses.

    Raises:
        NotImplemented: when it is called, with the reason.
    """

    def refuse(*_: Any, **__: Any) -> Any:
        raise NotImplemented(f"op.{name} is not here: {UNPUBLISHED[name]}")  # noqa: F901  the documented exception

    refuse.__name__ = refuse.__qualname__ = name
    return refuse
