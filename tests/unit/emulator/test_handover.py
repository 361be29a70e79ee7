"""What one thread knows reaches another on every way of the standard library, and nothing else changes."""

from __future__ import annotations

import gc
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from axemu.emulator import EmulatorDriver, _lines, parse_options
from axemu.emulator._causality import ITEMS, Story, knowledge
from axemu.emulator._handover import _line, _tokens, _Watch, handovers

Body = Callable[[], object]


@pytest.fixture
def story() -> Iterator[Story]:
    """Watch the ways; a log whose calls are told."""
    handovers.begin()
    told = Story()
    yield told
    told.open = False
    handovers.end()


class Teller:
    """Calls on behalf of a thread, numbered as a log numbers them."""

    def __init__(self, story: Story, thread: int) -> None:
        self._story, self._thread, self._index = story, thread, 0

    def call(self) -> tuple[tuple[int, int], ...]:
        """Make a call in the calling thread; return what it waited for."""
        self._index += 1
        heard = knowledge().before(self._story)
        knowledge().call(self._story, self._thread, self._index - 1, heard)
        return heard.calls


def elsewhere(body: Body) -> Any:
    """Run a body in a thread that is neither started nor joined under watch, so that only the body's own ways count."""
    results: list[object] = []
    done = threading.Lock()
    done.acquire()

    def run() -> None:
        try:
            results.append(body())
        finally:
            done.release()

    thread = threading.Thread(target=run)
    threading.Thread.start.__wrapped__(thread)  # type: ignore[attr-defined]
    assert done.acquire(timeout=30)
    return results[0]


def waited(story: Story, give: Body, take: Body) -> tuple[tuple[int, int], ...]:
    """Let thread 0 make a call and give, this thread take and make a call; return what that waited for."""
    first, second = Teller(story, 0), Teller(story, 1)

    def giver() -> None:
        first.call()
        give()

    elsewhere(giver)
    take()
    return second.call()


KINDS = [queue.Queue, queue.LifoQueue, queue.PriorityQueue, lambda: queue.SimpleQueue()]  # noqa: PLW0108  looked up while it is watched


@pytest.mark.parametrize("kind", KINDS, ids=["fifo", "lifo", "priority", "simple"])
def test_who_takes_from_a_queue_waited_for_who_put(story: Story, kind: Callable[[], Any]) -> None:
    line = kind()
    assert waited(story, lambda: line.put(5), line.get) == ((0, 0),)


def test_a_simple_queue_tells_who_does_not_wait_too(story: Story) -> None:
    line: Any = queue.SimpleQueue()
    assert waited(story, lambda: line.put_nowait(5), line.get_nowait) == ((0, 0),)


@pytest.mark.parametrize("kind", KINDS[:3], ids=["fifo", "lifo", "priority"])
def test_each_item_brings_what_was_known_when_it_was_put(story: Story, kind: Callable[[], Any]) -> None:
    line = kind()
    first = Teller(story, 0)

    def giver() -> None:
        for number in (30, 10, 20):
            first.call()
            line.put((number, object()))

    elsewhere(giver)
    number, _ = line.get()
    assert Teller(story, 1).call() == ((0, {30: 0, 10: 1, 20: 2}[number]),)


def test_equal_items_are_told_apart_by_their_order(story: Story) -> None:
    line: queue.Queue[None] = queue.Queue()
    first, second = Teller(story, 0), Teller(story, 1)

    def giver() -> None:
        for _ in range(3):
            first.call()
            line.put(None)

    elsewhere(giver)
    assert [(line.get(), second.call())[1] for _ in range(3)] == [((0, 0),), ((0, 1),), ((0, 2),)]


def test_who_puts_into_a_full_queue_waited_for_who_made_room(story: Story) -> None:
    line: queue.Queue[int] = queue.Queue(1)
    line.put(1)
    assert waited(story, line.get, lambda: line.put(2)) == ((0, 0),)


