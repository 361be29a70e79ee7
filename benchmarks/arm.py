"""The inner loops of the paths for Arm: instructions, and cycles as LLVM's models of CPUs estimate them.

    python benchmarks/arm.py [--write]

Nothing is run: machine code for Arm is generated here, taken apart by `objdump`, and given to `llvm-mca`, which assumes
that every load hits the first-level cache and that the loop goes on for ever. Needs gcc-aarch64-linux-gnu and llvm-19
(Debian).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from _measure import replace_section

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
LOOPS = (
    ("dense", "conv_exact_4", ("i8mm", "dotprod", "portable")),
    ("depthwise", "depthwise_exact", ("i8mm", "dotprod", "portable")),
)
CPUS = {
    "cortex-a55": ("dotprod", "portable"),
    "neoverse-n1": ("dotprod", "portable"),
    "neoverse-n2": ("i8mm", "dotprod", "portable"),
    "neoverse-v1": ("i8mm", "dotprod", "portable"),
    "neoverse-v2": ("i8mm", "dotprod", "portable"),
}
"""CPUs LLVM has a model of, and the paths that run there."""
PRODUCTS = {"usmmla": 32, "usdot": 16, "sdot": 16, "smlal": 4, "smlal2": 4, "smull": 4, "smull2": 4}
"""Products of bytes per instruction, with 128-bit registers."""
STEPS = 200


def run(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def inner_loops(path: str, kernel: str, directory: str) -> Iterator[list[str]]:
    """Yield the instructions of each loop of a kernel that has no branch but its own."""
    file = str(Path(directory, f"{path}-{kernel}.o"))
    run(sys.executable, "-m", "tests._arm.cross", path, file, kernel)
    code: dict[int, str] = {}
    for line in run("aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", file).splitlines():
        found = re.match(r" *([0-9a-f]+):\t([^/<]*)", line)
        if not found:
            continue
        address, text = int(found[1], 16), found[2].strip()
        code[address] = text
        target = re.fullmatch(r"(?:b\.\w+|cbn?z\t\w+,|tbn?z\t\w+, #\d+,)[\t ]([0-9a-f]+)", text)
        if target and (start := int(target[1], 16)) < address:
            body = [code[place] for place in range(start, address, 4)]
            if not any(re.match(r"(b|bl|br|blr|ret|cbn?z|tbn?z)\b", one) for one in body):
                yield [*body, re.sub(r"[0-9a-f]+$", ".", text)]


def products(loop: list[str]) -> int:
    """Return the products of bytes of a turn."""
    return sum(PRODUCTS.get(text.split("\t")[0], 0) for text in loop)


def cycles(loop: list[str], cpu: str) -> float:
    """Return the estimated cycles of a turn."""
    with tempfile.NamedTemporaryFile("w", suffix=".s", encoding="ascii") as file:
        file.write("\n".join(loop) + "\n")
        file.flush()
        options = ["-mtriple=aarch64", f"-mcpu={cpu}", "-mattr=+dotprod,+i8mm", f"-iterations={STEPS}"]
        text = run("llvm-mca-19", *options, file.name)
    found = re.search(r"Total Cycles: +(\d+)", text)
    assert found is not None
    return int(found[1]) / STEPS


def measure() -> str:
    """Return the table."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("numba", "llvmlite"))
    head = f"Estimates, no measurement: llvm-mca 19 on code of {versions}. Products are those of bytes;"
    lines = [
        f"{head} a share is of what the dot-product instructions alone would reach.",
        "",
        "| loop | path | instructions per 1000 products | " + " | ".join(CPUS) + " |",
        "|---|---|---|" + "---|" * len(CPUS),
    ]
    with tempfile.TemporaryDirectory() as directory:
        for name, kernel, paths in LOOPS:
            for path in paths:
                loop = max(inner_loops(path, kernel, directory), key=products)
                made = products(loop)
                cells = [_cell(loop, made, cpu) if path in CPUS[cpu] else "–" for cpu in CPUS]
                lines.append(
                    f"| {name} | `{path}` | {1000 * len(loop) / made:.0f} | " + " | ".join(cells) + " |"
                )
    return "\n".join(lines)


def _cell(loop: list[str], made: int, cpu: str) -> str:
    """Return products per cycle, and which share of the limit that is."""
    rate = made / cycles(loop, cpu)
    dots = [text for text in loop if text.split("\t")[0] in ("usmmla", "usdot", "sdot")]
    if not dots:
        return f"{rate:.0f}"
    return f"{rate:.0f} ({cycles(dots, cpu) * rate / made:.0%})"


def main() -> None:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    text = measure()
    print(text)
    if parser.parse_args().write:
        replace_section(PAGE, "arm", text)


if __name__ == "__main__":
    main()
