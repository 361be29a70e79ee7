"""Compile networks and run what comes out: time, memory, where the weights go, or the rule that refuses.

    python benchmarks/compile.py networks/*.onnx            # print the table
    python benchmarks/compile.py networks/*.onnx --write    # and put it into docs/reference/compiled-networks.md

Each network is compiled in a process of its own, which tells wall time, processor time and peak memory; a second one
loads the compiled model onto an emulated board through `axelera.runtime`, runs it and compares. What was found stays in
`--records`, a file per network: run the command again after an interruption, and only the rest is done. Remove the
directory after the compiler has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from _measure import machine, replace_section

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "compiled-networks.md"
WORKER = Path(__file__).with_name("_compile_network.py")
COLUMNS = (
    "network", "parameters (M)", "MACs (G)", "compile wall (s)", "compile CPU (s)", "peak memory (MB)", "weights (MB)",
    "in L2 (MB)", "in DDR (MB)", "activations in L2 (MB)", "host operators before / after", "frames run",
)  # fmt: skip
SPECIFIED = " ✓"


class FailedError(Exception):
    """A step ended with something else than a result."""


def step(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run one step in a process of its own; return what it found."""
    environment = {**os.environ, "AXEMU_RUNTIME_DIR": str(folder / "reservations")}
    done = subprocess.run(
        [sys.executable, str(WORKER), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise FailedError(f"{arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def examine(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Compile and run one network; return its record."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = step(folder, "compile", str(path), name, str(arguments.samples))
        if "refused" not in record:
            affordable = record["macs"] <= arguments.specification * 1e9
            record |= step(
                folder, "run", name, str(arguments.frames), "with-specification" if affordable else "without"
            )
            if not record["correct"]:
                raise FailedError("the board returned something else than the quantised model")
    return record


def recorded(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the record of a network, made now or by an earlier run of the command on the same file and options."""
    options = (arguments.samples, arguments.frames, arguments.specification)
    key = f"{hashlib.sha256(path.read_bytes()).hexdigest()} {options} {machine()}"
    file = arguments.records / f"{path.stem}.json"
    if file.is_file() and (known := json.loads(file.read_text(encoding="utf-8")))["key"] == key:
        return dict(known["record"])
    record = examine(path, arguments)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".tmp")
    fresh.write_text(json.dumps({"key": key, "record": record}, indent=1), encoding="utf-8")
    fresh.replace(file)
    return record


def row(name: str, record: dict[str, Any]) -> str:
    """Return a network's row of the table."""
    first = [f"`{name}`", f"{record['parameters'] / 1e6:.2f}"]
    if "refused" in record:
        operators = ", ".join(sorted({operator for operator, _, _ in record["refused"]}))
        return f"| {' | '.join([*first, f'refused: {operators}', *[''] * (len(COLUMNS) - 3)])} |"
    memory = record["memory"]
    megabytes = [
        record["peak_bytes"],
        memory["weight_bytes"],
        memory["weight_l2_bytes"],
        memory["weight_ddr_bytes"],
        memory["activation_l2_peak"],
    ]
    peak, *sizes = (value / 1e6 for value in megabytes)
    cells = [
        *first,
        f"{record['macs'] / 1e9:.3f}",
        f"{record['wall_s']:.1f}",
        f"{record['cpu_s']:.1f}",
        f"{peak:.0f}",
        *(f"{size:.2f}" for size in sizes),
        f"{record['host_before']} / {record['host_after']}",
        f"{record['frames']}{SPECIFIED if record['specification'] else ''}",
    ]
    return f"| {' | '.join(cells)} |"


def refusals(records: dict[str, dict[str, Any]]) -> Iterable[str]:
    """Yield a line per network, operator and rule."""
    for name, record in records.items():
        for operator, rule, count in record.get("refused", ()):
            yield f"- `{name}`, {operator} ({count} of them): `{rule}`"


def table(records: dict[str, dict[str, Any]]) -> str:
    """Return the Markdown of the section."""
    lines = [
        f"Measured on {machine()}; {os.cpu_count()} processors.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *(row(name, record) for name, record in records.items()),
    ]
    if broken := list(refusals(records)):
        lines += ["", "The rules that refused networks:", "", *broken]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="+", type=Path, help="ONNX files")
    parser.add_argument("--samples", type=int, default=2, help="random calibration frames")
    parser.add_argument("--frames", type=int, default=1, help="frames to run on the emulated board")
    parser.add_argument(
        "--specification", type=float, default=1.0, metavar="GIGAMACS",
        help="hold the first frame of networks up to this size to the plain specification, too",
    )  # fmt: skip
    parser.add_argument("--records", type=Path, default=ROOT / "build" / "compiled-networks")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    records, failed = {}, 0
    for path in arguments.networks:
        try:
            records[path.stem] = recorded(path, arguments)
        except FailedError as error:
            failed += 1
            print(f"{path.stem}: {error}", file=sys.stderr)
        else:
            print(row(path.stem, records[path.stem]), file=sys.stderr)
    text = table(records)
    print(text)
    if arguments.write and not failed:
        replace_section(PAGE, "networks", text)
    raise SystemExit(failed > 0)


if __name__ == "__main__":
    main()