def test_a_queue_with_room_lets_nobody_wait(story: Story) -> None:
    line: queue.Queue[int] = queue.Queue(2)
    line.put(1)
    assert waited(story, line.get, lambda: line.put(2)) == ()


@pytest.fixture
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a put fail that waits for somebody to note what was taken."""

    def sleep(seconds: float) -> None:
        raise AssertionError("waits for what is never noted")

    monkeypatch.setattr(_lines, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))


@pytest.mark.usefixtures("nobody_waits")
def test_a_full_queue_that_the_program_emptied_itself_has_room(story: Story) -> None:
    line: queue.Queue[object] = queue.Queue(3)
    for _ in range(3):
        line.put(None)
    with line.mutex:
        line.queue.clear()
    for _ in range(2):
        line.put(None)
    line.put(None)
    assert waited(story, line.get, lambda: line.put(None)) == ((0, 0),)


@pytest.mark.usefixtures("nobody_waits")
def test_a_queue_may_refuse_items_it_holds(story: Story) -> None:
    class Different(queue.Queue[int]):
        def _put(self, item: int) -> None:
            if item not in self.queue:
                self.queue.append(item)

    line = Different(2)
    for _ in range(4):
        line.put(7)
    line.put(8)
    assert waited(story, line.get, lambda: line.put(9)) == ((0, 0),)


@pytest.mark.usefixtures("nobody_waits")
def test_a_queue_may_drop_its_oldest_item_for_a_new_one(story: Story) -> None:
    class Latest(queue.Queue[int]):
        def put(self, item: int, *_: object) -> None:
            with self.mutex:
                self.queue.clear()
                self.queue.append(item)
                self.not_empty.notify()

    line = Latest(1)
    for number in range(50):
        line.put(number)
        assert line.get() == number
    assert len(_line(line)._takers) <= 1


def test_items_that_a_program_dropped_leave_nothing_to_those_that_follow(story: Story) -> None:
    line: queue.Queue[None] = queue.Queue()
    first = Teller(story, 0)

    def giver() -> None:
        first.call()
        line.put(None)
        with line.mutex:
            line.queue.clear()
        first.call()
        line.put(None)

    elsewhere(giver)
    line.get()
    assert Teller(story, 1).call() == ((0, 1),)


def test_when_nobody_notes_what_was_taken_a_put_goes_on_and_the_next_is_told_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_lines, "PATIENCE", 0)
    line: queue.Queue[int] = queue.Queue(1)
    line.put(1)
    _line(line).enter()  # as if a thread were held up
    with line.mutex:
        line.queue.popleft()
    line.put(2)
    _line(line).take(line, 1)
    assert waited(story, line.get, lambda: line.put(3)) == ((0, 0),)


def test_a_queue_that_was_full_before_the_watch_tells_who_made_room() -> None:
    line: queue.Queue[int] = queue.Queue(1)
    line.put(1)
    handovers.begin()
    try:
        assert waited(Story(), line.get, lambda: line.put(2)) == ((0, 0),)
    finally:
        handovers.end()


def test_what_happened_between_two_watches_misleads_nobody() -> None:
    line: queue.Queue[None] = queue.Queue(2)
    semaphore = threading.Semaphore(1)
    handovers.begin()
    line.put(None)
    line.put(None)
    semaphore.release()
    handovers.end()
    for _ in range(2):
        line.get()
        semaphore.acquire()
    handovers.begin()
    try:
        assert waited(Story(), lambda: line.put(None), line.get) == ((0, 0),)
        assert waited(Story(), semaphore.release, semaphore.acquire) == ((0, 0),)
        assert len([name for name in vars(line) if name.startswith("_axemu")]) == 1
    finally:
        handovers.end()


def test_a_finalizer_may_put_into_a_queue_that_is_just_noting(story: Story) -> None:
    line: Any = queue.SimpleQueue()
    with _line(line)._lock:
        line.put(1)  # this would never return
    assert line.get() == 1


def test_what_was_refused_and_is_taken_all_the_same_leaves_nothing(story: Story) -> None:
    line: queue.Queue[None] = queue.Queue()
    entry = _line(line).offer(line, None)  # as if it waited for room
    line.put(None)
    line.get()  # the same object, taken for the first one
    _line(line).withdraw(None, entry)
    assert not _line(line)._items


def test_what_a_full_queue_refused_is_forgotten(story: Story) -> None:
    line: queue.Queue[None] = queue.Queue(1)
    first = Teller(story, 0)

    def giver() -> None:
        first.call()
        line.put(None)
        first.call()
        with pytest.raises(queue.Full):
            line.put_nowait(None)

    elsewhere(giver)
    line.get()
    assert Teller(story, 1).call() == ((0, 0),)
    with pytest.raises(queue.Empty):
        line.get_nowait()


def test_joining_a_queue_waits_for_all_that_is_done(story: Story) -> None:
    line: queue.Queue[int] = queue.Queue()
    line.put(1)
    assert waited(story, lambda: (line.get(), line.task_done()), line.join) == ((0, 0),)


def test_an_event_that_is_set_tells_who_waits_or_looks(story: Story) -> None:
    for look in ("wait", "is_set"):
        event = threading.Event()
        assert waited(story, event.set, getattr(event, look)) == ((0, 0),)


def test_an_event_that_was_cleared_or_not_yet_set_tells_nothing(story: Story) -> None:
    event = threading.Event()
    assert waited(story, lambda: (event.set(), event.clear()), lambda: event.wait(0.01)) == ()
    assert waited(story, lambda: None, event.is_set) == ()


def test_a_condition_tells_who_was_waiting(story: Story) -> None:
    condition = threading.Condition()
    ready: list[int] = []
    first = Teller(story, 0)

    def giver() -> None:
        first.call()
        with condition:
            ready.append(1)
            condition.notify_all()

    with condition:
        thread = threading.Thread(target=giver)
        thread.start()
        assert condition.wait_for(lambda: ready, 30)
    assert Teller(story, 1).call() == ((0, 0),)
    thread.join()


@pytest.mark.parametrize("kind", [threading.Semaphore, threading.BoundedSemaphore])
def test_a_semaphore_tells_who_needs_the_release(story: Story, kind: type[threading.Semaphore]) -> None:
    semaphore = kind(1)
    with semaphore:  # free from the start
        assert Teller(story, 1).call() == ()
    first = Teller(story, 0)

    def giver() -> None:
        with semaphore:
            first.call()

    elsewhere(giver)
    with semaphore:
        assert Teller(story, 2).call() == ((0, 0),)


def test_a_semaphore_that_refuses_a_release_lets_nobody_in(story: Story) -> None:
    semaphore = threading.BoundedSemaphore(1)
    first = Teller(story, 0)

    def giver() -> None:
        first.call()
        with pytest.raises(ValueError, match="released too many times"):
            semaphore.release()
        semaphore.acquire()
        first.call()
        semaphore.release()

    elsewhere(giver)
    semaphore.acquire()
    assert Teller(story, 1).call() == ((0, 1),)


def test_an_executor_keeps_nothing_of_tasks_that_are_done(story: Story) -> None:
    with ThreadPoolExecutor(1) as executor:
        for _ in range(20):
            executor.submit(int).result()
        idle: Any = executor._idle_semaphore
        assert len(_tokens(idle)) <= 2  # its worker, and one on its way


def test_an_executor_hands_on_what_it_is_given(story: Story) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(dict, method=1, original=2, arguments=3, fn=4).result() == {
            "method": 1,
            "original": 2,
            "arguments": 3,
            "fn": 4,
        }


@pytest.mark.parametrize("way", ["queue", "semaphore"])
def test_what_a_future_calls_back_hands_over_as_well(story: Story, way: str) -> None:
    line: queue.Queue[object] = queue.Queue()
    semaphore = threading.Semaphore(0)
    second = Teller(story, 1)

    def called(future: Future[object]) -> None:
        if way == "queue":
            line.put(future)
        else:
            semaphore.release()

    future: Future[object] = Future()
    future.add_done_callback(called)
    elsewhere(lambda: (second.call(), future.set_result(None)))
    if way == "queue":
        line.get()
    else:
        semaphore.acquire()
    assert Teller(story, 0).call() == ((1, 0),)


def test_a_barrier_tells_of_those_who_meet_after_it_was_broken(story: Story) -> None:
    barrier = threading.Barrier(2)
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait(0)
    barrier.reset()
    waits: dict[int, set[tuple[int, int]]] = {}

    def body(number: int) -> None:
        teller = Teller(story, number)
        teller.call()
        barrier.wait(30)
        waits[number] = set(teller.call())

    threads = [threading.Thread(target=body, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits == {0: {(1, 0)}, 1: {(0, 0)}}


def test_a_barrier_tells_everybody_of_everybody(story: Story) -> None:
    barrier = threading.Barrier(3)
    waits: dict[int, set[tuple[int, int]]] = {}

    def body(number: int) -> None:
        teller = Teller(story, number)
        teller.call()
        barrier.wait(30)
        waits[number] = set(teller.call())

    threads = [threading.Thread(target=body, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits == {n: {(other, 0) for other in range(3) if other != n} for n in range(3)}


def test_a_thread_knows_what_its_starter_knew_and_who_joins_it_what_it_knew(story: Story) -> None:
    found: list[object] = []
    first, second = Teller(story, 0), Teller(story, 1)
    first.call()
    thread = threading.Thread(target=lambda: found.append(second.call()))
    thread.start()
    thread.join()
    assert found == [((0, 0),)]
    assert first.call() == ((1, 0),)


def test_a_future_brings_what_its_task_knew_and_its_errors(story: Story) -> None:
    first, second = Teller(story, 0), Teller(story, 1)

    def task(error: bool) -> str:
        second.call()
        if error:
            raise ValueError("as ever")
        return "done"

    with ThreadPoolExecutor(1) as executor:
        good, bad = executor.submit(task, False), executor.submit(task, True)
        assert good.result() == "done"
        assert first.call() == ((1, 0),)
        with pytest.raises(ValueError, match="as ever"):
            bad.result()
        assert first.call() == ((1, 1),)


def test_a_future_may_hold_what_is_neither_true_nor_false(story: Story) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(np.zeros, 3).result().tolist() == [0, 0, 0]


def test_a_cancelled_future_stays_cancelled(story: Story) -> None:
    future: Future[int] = Future()
    assert future.cancel()
    assert future.cancelled()


def test_a_call_waits_for_the_latest_it_heard_of_and_only_once(story: Story) -> None:
    line: queue.Queue[int] = queue.Queue()
    first, second = Teller(story, 0), Teller(story, 1)

    def giver() -> None:
        for number in range(3):
            first.call()
            line.put(number)

    elsewhere(giver)
    for _ in range(3):
        line.get()
    assert second.call() == ((0, 2),)
    assert second.call() == ()


def test_a_thread_for_each_frame_waits_for_the_one_before_it_alone(story: Story) -> None:
    waits: list[object] = []
    for number in range(5):
        teller = Teller(story, number)
        thread = threading.Thread(target=lambda teller=teller: waits.append(teller.call()))
        thread.start()
        thread.join()
    assert waits == [(), ((0, 0),), ((1, 0),), ((2, 0),), ((3, 0),)]


def test_threads_with_several_frames_each_wait_for_the_last_of_the_one_before(story: Story) -> None:
    waits: list[object] = []
    for number in range(5):
        teller = Teller(story, number)
        body = lambda teller=teller: waits.append([teller.call(), teller.call()])  # noqa: E731
        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
    assert waits == [[(), ()]] + [[((number, 1),), ()] for number in range(4)]


def test_a_call_is_waited_for_unless_the_ones_waited_for_came_after_it(story: Story) -> None:
    line: queue.Queue[int] = queue.Queue()
    first, second = Teller(story, 0), Teller(story, 1)

    def give(teller: Teller) -> None:
        teller.call()
        line.put(0)

    elsewhere(lambda: give(first))
    elsewhere(lambda: (line.get(), give(second)))  # after the first one's call
    elsewhere(lambda: give(first))  # after nothing
    line.get()
    line.get()
    assert Teller(story, 2).call() == ((1, 0), (0, 1))


def test_what_is_heard_is_passed_on_by_threads_that_call_nothing(story: Story) -> None:
    one: queue.Queue[int] = queue.Queue()
    two: queue.Queue[int] = queue.Queue()

    def give() -> None:
        one.put(1)
        elsewhere(lambda: two.put(one.get()))

    assert waited(story, give, two.get) == ((0, 0),)


def test_a_thread_that_calls_nothing_remembers_a_bounded_number_of_queues(story: Story) -> None:
    for _ in range(ITEMS + 10):
        line: queue.Queue[int] = queue.Queue()
        line.put(1)
        line.get()
    assert len(knowledge().items) == ITEMS


def test_nothing_of_a_log_that_is_over_is_kept(story: Story) -> None:
    Teller(story, 0).call()
    assert (story, 0) in knowledge().stamp()
    story.open = False
    assert (story, 0) not in knowledge().stamp()


def test_a_pace_that_is_dropped_watches_no_longer() -> None:
    driver = EmulatorDriver(parse_options({}, "test"))
    pace = weakref.ref(driver._pace)
    story = driver._pace._log._story  # type: ignore[attr-defined]
    assert story is not None
    assert story.open
    del driver
    gc.collect()
    assert pace() is None
    assert not story.open


FORKING = """
import os, queue, signal, threading
from axemu.emulator._handover import handovers

