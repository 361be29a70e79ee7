"""The order of operators (R18)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from axelera.compiler.planning.passes._operator import Operator


def depth_first(
    made_by: Mapping[str, Sequence[Operator]], needs: Mapping[str, Sequence[str]], outputs: Iterable[str]
) -> list[Operator]:
    """R18 (verified): the outputs one after the other, each with what it still needs, depth first.

    Args:
        made_by: operators that make a map, in order.
        needs: maps they need, in the order in which they are made.
        outputs: the program's outputs.
    """
    order: list[Operator] = []
    done: set[str] = set()
    for output in outputs:
        stack = [(output, False)]
        while stack:
            name, ready = stack.pop()
            if ready:
                order += made_by[name]
            elif name in made_by and name not in done:
                done.add(name)
                stack.append((name, True))
                stack += [(need, False) for need in reversed(needs[name])]
    return order
