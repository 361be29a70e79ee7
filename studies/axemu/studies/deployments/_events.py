"""The event loop: frames, queues, host threads and instances, with the service figures of the machine.

An instance goes through a call as on the machine (`axemu.emulator.metis`): launch, copies over a link that is shared,
execution on cores that others may hold, at a rate that depends on who executes beside it. Times are in seconds.

Compiled by Numba: a point of a sweep may have a hundred thousand events. One module, since what Numba has stored of `_run` is
made anew only when this file changes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from axemu.chip import CORES
from axemu.studies.deployments._world import Floats, World

NEVER = np.inf
TIMER, IN, EXECUTE, OUT = range(4)
"""What an instance may be busy with."""
IDLE, LAUNCH, PIPELINED, SETUP_IN, COPY_IN, EXECUTING, SETUP_OUT, COPY_OUT, GAP = range(9)
"""Where an instance is."""
PRE, POST, ARRIVE = range(3)
"""What happens on the host: work on a frame before or after its call, or a loop sends its next."""
LAUNCHES, BRANCHES = 8, 16
"""What else is random, of which there may be many."""

Heap = Any


def compiled(**options: bool) -> Callable[[Any], Any]:
    """Compile a function; the code is kept where there is a directory that can be written."""

    def compile_(function: Any) -> Any:
        try:
            return njit(cache=True, nogil=True, **options)(function)  # type: ignore[call-overload]
        except RuntimeError:  # no such directory: every process compiles for itself
            return njit(nogil=True, **options)(function)  # type: ignore[call-overload]

    return compile_


inner = compiled(no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""For what only other compiled functions call: halves the time to compile."""


def simulate(world: World) -> bool:
    """Simulate; False when there were more frames than `world.frames` has room for."""
    _run(world)
    return not bool(world.scalars["full"][0])


