"""Node cases of onnx.backend.test whose operators are in the matrix: right, or refused in the compiler's own words.

Each case is tried as it is published, with its weights as constants, and with one frame: the chip has constant weights
and batches of one. The bound is that of `_networks/_bound.py`, on the case's own data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from tests._sizes import FULL
from tests.conformance._networks import NodeCase, Verdict, check, node_cases

QUICK = ("averagepool", "conv", "globalmaxpool", "maxpool", "relu")
"""Modules of cases that are quick to make; the sample is every fourth of their forms."""


def outcomes(cases: list[NodeCase]) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    failures = []
    for case in cases:
        outcome = check(case.model, frames=[case.frame], sound=False)
        counts[outcome.verdict] += 1
        if outcome.failed:
            failures.append(f"{case.name}: {outcome}")
        for rule in outcome.reasons if outcome.verdict is Verdict.REFUSED else ():
            counts[f"refused: {rule}"] += 1
    return counts, failures


@pytest.mark.timeout(1800)
def test_node_cases_of_onnx_are_right_or_refused(record_property: Callable[[str, object], None]) -> None:
    cases = node_cases() if FULL else node_cases(QUICK)[::4]
    counts, failures = outcomes(cases)
    summary = "\n".join(f"{count}: {what}" for what, count in counts.most_common())
    record_property("node cases", summary)
    print(summary)
    assert not failures, "\n".join([*failures, summary])
    assert counts[Verdict.RIGHT] >= (50 if FULL else 5)
