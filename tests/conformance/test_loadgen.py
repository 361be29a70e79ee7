"""MLPerf's LoadGen against emulated boards in the pace `realtime`: its four scenarios, and its check of values.

LoadGen issues queries and judges by its own clock. A busy machine makes a run slower, never faster, so what is held is that runs are
valid, complete and right, and that no latency is below what the board is simulated to take.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests._sizes import FULL
from tests.conformance._loadgen import CORES, SAMPLES, SCENARIOS, run, system
from tests.conformance._suites import recorded


def latencies(summary: str) -> dict[str, int]:
    """Return what a summary says in nanoseconds."""
    return {
        name.strip(): int(value)
        for name, value in re.findall(r"^(.*) latency \(ns\)\s*: (\d+)$", summary, re.MULTILINE)
    }


@pytest.mark.parametrize(("scenario", "workers"), SCENARIOS.items())
def test_a_scenario_is_valid_complete_and_right(tmp_path: Path, scenario: str, workers: int) -> None:
    with system(tmp_path, workers) as under_test:
        run(under_test, tmp_path, scenario, "PerformanceOnly", full=FULL)
        simulated = [one.counters() for one in under_test.instances]
    assert recorded("loadgen")[scenario].verdict == "right"
    summary = (tmp_path / "mlperf_log_summary.txt").read_text(encoding="utf-8")
    print(summary)
    assert "Result is : VALID" in summary
    assert under_test.wrong == []
    assert sum(counters.frames for counters in simulated) == len(under_test.answered) >= 100
    # The board's own time is in every latency, and waiting for others comes on top.
    shortest = min(counters.latencies.min() for counters in simulated if counters.frames)
    assert latencies(summary)["Min"] * 1e-9 >= shortest


def test_values_are_those_of_the_model_for_every_sample(tmp_path: Path) -> None:
    with system(tmp_path, CORES) as under_test:
        run(under_test, tmp_path, "Offline", "AccuracyOnly", full=FULL)
    entries = json.loads((tmp_path / "mlperf_log_accuracy.json").read_text(encoding="utf-8"))
    assert sorted(entry["qsl_idx"] for entry in entries) == list(range(SAMPLES))
    for entry in entries:
        expected = under_test._expected[entry["qsl_idx"]][0]
        assert bytes.fromhex(entry["data"]) == expected.tobytes()
