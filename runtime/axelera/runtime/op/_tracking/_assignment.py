"""Which detection belongs to which track: the cheapest matching."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Pairs = list[tuple[int, int]]


def assign(costs: Floats, limit: float) -> Pairs:
    """Return pairs (row, column), each row and column once at most, all cheaper than `limit`.

    The sum over pairs of what each is cheaper than the limit is the largest there is.
    """
    gains = np.minimum(costs - limit, 0.0)
    if not gains.any():
        return []
    tall = gains.shape[0] > gains.shape[1]
    matched = enumerate(_cheapest(gains.T if tall else gains))
    pairs = [(column, row) if tall else (row, column) for row, column in matched]
    return sorted(pair for pair in pairs if costs[pair] < limit)


def _cheapest(costs: Floats) -> list[int]:
    """Return the column of each row, there being as many columns or more.

    Row by row the shortest augmenting path is found (Jonker and Volgenant 1987): `rows` and `columns` are the dual
    variables, under which no reduced cost is negative.
    """
    rows, columns = (np.zeros(size) for size in costs.shape)
    owner = np.full(len(columns), -1)
    for start in range(len(rows)):
        distance, before = np.full(len(columns), np.inf), np.full(len(columns), -1)
        done = np.zeros(len(columns), bool)
        row, column, least = start, -1, 0.0
        while row >= 0:
            reached = least + costs[row] - rows[row] - columns
            shorter = ~done & (reached < distance)
            distance[shorter], before[shorter] = reached[shorter], column
            column = int(np.argmin(np.where(done, np.inf, distance)))
            least, done[column] = float(distance[column]), True
            row = int(owner[column])
        passed = done & (owner >= 0)
        rows[start] += least
        rows[owner[passed]] += least - distance[passed]
        columns[done] += distance[done] - least
        while column >= 0:
            previous = int(before[column])
            owner[column] = start if previous < 0 else owner[previous]
            column = previous
    matched = np.nonzero(owner >= 0)[0]
    return [int(column) for column in matched[np.argsort(owner[matched])]]
