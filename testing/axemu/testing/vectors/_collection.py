"""All vectors, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain

import numpy as np

from axemu.driver import InvalidArgument
from axemu.testing.vectors._case import Case, Dice
from axemu.testing.vectors._networks import networks
from axemu.testing.vectors._operators import operator_cases
from axemu.testing.vectors._patterns import patterns
from axemu.testing.vectors._vector import Vector

_FRAMES = 16
_PIXELS, _MOST = 2500, 250
"""Pixels that an operator writes in all frames, and the most frames for that: a bit of a weight or table seldom tells in one."""


def vectors() -> Iterator[Vector]:
    """Yield every vector, made as it is asked for: operators, patterns, networks."""
    return (make() for _, make in _makers())


def find(names: tuple[str, ...] = ()) -> list[Vector]:
    """Return the vectors that one of some names or patterns of names (`conv_*`) fits, or all.

    Raises:
        InvalidArgument: nothing matches one of them.
    """
    makers = list(_makers())
    for wanted in names:
        if not any(fnmatchcase(name, wanted) for name, _ in makers):
            raise InvalidArgument(
                f"no vector matches {wanted!r}; `axemu vectors list` names all {len(makers)}"
            )
    return [
        make() for name, make in makers if not names or any(fnmatchcase(name, wanted) for wanted in names)
    ]


def _makers() -> Iterator[tuple[str, Callable[[], Vector]]]:
    operators = ((case.name, partial(_of_case, case)) for case in operator_cases())
    return chain(operators, patterns(), networks())


def _of_case(case: Case) -> Vector:
    """Return an operator's vector: its committed inputs first, then seeded ones."""
    program = case.program()
    if not case.inputs:
        return Vector(case.name, "operator", program, ({"unused": np.zeros((1, 1, 1), np.int8)},))
    first = dict(zip(program.inputs, case.values, strict=True))
    height, width, _ = case.output.shape
    dice = Dice(4000 + len(case.name))
    few = _PIXELS if "weight" in case.constants or case.name == "lut_by_channel" else 0
    more = max(_FRAMES, min(few // (height * width), _MOST))
    return Vector(
        case.name,
        "operator",
        program,
        (first, *({t.name: dice.int8(t.shape) for t in case.inputs} for _ in range(more - 1))),
    )
