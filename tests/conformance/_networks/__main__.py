"""Run networks by seed, print what came of them, and make what fails small.

python -m tests.conformance._networks 0 200                      seeds 0 to 199
python -m tests.conformance._networks 17 --reduce                seed 17, made small if it fails
python -m tests.conformance._networks 0 2500 --record a.jsonl    one shard of a run, recorded as it goes
python -m tests.conformance._networks --sum a.jsonl b.jsonl      what came of several shards
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.conformance._networks import Outcome, Verdict, check, from_seed, kind_of, reduced, text_of


def main() -> int:
    """Return 1 when a network fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance._networks")
    parser.add_argument("first", type=int, nargs="?", default=0)
    parser.add_argument("stop", type=int, nargs="?")
    parser.add_argument("--reduce", action="store_true", help="make failing networks small and print them")
    parser.add_argument("--record", type=Path, help="append one line of JSON per seed to this file")
    parser.add_argument("--paths", nargs="+", help="compute paths, by default all of this CPU")
    parser.add_argument("--sum", type=Path, nargs="+", help="only add up what was recorded")
    options = parser.parse_args()
    if options.sum:
        lines = [line for path in options.sum for line in path.read_text().splitlines()]
        return summarised([json.loads(line) for line in lines])
    records = []
    for seed in range(options.first, options.stop or options.first + 1):
        start = time.monotonic()
        outcome = check(from_seed(seed), paths=options.paths)
        records.append(
            {
                "seed": seed,
                "verdict": outcome.verdict,
                "reasons": outcome.reasons,
                "margin": round(outcome.margin, 3),
                "seconds": round(time.monotonic() - start, 2),
            }
        )
        if options.record:
            with options.record.open("a") as file:
                file.write(json.dumps(records[-1]) + "\n")
        if outcome.failed:
            print(f"seed {seed}: {outcome}", flush=True)
            if options.reduce:
                _print_small(seed, outcome)
    return summarised(records)


def summarised(records: Iterable[dict[str, Any]]) -> int:
    """Print counts by verdict and by rule, and the seeds that fail; return 1 when there are such."""
    latest = {record["seed"]: record for record in records}
    counts = Counter(record["verdict"] for record in latest.values())
    print(f"{len(latest)} networks, seeds {min(latest)} to {max(latest)}: ", end="")
    print(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
    refused = (record["reasons"] for record in latest.values() if record["verdict"] == Verdict.REFUSED)
    for rule, count in Counter(rule for rules in refused for rule in rules).most_common():
        print(f"  refused {count}: {rule}")
    margins = sorted(record["margin"] for record in latest.values() if record["verdict"] == Verdict.RIGHT)
    if margins:
        shares = ", ".join(f"{margins[int(share * (len(margins) - 1))]:.2f}" for share in (0.5, 0.9, 0.99, 1))
        print(f"  largest error as a share of its bound: {shares} (median, 90 %, 99 %, all)")
    failing = [
        seed for seed, record in latest.items() if record["verdict"] not in (Verdict.RIGHT, Verdict.REFUSED)
    ]
    if failing:
        print(f"  failing seeds: {failing}")
    return int(bool(failing))


def _print_small(seed: int, outcome: Outcome) -> None:
    kind = outcome.verdict, kind_of(outcome)

    def fails(model: Any) -> bool:
        found = check(model)
        return (found.verdict, kind_of(found)) == kind

    small = reduced(from_seed(seed), fails)
    print(check(small))
    print(text_of(small), flush=True)


if __name__ == "__main__":
    sys.exit(main())
