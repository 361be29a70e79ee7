"""What pages for maintainers say about files, rooms and targets is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CHANGE = ROOT / "docs" / "how-to" / "change-something.md"
ARCHITECTURE = ROOT / "docs" / "explanation" / "architecture.md"
PAGES = [CHANGE, ARCHITECTURE, ROOT / "CONTRIBUTING.md"]
NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[A-Z]+\.md|(?:pyproject|constraints)\.\w+)`")
ROOM = re.compile(r"^\| `(\w+)/` \| `([\w.]+)` \|.*\| (.*) \|$", re.MULTILINE)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    names = [name for name in NAMED.findall(text(page)) if not name.startswith("build/")]
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_every_row_of_the_table_has_its_section_and_every_section_its_row() -> None:
    linked = re.findall(r"^\| \[.*?\]\(#([\w-]+)\)", text(CHANGE), re.MULTILINE)
    sections = [anchor(heading) for heading in re.findall(r"^## (.+)$", text(CHANGE), re.MULTILINE)]
    assert linked == sections


SECTIONS = re.split(r"^## ", CHANGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: anchor(section.partition("\n")[0]))
def test_names_that_a_section_mentions_stand_in_the_files_it_mentions(section: str) -> None:
    body = section.partition("\n")[2]
    paths = [ROOT / name for name in NAMED.findall(body)]
    files = [file for path in paths for file in ([path] if path.is_file() else path.glob("*.py"))]
    code = "\n".join(text(file) for file in files)
    names = set(re.findall(r"`([A-Za-z_]\w+)`", body)) - {"axemu", "modelled"}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", code)] == []


def test_the_rooms_are_those_of_the_wheel() -> None:
    wheel = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    described = [
        f"{room}/{package.partition('.')[0]}" for room, package, _ in ROOM.findall(text(ARCHITECTURE))
    ]
    assert sorted(set(described)) == sorted(wheel["only-include"])  # a root may hold two packages


def test_what_a_package_may_import_is_what_import_linter_allows() -> None:
    packages = {package.rpartition(".")[2]: package for _, package, _ in ROOM.findall(text(ARCHITECTURE))}
    linter = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["importlinter"]
    for _, package, allowed in ROOM.findall(text(ARCHITECTURE)):
        if allowed == "public parts of all":
            continue
        forbidden: set[str] = set()
        for contract in linter["contracts"]:
            if contract["type"] == "forbidden" and package in contract["source_modules"]:
                forbidden |= set(contract["forbidden_modules"])
            elif contract["type"] == "independence" and package in contract["modules"]:
                forbidden |= set(contract["modules"])
        open_to = {
            other
            for other, name in packages.items()
            if name != package
            and not any(module == name or module.startswith(f"{name}.") for module in forbidden)
        }
        listed = {name.partition(".")[0] for name in re.findall(r"`([\w.]+)`", allowed)}
        whole = {name for name in re.findall(r"`([\w.]+)`", allowed) if "." not in name}
        assert whole == open_to, f"{package}: the page and pyproject.toml differ"
        assert listed - open_to <= {"emulator"}, package
