"""Tests of TOSA's conformance generator: sums, maxima and tables are those of its reference model, to the bit."""

from __future__ import annotations

import pytest
from tests.conformance._suites import recorded, tosa_entries
from tests.conformance._tosa import Case, case_of, differences, vectors

VECTORS = list(vectors())


@pytest.mark.parametrize("op", sorted({vector.op for vector in VECTORS}))
def test_an_operator_gives_what_the_reference_model_gives(op: str) -> None:
    own = [(vector.name, case_of(vector)) for vector in VECTORS if vector.op == op]
    cases = [(name, case) for name, case in own if isinstance(case, Case)]
    print(f"{op}: {len(cases)} of {len(own)} tests")
    assert cases
    assert {name: found for name, case in cases if (found := list(differences(case)))} == {}


def test_what_came_of_each_is_as_recorded() -> None:
    assert recorded("tosa") == tosa_entries(), (
        "run `python -m tests.conformance._suites tosa` if that is meant"
    )


def test_a_changed_output_is_noticed() -> None:
    case = next(case for vector in VECTORS if isinstance(case := case_of(vector), Case))
    ((inputs, expected), *_) = case.frames
    changed = expected.copy()
    changed.reshape(-1)[0] ^= 1
    assert "specification" in differences(Case(case.program, ((inputs, changed),)))


def test_tests_that_are_left_out_say_why() -> None:
    reasons = {case for case in map(case_of, VECTORS) if isinstance(case, str)}
    assert reasons == {"rows outside that only the bias fills"}
