"""What a property of the configuration does in this compiler, written beside its definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

__all__ = ["Effect", "Here"]


class Effect(StrEnum):
    """What becomes of a value that differs from the default."""

    MODELLED = "modelled"
    WITHOUT_EFFECT = "accepted without effect"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Here:
    """The effect of one property in this compiler.

    Attributes:
        effect: what becomes of a value other than the default.
        note: one sentence for users: what it does, or why it does nothing, or why it is refused.
        refuses: single values that are refused although the property as such is not, with the reason.
    """

    effect: Effect
    note: str
    refuses: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def modelled(note: str, **refuses: str) -> Here:
    """A property that changes the compiled model, the report or where files go."""
    return Here(Effect.MODELLED, note, MappingProxyType(refuses))


def without_effect(note: str) -> Here:
    """A property whose value can neither change a result nor be seen in this compiler's output."""
    return Here(Effect.WITHOUT_EFFECT, note)


def refused(note: str) -> Here:
    """A property that would change the compiled model in a way this compiler cannot follow."""
    return Here(Effect.REFUSED, note)
