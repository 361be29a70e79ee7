"""One broken rule of the operator matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: the node, its operator, the attribute values the rule looked at, the rule and a remedy."""

    node: str
    operator: str
    attributes: Mapping[str, Any]
    rule: str
    help: str

    def __str__(self) -> str:
        """Write the violation on one line."""
        seen = ", ".join(f"{name}={value}" for name, value in self.attributes.items())
        found = f" ({seen})" if seen else ""
        return f"node {self.node!r}, {self.operator}{found}: breaks the rule `{self.rule}`; {self.help}"