@compiled()
def _run(world: World) -> int:  # noqa: C901, PLR0912  one loop
    heap = [(NEVER, 0, 0, 0)]
    jobs = [(0, 0, 0)]  # frames that wait for a thread of the host: order, what, frame
    jobs.clear()
    for stream in range(len(world.streams)):
        for token in range(world.streams[stream].tokens):
            world.scalars[0].sequence += 1
            begin = token * world.streams[stream].stagger
            heapq.heappush(heap, (begin, world.scalars[0].sequence, ARRIVE, stream))
    upcoming = 0
    while world.scalars[0].full == 0:
        soonest, where = NEVER, 0
        many = len(world.instances)
        for instance in range(many):
            for slot in range(4):
                if world.instances[instance].due[slot] < soonest:
                    soonest, where = world.instances[instance].due[slot], 4 * instance + slot
        now = min(soonest, heap[0][0])
        arrives = upcoming < len(world.arrivals) and world.arrivals[upcoming].time <= now
        if arrives:
            now = world.arrivals[upcoming].time
        if now > world.scalars[0].last or (now > world.scalars[0].end and world.scalars[0].open == 0):
            break
        if arrives:
            stream, camera = world.arrivals[upcoming].stream, world.arrivals[upcoming].camera
            upcoming += 1
            _arrive(world, heap, jobs, now, stream, camera)
        elif heap[0][0] <= soonest:
            _, _, what, which = heapq.heappop(heap)
            _happen(world, heap, jobs, now, what, which)
        else:
            _proceed(world, heap, jobs, now, where // 4, where % 4)
        for board in range(len(world.boards)):
            if world.boards[board].dirty:
                world.boards[board].dirty = False
                _settle(world, now, board)
    return int(world.scalars[0].made)


@inner
def _random(world: World, one: int, two: int, what: int) -> float:
    """Return a number in [0, 1), the same for the same event and purpose, whatever else happens (SplitMix64)."""
    word = world.scalars[0].seed ^ (np.uint64(one) * np.uint64(0x9E3779B97F4A7C15))
    word ^= np.uint64(two) * np.uint64(0xC2B2AE3D27D4EB4F) + np.uint64(what) * np.uint64(0x165667B19E3779F9)
    for _ in range(2):
        word += np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word ^= word >> np.uint64(31)
    return float(word >> np.uint64(11)) / 9007199254740992.0


@inner
def _draw(world: World, table: Floats, frame: int, what: int) -> float:
    """Draw from a table of quantiles."""
    root = world.frames[frame].root
    return float(table[int(_random(world, root, frame - root, what) * len(table))])


@inner
def _overlap(world: World, begin: float, end: float) -> float:
    return float(max(0.0, min(end, world.scalars[0].end) - max(begin, world.scalars[0].begin)))


@inner
def _frame(world: World, now: float, stream: int, camera: int, network: int, root: int) -> int:
    """Make a frame, or a crop of `root`."""
    made = world.scalars[0].made
    if made >= len(world.frames):
        world.scalars[0].full = 1
        return 0
    world.scalars[0].made = made + 1
    own = made if root < 0 else root
    world.frames[made].arrival = now
    world.frames[made].stream = stream
    world.frames[made].camera = camera
    world.frames[made].network = network
    world.frames[made].root = own
    world.frames[own].left += 1
    return int(made)


@inner
def _arrive(
    world: World,
    heap: Heap,
    jobs: Heap,
    now: float,
    stream: int,
    camera: int,
) -> None:
    frame = _frame(world, now, stream, camera, world.streams[stream].entry, -1)
    if world.scalars[0].begin <= now < world.scalars[0].end:
        world.scalars[0].open += 1
    _host(world, heap, jobs, now, PRE, frame)


@inner
def _host(
    world: World,
    heap: Heap,
    jobs: Heap,
    now: float,
    what: int,
    frame: int,
) -> None:
    """Do what the host does before or after a call, as soon as it has a thread for it."""
    world.scalars[0].sequence += 1
    table = _table(world, what, frame)
    time = 0.0
    if table[-1] > 0:
        if world.scalars[0].threads == 0:
            heapq.heappush(jobs, (world.scalars[0].sequence, what, frame))
            return
        world.scalars[0].threads -= 1
        time = _draw(world, table, frame, what)
        world.scalars[0].host += _overlap(world, now, now + time)
    heapq.heappush(heap, (now + time, world.scalars[0].sequence, what, frame))


@inner
def _table(world: World, what: int, frame: int) -> Floats:
    network = world.frames[frame].network
    table: Floats = world.pre[network] if what == PRE else world.post[network]
    return table


@inner
def _happen(
    world: World,
    heap: Heap,
    jobs: Heap,
    now: float,
    what: int,
    which: int,
) -> None:
    """A thread of the host is done with a frame, or a loop sends its next."""
    if what == ARRIVE:
        _arrive(world, heap, jobs, now, which, -1)
        return
    if _table(world, what, which)[-1] > 0:
        world.scalars[0].threads += 1
    _ready(world, heap, jobs, now, what, which)
    if len(jobs) > 0 and world.scalars[0].threads > 0:
        _, next_what, frame = heapq.heappop(jobs)
        _host(world, heap, jobs, now, next_what, frame)


@inner
def _ready(
    world: World,
    heap: Heap,
    jobs: Heap,
    now: float,
    what: int,
    frame: int,
) -> None:
    """Queue a frame for its network, or send its crops on and count it as done."""
    network, root = world.frames[frame].network, world.frames[frame].root
    if what == PRE:
        _queue(world, heap, now, network, frame)
        _dispatch(world, now, network)
        return
    for branch in range(len(world.branches)):
        if world.branches[branch].after != network:
            continue
        crops = int(_draw(world, world.crops[branch], frame, BRANCHES + branch))
        for _ in range(crops):
            crop = _frame(
                world,
                now,
                world.frames[root].stream,
                world.frames[root].camera,
                world.branches[branch].to,
                root,
            )
            _host(world, heap, jobs, now, PRE, crop)
    world.frames[frame].done = now
    _one_less(world, heap, now, root)


@inner
def _one_less(world: World, heap: Heap, now: float, root: int) -> None:
    """A frame or one of its crops is done or dropped."""
    world.frames[root].left -= 1
    if world.frames[root].left > 0:
        return
    world.frames[root].done = now
    if world.scalars[0].begin <= world.frames[root].arrival < world.scalars[0].end:
        world.scalars[0].open -= 1
    stream = world.frames[root].stream
    if world.streams[stream].tokens > 0:
        world.scalars[0].sequence += 1
        heapq.heappush(heap, (now + world.scalars[0].gap, world.scalars[0].sequence, ARRIVE, stream))


@inner
def _queue(
    world: World,
    heap: Heap,
    now: float,
    network: int,
    frame: int,
) -> None:
    counts = world.scalars[0].begin <= now < world.scalars[0].end
    if counts:
        world.networks[network].entered += 1
    limit = world.networks[network].limit
    lost = -1
    # A frame that an idle instance takes at once does not wait.
    if limit > 0 and world.networks[network].length >= limit and not _free(world, network):
        lost = world.networks[network].head if world.networks[network].oldest else frame
        if world.networks[network].oldest:
            _take(world, network)
    if lost != frame:
        if world.networks[network].length == 0:
            world.networks[network].head = frame
        else:
            world.frames[world.networks[network].tail].behind = frame
        world.networks[network].tail = frame
        world.networks[network].length += 1
    if lost >= 0:
        root = world.frames[lost].root
        world.frames[lost].dropped = 1
        if counts:
            world.networks[network].dropped += 1
        _one_less(world, heap, now, root)
    world.networks[network].longest = max(world.networks[network].longest, world.networks[network].length)


@inner
def _take(world: World, network: int) -> int:
    frame = world.networks[network].head
    world.networks[network].length -= 1
    world.networks[network].head = world.frames[frame].behind if world.networks[network].length else -1
    return int(frame)


@inner
def _free(world: World, network: int) -> bool:
    for instance in range(len(world.instances)):
        if world.instances[instance].network == network and world.instances[instance].phase == IDLE:
            return True
    return False


@inner
def _dispatch(world: World, now: float, network: int) -> None:
    """Let the instances that have been idle longest take what waits."""
    width = world.networks[network].width
    while world.networks[network].length >= width:
        chosen = -1
        for instance in range(len(world.instances)):
            if world.instances[instance].network != network or world.instances[instance].phase != IDLE:
                continue
            if chosen < 0 or world.instances[instance].idle < world.instances[chosen].idle:
                chosen = instance
        if chosen < 0:
            return
        for place in range(width):
            world.instances[chosen].held[0, place] = _take(world, network)
        world.instances[chosen].phase = LAUNCH
        world.instances[chosen].called = now
        number = world.instances[chosen].number
        vary = world.scalars[0].spread * (2 * _random(world, chosen, number, LAUNCHES) - 1)
        _timer(world, now, chosen, max(0.0, world.networks[network].launch + vary))
        world.instances[chosen].number = number + 1


@inner
def _timer(world: World, now: float, instance: int, seconds: float) -> None:
    world.instances[instance].due[TIMER] = now + seconds


@inner
def _begin(world: World, now: float, instance: int, slot: int, amount: float) -> None:
    """Begin a copy or an execution; its rate is settled at the end of the event."""
    world.instances[instance].left[slot] = amount
    world.instances[instance].speed[slot] = 0.0
    world.instances[instance].since[slot] = world.instances[instance].began[slot] = now
    world.instances[instance].due[slot] = 1e300 if amount > 0 else now  # in progress
    world.boards[world.boards[world.instances[instance].board].domain].dirty = True


@inner
def _want(world: World, now: float, instance: int) -> None:
    """Execute as soon as the cores are free."""
    world.scalars[0].sequence += 1
    world.instances[instance].waiting = world.scalars[0].sequence
    _grant(world, now, world.instances[instance].board)


@inner
def _grant(world: World, now: float, board: int) -> None:
    """Give free cores to those that wait, in the order in which they began to."""
    refused = 0
    while True:
        chosen = -1
        for instance in range(len(world.instances)):
            if world.instances[instance].board != board or world.instances[instance].waiting <= refused:
                continue
            if chosen < 0 or world.instances[instance].waiting < world.instances[chosen].waiting:
                chosen = instance
        if chosen < 0:
            return
        refused = world.instances[chosen].waiting
        first, width = world.instances[chosen].first, world.networks[world.instances[chosen].network].width
        free = True
        for core in range(first, first + width):
            if world.boards[board].owner[core] >= 0:
                free = False
        if free:
            for core in range(first, first + width):
                world.boards[board].owner[core] = chosen
            world.instances[chosen].waiting = 0
            _begin(world, now, chosen, EXECUTE, 1.0)


@inner
def _proceed(  # noqa: C901, PLR0912  all phases of a call
    world: World,
    heap: Heap,
    jobs: Heap,
    now: float,
    instance: int,
    slot: int,
) -> None:
    """Something that an instance was busy with has ended."""
    network, board = world.instances[instance].network, world.instances[instance].board
    world.instances[instance].due[slot] = NEVER
    if slot != TIMER:
        if slot == EXECUTE:
            world.instances[instance].executing += _overlap(world, world.instances[instance].began[slot], now)
            for core in range(
                world.instances[instance].first,
                world.instances[instance].first + world.networks[network].width,
            ):
                world.boards[board].owner[core] = -1
            _grant(world, now, board)
        world.boards[world.boards[board].domain].dirty = True
    phase = world.instances[instance].phase
    if phase == LAUNCH:
        if world.networks[network].double:
            world.instances[instance].phase = PIPELINED
            _begin(world, now, instance, IN, world.networks[network].copied[0])
            if world.instances[instance].held[1, 0] >= 0:
                _want(world, now, instance)
            if world.instances[instance].held[2, 0] >= 0:
                _begin(world, now, instance, OUT, world.networks[network].copied[1])
        else:
            world.instances[instance].phase = SETUP_IN
            _timer(world, now, instance, world.scalars[0].setup)
    elif phase == PIPELINED:
        over = world.instances[instance].waiting == 0
        for other in range(4):
            if world.instances[instance].due[other] < NEVER:
                over = False
        if over:
            _return(world, heap, jobs, now, instance)
    elif phase == SETUP_IN:
        world.instances[instance].phase = COPY_IN
        _begin(world, now, instance, IN, world.networks[network].copied[0])
    elif phase == COPY_IN:
        world.instances[instance].phase = EXECUTING
        _want(world, now, instance)
    elif phase == EXECUTING:
        world.instances[instance].phase = SETUP_OUT
        _timer(world, now, instance, world.scalars[0].setup)
    elif phase == SETUP_OUT:
        world.instances[instance].phase = COPY_OUT
        _begin(world, now, instance, OUT, world.networks[network].copied[1])
    elif phase == COPY_OUT:
        _return(world, heap, jobs, now, instance)
    else:
        world.instances[instance].phase = IDLE
        world.scalars[0].sequence += 1
        world.instances[instance].idle = world.scalars[0].sequence
        _dispatch(world, now, network)


@inner
def _return(
    world: World,
    heap: Heap,
    jobs: Heap,
    now: float,
    instance: int,
) -> None:
    """A call returns: hand over what it brought, and let the thread rest for its gap."""
    network = world.instances[instance].network
    world.instances[instance].busy += _overlap(
        world, world.instances[instance].called, now + world.scalars[0].gap
    )
    if world.scalars[0].begin <= now < world.scalars[0].end:
        world.instances[instance].calls += 1
    world.instances[instance].phase = GAP
    _timer(world, now, instance, world.scalars[0].gap)
    held = world.instances[instance].held
    brought = held[2 if world.networks[network].double else 0].copy()
    if world.networks[network].double:
        held[2] = held[1]
        held[1] = held[0]
    held[0] = -1
    if brought[0] >= 0:
        for place in range(world.networks[network].width):
            _host(world, heap, jobs, now, POST, brought[place])


@inner
def _settle(world: World, now: float, domain: int) -> None:  # noqa: C901, PLR0912
    """Give everything under way behind one way to the host its rate."""
    for board in range(len(world.boards)):
        world.boards[board].pressure = 0.0
        for way in range(2):
            world.boards[board].copies[way] = 0.0
    for instance in range(len(world.instances)):
        board = world.instances[instance].board
        world.boards[board].copies[0] += world.instances[instance].due[IN] < NEVER
        world.boards[board].copies[1] += world.instances[instance].due[OUT] < NEVER
        if world.instances[instance].due[EXECUTE] < NEVER:
            network = world.instances[instance].network
            world.boards[board].pressure += world.networks[network].weight[board]
    ways = np.zeros(2)
    one_way, joint, members = NEVER, NEVER, 0
    for board in range(len(world.boards)):
        if world.boards[board].domain == domain:
            members += 1
            one_way = min(one_way, world.boards[board].one_way)
            joint = min(joint, world.boards[board].joint)
            for way in range(2):
                ways[way] += world.boards[board].copies[way] > 0
    for instance in range(len(world.instances)):
        board, network = world.instances[instance].board, world.instances[instance].network
        if world.boards[board].domain != domain:
            continue
        for slot in (IN, EXECUTE, OUT):
            if not world.instances[instance].due[slot] < NEVER or world.instances[instance].left[slot] <= 0:
                continue
            if slot == EXECUTE:
                speed = 1 / _beside(world, network, board, world.boards[board].pressure)
            else:
                way = 0 if slot == IN else 1
                copies = world.boards[board].copies
                speed = _half(world.boards[board].one_way, world.boards[board].joint, copies)
                if members > 1:
                    speed = min(speed, _half(one_way, joint, ways) / ways[way])
                speed /= copies[way]
            _pace(world, now, instance, slot, speed)


@inner
def _pace(world: World, now: float, instance: int, slot: int, speed: float) -> None:
    """Go on at another speed."""
    before = world.instances[instance].speed[slot]
    if speed != before:
        left = world.instances[instance].left[slot] - before * (now - world.instances[instance].since[slot])
        left = max(left, 0.0)
        world.instances[instance].left[slot] = left
        world.instances[instance].since[slot] = now
        world.instances[instance].speed[slot] = speed
        world.instances[instance].due[slot] = now + left / speed


@inner
def _half(one_way: float, joint: float, ways: Floats) -> float:
    return min(one_way, joint / 2) if ways[0] > 0 and ways[1] > 0 else one_way


@inner
def _beside(world: World, network: int, board: int, pressure: float) -> float:
    """Return how long an execution lasts beside what else executes.

    Others count as so many of the network's own kind as they fetch more or less than it does; beside more than are measured it goes
    on likewise, up to where memory serves all cores in turn.
    """
    own, most = world.networks[network].weight[board], CORES // world.networks[network].width
    if most == 1 or own <= 0:
        return float(world.networks[network].executed[board, 0])
    others = max(0.0, pressure / own - 1)
    low = min(int(others), most - 2)
    below, above = (
        world.networks[network].executed[board, low],
        world.networks[network].executed[board, low + 1],
    )
    return float(min(below + (above - below) * (others - low), world.networks[network].slowest[board]))
