"""What all answers have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Shares = dict[str, float]


class Answer(BaseModel):
    """JSON that a command prints."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


def key(description: str) -> Any:
    """Return what a key of an answer means."""
    return Field(description=description)