def hand_over():
    line, event, barrier = queue.Queue(1), threading.Event(), threading.Barrier(1)
    line.put(1), line.get(), event.set(), event.is_set(), barrier.wait()

def busily():
    while True:
        hand_over()

handovers.begin()
for _ in range(2):
    threading.Thread(target=busily, daemon=True).start()
for _ in range(60):
    child = os.fork()
    if not child:
        signal.alarm(30)
        hand_over()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
os._exit(0)
"""


def test_a_child_that_is_forked_while_others_hand_over_may_hand_over_too() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_simple_queue_is_one_whenever_it_was_made() -> None:
    made = [queue.SimpleQueue[int]()]
    handovers.begin()
    made.append(queue.SimpleQueue())
    watched = [isinstance(line, queue.SimpleQueue) for line in made]
    strange = isinstance([], queue.SimpleQueue)

    class Own(queue.SimpleQueue[int]):
        pass

    made.append(Own())
    own = [isinstance(line, Own) for line in made]
    handovers.end()
    assert watched == [isinstance(line, queue.SimpleQueue) for line in made[:2]] == [True, True]
    assert not strange
    assert own == [False, False, True]


def test_the_standard_library_is_as_it_was_once_nobody_watches() -> None:
    names = [
        (queue.Queue, "put"),
        (threading.Event, "set"),
        (threading.BoundedSemaphore, "release"),
        (Future, "result"),
        (queue, "SimpleQueue"),
    ]
    watch = _Watch()
    before = [getattr(owner, name) for owner, name in names]
    watch.begin()
    watch.begin()
    watch.end()
    during = [getattr(owner, name) for owner, name in names]
    watch.end()
    after = [getattr(owner, name) for owner, name in names]
    assert all(one is other for one, other in zip(before, after, strict=True))
    assert not any(one is other for one, other in zip(before, during, strict=True))
