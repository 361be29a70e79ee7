"""What came of suites that others wrote, as a record that tests hold, and as a page.

`python -m tests.conformance._suites` runs all of them and writes both (ten minutes); with names, it runs some again.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.conformance._light import NAMES, check_light
from tests.conformance._networks import (
    OPERATORS,
    NodeCase,
    Outcome,
    Verdict,
    check,
    differs_on_board,
    node_cases,
)
from tests.conformance._tosa import TOOLS, case_of, differences, vectors

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "tests" / "conformance" / "suites.json"
PAGE = ROOT / "docs" / "reference" / "suites.md"
SUITES = {
    "nodes": ("onnx.backend.test, nodes", "onnx"),
    "light": ("onnx.backend.test, light models", "onnx"),
    "tosa": ("TOSA conformance generator, int8", "tosa-tools"),
    "loadgen": ("MLPerf LoadGen", "mlcommons-loadgen"),
}
"""Title of each suite, and the package it is from."""
EXAMPLES = 3
"""Cases that a refusal names."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What came of one case: a verdict, and the rules that refused it."""

    verdict: str
    reasons: tuple[str, ...]
    operators: tuple[str, ...] = ()


def node_entry(case: NodeCase) -> tuple[Entry, Outcome]:
    """Run a node case through the compiler, every compute path and the board."""
    outcome = check(case.model, frames=[case.frame], sound=False)
    if outcome.verdict is Verdict.RIGHT and (differs := differs_on_board(case.model, [case.frame])):
        outcome = Outcome(Verdict.WRONG, (differs,))
    operators = tuple(sorted({node.op_type for node in case.model.graph.node}))
    return Entry(outcome.verdict.value, outcome.reasons, operators), outcome


def recorded(suite: str) -> dict[str, Entry]:
    """Return what the record says of a suite, by name of the case."""
    content = json.loads(RECORD.read_text(encoding="utf-8"))
    reasons = content["reasons"]
    return {
        name: Entry(verdict, tuple(reasons[number] for number in numbers), tuple(operators))
        for name, (verdict, numbers, operators) in content[suite].items()
    }


def left_out() -> Counter[str]:
    """Count published node cases that are not tried, by what the matrix lacks for them."""
    from onnx.backend.test.case import node

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {case.name: case for case in node.collect_testcases()}
    counts: Counter[str] = Counter()
    for case in found.values():
        if case.model is None:
            counts["no model in the case"] += 1
        elif lacking := sorted({made.op_type for made in case.model.graph.node} - OPERATORS):
            counts[lacking[0]] += 1
    return counts


def tosa_entries() -> dict[str, Entry]:
    """Run the tests of TOSA's generator."""
    found = {}
    for number, vector in enumerate(vectors()):
        case = case_of(vector)
        entry = (
            Entry("skipped", (case,), (vector.op,))
            if isinstance(case, str)
            else Entry("wrong" if list(differences(case)) else "right", (), (vector.op,))
        )
        found[f"{number:03} {vector.name}"] = entry
    return found


def write_record(
    suites: Mapping[str, Mapping[str, Entry]], lacking: Mapping[str, int], versions: Mapping[str, str]
) -> None:
    """Write the record."""
    reasons = sorted(
        {reason for entries in suites.values() for entry in entries.values() for reason in entry.reasons}
    )
    places = {reason: number for number, reason in enumerate(reasons)}
    lines = [f'"versions": {json.dumps(versions)}', f'"lacking": {json.dumps(lacking, sort_keys=True)}']
    lines.append('"reasons": [\n' + ",\n".join(map(json.dumps, reasons)) + "\n]")
    for suite, entries in suites.items():
        rows = [
            f"{json.dumps(name)}: {json.dumps([entry.verdict, [places[r] for r in entry.reasons], list(entry.operators)])}"
            for name, entry in sorted(entries.items())
        ]
        lines.append(f'"{suite}": {{\n' + ",\n".join(rows) + "\n}")
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def page() -> str:
    """Return the page that the record gives."""
    content = json.loads(RECORD.read_text(encoding="utf-8"))
    suites = {suite: recorded(suite) for suite in SUITES}
    parts = (
        _head(content, suites),
        _nodes(suites["nodes"], content["lacking"]),
        _light(suites["light"]),
        _tosa(suites["tosa"]),
        _loads(suites["loadgen"]),
    )
    return "\n".join([*(line for part in parts for line in part), ""])


def _head(content: Mapping[str, Any], suites: Mapping[str, Mapping[str, Entry]]) -> Iterator[str]:
    yield "# Suites nobody here wrote"
    yield ""
    yield "Written by `python -m tests.conformance._suites`; a test holds page and record to what the suites do. *Right* is within"
    yield "the bound that rounding to int8 leaves on that input, in both numerics, on every compute path, and with the same bytes on"
    yield "the emulated board. *Refused* is by a documented rule, before anything runs."
    yield ""
    yield "| suite | version | cases | right | refused | skipped | wrong |"
    yield "|---|---|---|---|---|---|---|"
    for suite, (title, package) in SUITES.items():
        counts = Counter(entry.verdict for entry in suites[suite].values())
        known = [counts[verdict] for verdict in ("right", "refused", "skipped")]
        version = f"{package} {content['versions'][package]}"
        cells = [title, version, counts.total(), *known, counts.total() - sum(known)]
        yield f"| {' | '.join(map(str, cells))} |"
    yield ""


