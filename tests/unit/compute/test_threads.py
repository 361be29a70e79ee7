"""The budget of threads."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from axelera.driver import InvalidArgument
from axelera.emulator.compute import ThreadBudget
from axelera.emulator.compute import _threads as threads_module
from axelera.emulator.compute._library import library


def serve(_mailbox: int, _first: int, _second: int) -> None:
    """Stand in for the compiled life of a helper."""


def test_a_lone_run_gets_the_helpers_it_wants() -> None:
    with ThreadBudget(4).taken(3, serve) as helpers:
        assert len(helpers) == 2


def test_a_run_takes_only_what_is_free() -> None:
    budget = ThreadBudget(4)
    with budget.taken(3, serve) as first, budget.taken(3, serve) as second:
        assert (len(first), len(second)) == (2, 0)


def test_helpers_are_used_again() -> None:
    budget = ThreadBudget(2)
    with budget.taken(2, serve) as first:
        known = first[0]
    with budget.taken(2, serve) as second:
        assert second[0] is known


def test_helpers_come_back_when_a_run_fails() -> None:
    budget = ThreadBudget(2)
    with pytest.raises(RuntimeError), budget.taken(2, serve):
        raise RuntimeError
    with budget.taken(2, serve) as helpers:
        assert len(helpers) == 1


def test_helpers_end_with_their_budget() -> None:
    known = threading.active_count()
    serving = library("portable").serve
    budget = ThreadBudget(3)
    with budget.taken(3, serving) as helpers:
        assert len(helpers) == 2
    assert threading.active_count() == known + 2
    del budget, helpers
    gc.collect()
    for _ in range(200):
        if threading.active_count() == known:
            return
        time.sleep(0.01)
    pytest.fail(f"{threading.active_count() - known} helpers are still there")


def test_never_more_threads_than_the_total() -> None:
    budget = ThreadBudget(3)
    lock = threading.Lock()
    busy = most = 0

    def work() -> None:
        nonlocal busy, most
        for _ in range(20):
            with budget.taken(2, serve) as helpers:
                with lock:
                    busy += 1 + len(helpers)
                    most = max(most, busy)
                time.sleep(0.0005)
                with lock:
                    busy -= 1 + len(helpers)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == 3


def test_a_total_below_one_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="the total of compute threads is 0"):
        ThreadBudget(0)


def test_the_environment_sets_the_total_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, total in (("3", 3), ("", threads_module.core_count())):
        monkeypatch.setenv("AXEMU_COMPUTE_THREADS", text)
        threads_module.shared_budget.cache_clear()
        assert threads_module.shared_budget().total == total
    monkeypatch.setenv("AXEMU_COMPUTE_THREADS", "many")
    threads_module.shared_budget.cache_clear()
    with pytest.raises(InvalidArgument, match="AXEMU_COMPUTE_THREADS is 'many'"):
        threads_module.shared_budget()
    threads_module.shared_budget.cache_clear()
