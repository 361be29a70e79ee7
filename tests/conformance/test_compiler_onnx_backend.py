"""Cases of onnx.backend.test whose operators are in the matrix: right, or refused in the compiler's own words.

Each node case is tried as it is published, with its weights as constants, and with one frame: the chip has constant weights
and batches of one. The bound is that of `_networks/_bound.py`, on the case's own data. What came of each is recorded, and
`docs/reference/suites.md` is written from the record: `python -m tests.conformance._suites`.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from tests._sizes import FULL
from tests.conformance._light import NAMES, check_light
from tests.conformance._networks import NodeCase, Verdict, node_cases
from tests.conformance._suites import PAGE, RECORD, SUITES, Entry, node_entry, page, recorded

QUICK = ("averagepool", "conv", "globalmaxpool", "maxpool", "relu")
"""Modules of cases that are quick to make; the sample is every fourth of their forms."""
QUICK_LIGHT = ("bvlc_alexnet", "zfnet512")
AGAIN = "run `python -m tests.conformance._suites` if that is meant"


def _is_of_record() -> bool:
    """Return whether the cases are those of the record: releases of onnx add some and change others."""
    versions = json.loads(RECORD.read_text(encoding="utf-8"))["versions"]
    return bool(versions["onnx"] == importlib.metadata.version("onnx"))


def outcomes(cases: list[NodeCase]) -> Iterator[tuple[str, Entry, str]]:
    for case in cases:
        entry, outcome = node_entry(case)
        yield case.name, entry, f"{case.name}: {outcome}" if outcome.failed else ""


@pytest.mark.timeout(1800)
def test_node_cases_of_onnx_are_right_or_refused_as_recorded(
    record_property: Callable[[str, object], None],
) -> None:
    found = list(outcomes(node_cases() if FULL else node_cases(QUICK)[::4]))
    counts = Counter(entry.verdict for _, entry, _ in found)
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    record_property("node cases", summary)
    print(summary)
    failures = [failure for _, _, failure in found if failure]
    assert not failures, "\n".join([*failures, summary])
    assert counts[Verdict.RIGHT] >= (50 if FULL else 5)
    if _is_of_record():
        known = recorded("nodes")
        changed = [
            f"{name}: {entry}, recorded {known.get(name)}"
            for name, entry, _ in found
            if known.get(name) != entry
        ]
        assert not changed, "\n".join([*changed, AGAIN])
        assert not FULL or set(known) == {name for name, _, _ in found}, AGAIN


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK_LIGHT else pytest.mark.full) for name in NAMES]
)
def test_light_models_of_onnx_are_right_or_refused_as_recorded(name: str) -> None:
    outcome = check_light(name)
    print(outcome)
    assert not outcome.failed, outcome
    if _is_of_record():
        assert recorded("light")[name] == Entry(outcome.verdict.value, outcome.reasons), AGAIN


def test_the_page_is_that_of_the_record_and_nothing_in_it_is_wrong() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), AGAIN
    for suite in SUITES:
        assert {entry.verdict for entry in recorded(suite).values()} <= {"right", "refused", "skipped"}