def _nodes(entries: Mapping[str, Entry], lacking: Mapping[str, int]) -> Iterator[str]:
    yield "## onnx.backend.test: nodes"
    yield ""
    yield "Each case whose operators are all in the compiler's matrix is tried in several forms: as published, with weights as constants,"
    yield "and with one frame, since the chip has constant weights and one frame at a time."
    yield ""
    yield "| operator | forms | right | refused |"
    yield "|---|---|---|---|"
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries.values():
        for operator in entry.operators:
            counts[operator][entry.verdict] += 1
    for operator in sorted(OPERATORS):
        own = counts[operator]
        yield f"| {operator} | {own.total()} | {own['right']} | {own['refused']} |"
    yield ""
    yield (
        "Right: "
        + ", ".join(f"`{name}`" for name, entry in sorted(entries.items()) if entry.verdict == "right")
        + "."
    )
    yield ""
    yield "### Refused, by rule"
    yield ""
    yield "| forms | rule | for example |"
    yield "|---|---|---|"
    yield from _rules(entries)
    yield ""
    yield "### Not tried"
    yield ""
    yield (
        f"{sum(lacking.values())} published cases have an operator that the matrix lacks (the first one is counted): "
        + ", ".join(f"{name} {count}" for name, count in sorted(lacking.items()))
        + "."
    )
    yield ""


def _rules(entries: Mapping[str, Entry]) -> Iterable[str]:
    by_rule: dict[str, list[str]] = defaultdict(list)
    for name, entry in sorted(entries.items()):
        for rule in entry.reasons:
            by_rule[rule].append(name)
    for rule, names in sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0])):
        shown = ", ".join(f"`{name}`" for name in names[:EXAMPLES])
        yield f"| {len(names)} | {rule.replace('|', chr(92) + '|')} | {shown} |"


def _light(entries: Mapping[str, Entry]) -> Iterator[str]:
    yield "## onnx.backend.test: light models"
    yield ""
    yield "Published networks whose weights are constants, compiled, run on the emulated board on the suite's input, and compared with its"
    yield "output."
    yield ""
    yield "| network | | why |"
    yield "|---|---|---|"
    for name, entry in sorted(entries.items()):
        yield f"| {name} | {entry.verdict} | {'; '.join(entry.reasons).replace('|', chr(92) + '|')} |"
    yield ""


def _tosa(entries: Mapping[str, Entry]) -> Iterator[str]:
    yield "## TOSA"
    yield ""
    yield "Tests that the generator of TOSA's conformance suite makes for int8, with the outputs of its reference model, bit for bit in `exact`"
    yield "numerics. TOSA hands on sums of 32 bits, so these are compared rounded by a power of two; its scaling by integers (RESCALE, and"
    yield "AVG_POOL2D) is another arithmetic than the chip's and is left out."
    yield ""
    yield "| operator | right | skipped |"
    yield "|---|---|---|"
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries.values():
        counts[entry.operators[0]][entry.verdict] += 1
    for operator, own in sorted(counts.items()):
        yield f"| {operator} | {own['right']} | {own['skipped']} |"
    reasons = Counter(reason for entry in entries.values() for reason in entry.reasons)
    yield ""
    yield "Skipped: " + "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common()) + "."
    yield ""


def _loads(entries: Mapping[str, Entry]) -> Iterator[str]:
    yield "## MLPerf LoadGen"
    yield ""
    yield "LoadGen issues queries to a board in the pace `realtime` and judges by its own clock; *right* is a run that it calls valid, with every"
    yield "query answered and every value right. SingleStream on one core, the others on four; ten seconds each."
    yield ""
    yield "| scenario | |"
    yield "|---|---|"
    for name, entry in sorted(entries.items()):
        yield f"| {name} | {entry.verdict}{': ' + '; '.join(entry.reasons) if entry.reasons else ''} |"


def load_entries() -> dict[str, Entry]:
    """Run LoadGen's scenarios and its check of values."""
    from tests.conformance._loadgen import CORES, SCENARIOS, run, system

    found = {}
    for scenario, workers in {**SCENARIOS, "accuracy": CORES}.items():
        with tempfile.TemporaryDirectory(prefix="loadgen-") as folder:
            directory = Path(folder)
            accuracy = scenario == "accuracy"
            with system(directory, workers) as under_test:
                run(
                    under_test,
                    directory,
                    "Offline" if accuracy else scenario,
                    "AccuracyOnly" if accuracy else "PerformanceOnly",
                    full=True,
                )
            summary = (directory / "mlperf_log_summary.txt").read_text(encoding="utf-8")
            valid = accuracy or "Result is : VALID" in summary
            reasons = (() if valid else ("not valid",)) + (
                (f"{len(under_test.wrong)} wrong values",) if under_test.wrong else ()
            )
            found[scenario] = Entry("wrong" if reasons else "right", reasons)
            print(scenario, len(under_test.answered), "queries", found[scenario], file=sys.stderr)
    return found


def node_entries() -> dict[str, Entry]:
    """Run all node cases."""
    with np.errstate(all="ignore"):
        return {case.name: node_entry(case)[0] for case in node_cases()}


def light_entries() -> dict[str, Entry]:
    """Run the light models."""
    outcomes = {name: check_light(name) for name in NAMES}
    return {name: Entry(outcome.verdict.value, outcome.reasons) for name, outcome in outcomes.items()}


def main(chosen: list[str]) -> None:
    """Run what is chosen, or everything, and write record and page."""
    run = {"nodes": node_entries, "light": light_entries, "tosa": tosa_entries, "loadgen": load_entries}
    suites = {suite: run[suite]() if suite in chosen or not chosen else recorded(suite) for suite in SUITES}
    versions = {name: importlib.metadata.version(name) for name in ("onnx", "mlcommons-loadgen")}
    write_record(suites, left_out(), {**versions, "tosa-tools": TOOLS})
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
