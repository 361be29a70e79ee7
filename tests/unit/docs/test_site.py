"""What the site needs of the pages; `make site` builds it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from axemu.chip import load_calibration
from axemu.emulator.metis import MODEL_VERSION

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PICTURES = sorted((DOCS / "pictures").glob("*.svg"))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_index_lists_every_page_but_decisions_once() -> None:
    listed = re.findall(
        r"\]\(([\w/-]+\.md)\)", re.split(r"^\*\*Learn", text(DOCS / "index.md"), flags=re.MULTILINE)[1]
    )
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    decisions = {page for page in pages if re.match(r"decisions/\d", page)}
    assert sorted(listed) == sorted(pages - decisions - {"index.md"})


def test_the_page_of_installation_says_what_every_package_is_for() -> None:
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    page = text(DOCS / "how-to" / "install.md")
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|(?: [^|]+ \|)?$", page, re.MULTILINE)
    told = {first.strip("`"): set(re.findall(r"`([\w-]+)`", second)) for first, second in rows}

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[<>=]", one)[0] for one in requirements if not one.startswith("axemu[")}

    extras = {name: names(those) for name, those in project["optional-dependencies"].items()}
    others = {"test`, `lint`, `docs"}  # for who works on axemu
    assert set(told) - set(extras) - others == names(project["dependencies"])
    for extra in set(extras) - {"test", "lint", "docs"}:
        assert told[extra] - {"study"} == extras[extra]


def test_the_readme_is_short() -> None:
    assert len(text(ROOT / "README.md").splitlines()) < 100


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_a_picture_shows_times_of_the_present_model(picture: Path) -> None:
    """After a change of times or of what a command prints: `make pictures`."""
    shown = " ".join(re.findall(r"<text [^>]*>(.*?)</text>", text(picture))).replace("&#160;", " ")
    shown = re.sub(r"\s+", " ", shown)
    assert re.search(rf"model {MODEL_VERSION}, calibration {load_calibration().identity}\b", shown)


def test_the_pictures_are_those_that_the_build_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    pictures = __import__("pictures")
    assert sorted(pictures.PICTURES) == [path.name for path in PICTURES]
    used = set(re.findall(r"pictures/([\w.]+)", "".join(text(page) for page in DOCS.rglob("*.md"))))
    assert used == {*pictures.PICTURES, *pictures.PAGES}
    sys.modules.pop("pictures")


def test_the_page_of_all_commands_has_those_that_are_made_when_asked_for() -> None:
    program = "from commands_page import commands_page; print(commands_page())"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "tools"),
        "PYTHONUTF8": "1",
    }  # the page is written in UTF-8
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True, env=environment
    )
    page = done.stdout
    for name in ("axemu study cameras", "axemu study diff", "axemu zoo show", "axzoo benchmark", "axcompile"):
        assert len(re.findall(rf"^#+ {name}$", page, re.MULTILINE)) == 1
    assert "| `--fps` |" in page.partition("axemu study cameras")[2].partition("#")[0]


CELLS = [
    cell.strip()
    for line in text(DOCS / "how-to" / "troubleshooting.md").splitlines()
    if line.startswith("| `")
    for cell in [line.split(" | ")[0].removeprefix("| ")]
]
ELSEWHERE = {
    "axcompile: command not found",  # a shell's
    "No module named 'axelera.app'",  # Python's
    "axruntime/axruntime.h: No such file or directory",  # a C compiler's
}


@pytest.mark.parametrize("cell", CELLS)
def test_an_error_text_that_is_explained_is_one_that_the_code_has(cell: str, sources: str) -> None:
    for words in re.findall(r"`([^`]+)`", cell):
        assert words in ELSEWHERE or words in sources, words


@pytest.fixture(scope="module")
def sources() -> str:
    """The code of all rooms; texts that are written in pieces are joined."""
    code = "".join(
        text(path)
        for room in ROOT.iterdir()
        for name in ("axemu", "axelera")
        for path in (room / name).rglob("*.py")
    )
    return re.sub(r'"\s*\n\s*f?"', "", code)


def test_the_accuracy_table_has_the_figures_of_the_page_of_the_timing_model() -> None:
    limits, timing = text(DOCS / "explanation" / "limits.md"), text(DOCS / "explanation" / "timing.md")
    rows = {
        (match[1], match[2]): (match[3], match[4])
        for match in re.finditer(
            r"^\| (network|family) left out \| (PCIe|M\.2) \| ([\d.]+) % \| ([\d.]+) %", timing, re.MULTILINE
        )
    }
    assert len(rows) == 4
    for board in ("PCIe", "M.2"):
        median, mean = rows["network", board]
        assert f"{mean} % mean, {median} % median" in limits
    assert f"{rows['family', 'PCIe'][1]} % on PCIe, {rows['family', 'M.2'][1]} % on M.2, mean" in limits
    newer = re.findall(r"^\| without the network \| \S+ \| [\d.]+ % \| ([\d.]+) %", timing, re.MULTILINE)
    assert f"{newer[0]} % on PCIe, {newer[1]} % on M.2, mean" in limits
    layers = re.findall(
        r"^\| (?:device time of 55|system rate of the same).*MAPE ([\d.]+) %", timing, re.MULTILINE
    )
    assert len(layers) == 2
    assert all(f"| {error} % mean |" in limits for error in layers)
