"""Whether pipelines may be rewritten to be faster. Ours are not, so these only check what they are given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

POLICIES = ("auto", "none")


def check_policy(policy: str) -> None:
    """Refuse a policy that does not exist.

    Raises:
        ValueError: naming those that do.
    """
    if policy not in POLICIES:
        raise ValueError(f"policy {policy!r} is unknown; choose one of {', '.join(POLICIES)}")


@contextmanager
def optimize_policy(policy: str) -> Iterator[None]:
    """Choose the policy of the block.

    Raises:
        ValueError: it is unknown.
    """
    check_policy(policy)
    yield


def optimization_disabled() -> AbstractContextManager[None]:
    """Choose the policy "none" for the block."""
    return optimize_policy("none")
