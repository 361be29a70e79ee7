"""Every test here has boards and configuration of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_boards(own_boards: None) -> None:
    """Ask for them."""
