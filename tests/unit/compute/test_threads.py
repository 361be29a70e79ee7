"""The budget of threads."""

from __future__ import annotations

import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from axemu.driver import InvalidArgument
from axemu.emulator.compute import ThreadBudget
from axemu.emulator.compute import _threads as threads_module
from axemu.emulator.compute._library import library
from axemu.emulator.compute._threads import Helper


def serve(_mailbox: int, _first: int, _second: int) -> None:
    """Stand in for the compiled life of a helper."""


def helpers_of(budget: ThreadBudget, wanted: int) -> list[Helper]:
    """Return the helpers that a run got."""
    found: list[Helper] = []
    budget.hold(wanted, serve, found.extend)
    return found


def test_a_lone_run_gets_the_helpers_it_wants() -> None:
    assert len(helpers_of(ThreadBudget(4), 3)) == 2


def test_a_run_takes_only_what_is_free() -> None:
    budget, found = ThreadBudget(4), []

    def first(helpers: list[Helper]) -> None:
        found.append(len(helpers))
        budget.hold(3, serve, lambda helpers: found.append(len(helpers)))

    budget.hold(3, serve, first)
    assert found == [2, 0]


def test_a_run_aside_has_a_helper_for_each_of_its_threads() -> None:
    budget, found = ThreadBudget(2), []
    for wanted in (1, 2):
        budget.hold(wanted, serve, lambda helpers: found.append(len(helpers)), aside=True)
    assert found == [1, 2]


def test_helpers_of_runs_aside_do_not_hold_up_others() -> None:
    budget: ThreadBudget = ThreadBudget(2)
    aside: list[Helper] = []
    budget.hold(1, serve, aside.extend, aside=True)
    assert not set(map(id, aside)) & set(map(id, helpers_of(budget, 2)))


def test_a_helper_works_where_priorities_may_not_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(threads_module.os, "setpriority", refuse)
    served = threading.Event()
    Helper(lambda _mailbox, _first, _second: served.set(), aside=True).start()
    assert served.wait(30)


def test_helpers_are_used_again() -> None:
    budget = ThreadBudget(2)
    first, second = helpers_of(budget, 2), helpers_of(budget, 2)
    assert len(first) == 1
    assert second[0] is first[0]


def test_helpers_come_back_when_a_run_fails() -> None:
    budget = ThreadBudget(2)

    def fail(_helpers: list[Helper]) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        budget.hold(2, serve, fail)
    assert len(helpers_of(budget, 2)) == 1


def test_helpers_end_with_their_budget() -> None:
    code, ended = library("portable").serve, []

    def serving(mailbox: int, first: int, second: int) -> None:
        code(mailbox, first, second)
        ended.append(mailbox)

    budget = ThreadBudget(3)
    budget.hold(3, serving, lambda _: None)
    assert not ended
    del budget
    gc.collect()
    for _ in range(500):
        if len(ended) == 2:
            return
        time.sleep(0.01)
    pytest.fail(f"{len(ended)} of 2 helpers have ended")


def test_never_more_threads_than_the_total() -> None:
    budget = ThreadBudget(3)
    lock = threading.Lock()
    busy = most = 0

    def run(helpers: list[Helper]) -> None:
        nonlocal busy, most
        with lock:
            busy += 1 + len(helpers)
            most = max(most, busy)
        time.sleep(0.0005)
        with lock:
            busy -= 1 + len(helpers)

    def work() -> None:
        for _ in range(20):
            budget.hold(2, serve, run)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == 3
    assert budget._free == 3


def waiting(budget: ThreadBudget, number: int) -> None:
    """Return when so many callers wait."""
    for _ in range(500):
        if len(budget._queue) == number:
            return
        time.sleep(0.01)
    pytest.fail(f"{len(budget._queue)} wait, not {number}")


def test_turns_are_passed_on_in_the_order_of_asking() -> None:
    budget, order = ThreadBudget(1), []
    workers = [
        threading.Thread(target=budget.hold, args=(1, serve, lambda _, number=number: order.append(number)))
        for number in range(5)
    ]

    def keep(_helpers: list[Helper]) -> None:
        for number, worker in enumerate(workers):
            worker.start()
            waiting(budget, number + 1)

    budget.hold(1, serve, keep)
    for worker in workers:
        worker.join()
    assert order == [0, 1, 2, 3, 4]


def test_who_waits_goes_before_helpers() -> None:
    budget, found = ThreadBudget(3), []
    workers = [
        threading.Thread(target=budget.hold, args=(3, serve, lambda helpers: found.append(len(helpers))))
        for _ in range(3)
    ]

    def keep(helpers: list[Helper]) -> None:
        assert len(helpers) == 2
        for number, worker in enumerate(workers):
            worker.start()
            waiting(budget, number + 1)

    budget.hold(3, serve, keep)
    for worker in workers:
        worker.join()
    assert found == [0, 0, 0]


class _InterruptedError(Exception):
    """What a signal handler raises."""


@pytest.mark.parametrize("passed", [False, True])
def test_no_turn_is_lost_when_a_wait_is_interrupted(passed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    budget, end = ThreadBudget(1), threading.Event()
    holder = threading.Thread(target=budget.hold, args=(1, serve, lambda _: end.wait(20)))
    holder.start()

    def interrupted(_file: int, _count: int) -> bytes:
        monkeypatch.undo()
        if passed:  # the turn comes while the signal is handled
            end.set()
            holder.join()
        raise _InterruptedError

    monkeypatch.setattr(threads_module.os, "read", interrupted)
    with pytest.raises(_InterruptedError):
        helpers_of(budget, 1)
    end.set()
    holder.join()
    assert (budget._free, budget._queue) == (1, [])
    assert helpers_of(budget, 1) == []


def test_threads_that_ask_first_at_the_same_time_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_module, "_budgets", {})
    ready = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: (ready.wait(20), threads_module.shared_budget())[1], range(8)))
    assert len(set(map(id, found))) == 1


def test_a_forked_process_has_a_budget_of_its_own() -> None:
    status = []

    def fork(_helpers: list[Helper]) -> None:
        child = os.fork()
        if child == 0:
            threads_module.shared_budget().hold(1, serve, lambda _: os._exit(7))
        status.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    threads_module.shared_budget().hold(threads_module.core_count(), serve, fork)
    assert status == [7]


def test_a_total_below_one_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="the total of compute threads is 0"):
        ThreadBudget(0)


def test_the_environment_sets_the_total_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, total in (("3", 3), (" 3 ", 3), ("", threads_module.core_count())):
        monkeypatch.setenv("AXEMU_COMPUTE_THREADS", text)
        monkeypatch.setattr(threads_module, "_budgets", {})
        assert threads_module.shared_budget().total == total
