"""Queues of which several threads take their work.

Which thread took which item was up to the scheduler of the host. On a card whoever is free takes the next one, so that is
what a replay does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from axemu.emulator._log import SETTINGS, ThreadLog
from axemu.emulator.metis import InstanceSpec, Pool

Takes = Mapping[int, Sequence[tuple[int, int]]]
"""By thread: (place of the item in the queue's order, first call made for it), in the order of the thread."""


def shared_queues(logs: Sequence[ThreadLog], instances: Sequence[InstanceSpec]) -> list[Pool]:
    """Return the pools of threads that share a queue; threads are numbered by their place in `logs`.

    A thread belongs to the first shared queue it takes from. What it takes from others on the way stays as it was.
    """
    takes: dict[int, dict[int, list[tuple[int, int]]]] = {}
    for thread, log in enumerate(logs):
        for call in sorted(log.items):
            for queue, place in log.items[call]:
                takes.setdefault(queue, {}).setdefault(thread, []).append((place, call))
    shared = {queue: takers for queue, takers in takes.items() if len(takers) > 1}
    chosen: dict[int, int] = {}
    for queue in sorted(shared):
        for thread, items in shared[queue].items():
            known = chosen.get(thread)
            if known is None or items[0][1] < shared[known][thread][0][1]:
                chosen[thread] = queue
    return [
        _pool(takers, logs, instances)
        for queue, takers in sorted(shared.items())
        if all(chosen[thread] == queue for thread in takers)
    ]


def _pool(takers: Takes, logs: Sequence[ThreadLog], instances: Sequence[InstanceSpec]) -> Pool:
    items = []
    used: dict[int, set[int]] = {}
    for thread, taken in takers.items():
        calls = logs[thread].calls
        ends = [*(call for _, call in taken[1:]), len(calls)]
        items += [(place, thread, begin, end) for (place, begin), end in zip(taken, ends, strict=True)]
        used[thread] = {call // SETTINGS for call in calls[taken[0][1] :]}
    own = _own_instances(used, {spec.id: spec for spec in instances})
    workers = sorted(takers, key=lambda thread: (own.get(thread, ()), thread))
    return Pool(
        tuple(workers),
        tuple((thread, begin, end) for _, thread, begin, end in sorted(items)),
        tuple(own[thread] for thread in workers) if own else (),
    )


def _own_instances(
    used: Mapping[int, set[int]], specs: Mapping[int, InstanceSpec]
) -> Mapping[int, tuple[int, ...]]:
    """Return the instances of each thread where each has its own, the same networks in the same order; else nothing."""
    own = {thread: tuple(sorted(ids)) for thread, ids in used.items()}
    together = [one for ids in own.values() for one in ids]
    if len(set(together)) < len(together) or len({len(ids) for ids in own.values()}) > 1:
        return {}
    for places in zip(*own.values(), strict=True):
        first, *others = (specs[one] for one in places)
        if any((one.core, one.double_buffer) != (first.core, first.double_buffer) for one in others):
            return {}
    return own
