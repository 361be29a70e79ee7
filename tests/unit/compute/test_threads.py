"""The budget of threads."""

from __future__ import annotations

import gc
import os
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


def waiting(budget: ThreadBudget, number: int) -> None:
    """Return when so many callers wait."""
    for _ in range(500):
        if budget._waiting == number:
            return
        time.sleep(0.01)
    pytest.fail(f"{budget._waiting} wait, not {number}")


def test_turns_are_passed_on_in_the_order_of_asking() -> None:
    budget, order = ThreadBudget(1), []

    def work(number: int) -> None:
        with budget.taken(1, serve):
            order.append(number)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    with budget.taken(1, serve):
        for number, worker in enumerate(workers):
            worker.start()
            waiting(budget, number + 1)
            time.sleep(0.01)  # it reads the pipe next
    for worker in workers:
        worker.join()
    assert order == [0, 1, 2, 3, 4]


def test_who_waits_goes_before_helpers() -> None:
    budget, found = ThreadBudget(3), []

    def work() -> None:
        with budget.taken(3, serve) as helpers:
            found.append(len(helpers))

    workers = [threading.Thread(target=work) for _ in range(3)]
    with budget.taken(3, serve) as helpers:
        assert len(helpers) == 2
        for number, worker in enumerate(workers):
            worker.start()
            waiting(budget, number + 1)
    for worker in workers:
        worker.join()
    assert found == [0, 0, 0]


class _InterruptedError(Exception):
    """What a signal handler raises."""


@pytest.mark.parametrize("passed", [False, True])
def test_no_turn_is_lost_when_a_wait_is_interrupted(passed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = ThreadBudget(1)
    holder = budget.taken(1, serve)
    holder.__enter__()
    read = os.read

    def interrupted(file: int, count: int) -> bytes:
        monkeypatch.setattr(threads_module.os, "read", read)
        if passed:  # the turn comes while the signal is handled
            holder.__exit__(None, None, None)
        raise _InterruptedError

    monkeypatch.setattr(threads_module.os, "read", interrupted)
    with pytest.raises(_InterruptedError), budget.taken(1, serve):
        pass
    if not passed:
        holder.__exit__(None, None, None)
    with budget.taken(1, serve):
        assert (budget._free, budget._waiting) == (0, 0)
    assert budget._free == 1


def test_a_forked_process_has_a_budget_of_its_own() -> None:
    with threads_module.shared_budget().taken(threads_module.core_count(), serve):
        child = os.fork()
        if child == 0:
            with threads_module.shared_budget().taken(1, serve):
                os._exit(7)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7


def test_a_total_below_one_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="the total of compute threads is 0"):
        ThreadBudget(0)


def test_the_environment_sets_the_total_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, total in (("3", 3), ("", threads_module.core_count())):
        monkeypatch.setenv("AXEMU_COMPUTE_THREADS", text)
        threads_module._budget_of.cache_clear()
        assert threads_module.shared_budget().total == total
    monkeypatch.setenv("AXEMU_COMPUTE_THREADS", "many")
    threads_module._budget_of.cache_clear()
    with pytest.raises(InvalidArgument, match="AXEMU_COMPUTE_THREADS is 'many'"):
        threads_module.shared_budget()
    threads_module._budget_of.cache_clear()


@pytest.mark.parametrize("text", ["9" * 5000, "²", "1_0", "-1", "abc"])
def test_a_number_of_threads_is_a_plain_number(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_COMPUTE_THREADS", text)
    with pytest.raises(InvalidArgument, match=r"AXEMU_COMPUTE_THREADS is .* expected a number of threads"):
        threads_module.thread_setting("AXEMU_COMPUTE_THREADS", 1)
