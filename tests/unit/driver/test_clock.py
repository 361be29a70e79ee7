"""The host's clock as the clock of boards."""

from __future__ import annotations

import pytest

from axemu.driver import Clock, _clock


def test_it_begins_at_the_first_call_and_waits_for_what_lies_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [50.0], list[float]()
    monkeypatch.setattr(_clock.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(_clock.time, "sleep", slept.append)
    clock = Clock()
    clock.wait_until(0.0)
    now[0] = 50.25
    clock.wait_until(1.0)
    now[0] = 53.0
    clock.wait_until(2.0)
    assert slept == [0.0, 0.75, 0.0]
