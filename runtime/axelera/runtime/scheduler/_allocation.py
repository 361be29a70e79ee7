"""How the cores of a scheduler are shared out to the models of a pipeline."""

from __future__ import annotations

import re
from collections.abc import Sequence

from axemu.driver import InvalidArgument

Allocation = int | str | None
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*%")


def check_allocation(allocation: Allocation) -> None:
    """Refuse what is no allocation.

    Raises:
        InvalidArgument: naming the forms there are.
    """
    if allocation is None:
        return
    if isinstance(allocation, int) and not isinstance(allocation, bool) and allocation >= 1:
        return
    if isinstance(allocation, str) and 0 < _percent(allocation) <= 100:
        return
    raise InvalidArgument(
        f"core_allocation is {str(allocation)[:100]!r}; give a number of cores from 1, a percentage such as '50%', or None"
    )


def _percent(allocation: str) -> float:
    match = _PERCENT.fullmatch(allocation.strip())
    return float(match[1]) if match else 0.0


def share(allocations: Sequence[Allocation], cores: int) -> list[tuple[int, ...]]:
    """Return the cores of every model, as indices.

    Numbers come first, percentages are of what these leave, and the rest is shared equally. A model has one core at
    least, and models are laid side by side: where there are not enough cores they take turns on the last ones.

    Raises:
        InvalidArgument: the numbers ask for more cores than there are.
    """
    fixed = sum(one for one in allocations if isinstance(one, int))
    if fixed > cores:
        raise InvalidArgument(f"core_allocation: models ask for {fixed} cores; the scheduler has {cores}")
    rest = cores - fixed
    counts = {index: one for index, one in enumerate(allocations) if isinstance(one, int)}
    for index, one in enumerate(allocations):
        if isinstance(one, str):
            counts[index] = max(1, int(rest * _percent(one) / 100))
    free = max(0, cores - sum(counts.values()))
    equal = [index for index, one in enumerate(allocations) if one is None]
    for place, index in enumerate(equal):
        counts[index] = max(1, free // len(equal) + (place < free % len(equal)))
    shares = []
    start = 0
    for index in range(len(allocations)):
        begin = min(start, cores - counts[index])
        shares.append(tuple(range(begin, begin + counts[index])))
        start += counts[index]
    return shares
