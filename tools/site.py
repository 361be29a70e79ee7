"""Hooks of mkdocs: what of the site is made when it is built, so that every fact has one place.

- The navigation follows docs/index.md.
- Files outside docs/ that a page links to become pages.
- Reference pages of the Python packages and of all commands' options are written from the code.
- Terminal pictures and the two HTML reports are made by running the commands.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml
from commands_page import commands_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pictures import make_pictures

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)((?:#[^)\s]*)?\))")
FENCED = re.compile(r"(^```.*?^```[^\n]*$)", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^\*\*(\w[\w ]*)\.\*\*(.*?)(?=^\*\*|\Z)", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"\[([^\]]+)\]\(([^)#]+\.md)\)")
LANGUAGES = {".py": "python", ".yml": "yaml", ".toml": "toml", ".md": ""}
NAMES = ROOT / "tests" / "unit" / "test_layout" / "test_public_names_change_on_purpose.yml"
FIRST = ("axelera.runtime", "axelera.compiler", "axemu.host", "axemu.testing")
PACKAGES = sorted(
    yaml.safe_load(NAMES.read_text(encoding="utf-8")),
    key=lambda name: (name not in FIRST, name.split(".")[0], name),
)
"""Packages with a reference page: all whose names are public, those for applications first."""
GENERATED = "source"
"""Directory of the pages that show files outside docs/."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name the version, and build the navigation from docs/index.md."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    config.site_name = f"axemu {project['version']}"
    config.nav = [{"Start": "index.md"}]
    for title, body in SECTION.findall((DOCS / "index.md").read_text(encoding="utf-8")):
        entries: list[Any] = [
            {name.replace("`", ""): _page_of(DOCS / target)} for name, target in ENTRY.findall(body)
        ]
        if title == "Look up":
            entries.append({"All commands and options": "reference/commands.md"})
            entries.append({"Python API": [{name: f"reference/api/{name}.md"} for name in PACKAGES]})
        config.nav.append({title: entries})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made and what is linked."""
    made: dict[str, str | bytes] = {f"reference/api/{name}.md": _package_page(name) for name in PACKAGES}
    made["reference/commands.md"] = commands_page()
    made |= {f"pictures/{name}": content for name, content in make_pictures().items()}
    for path in _linked():
        made[_page_of(path)] = _source_page(path)
    for name, content in made.items():
        if (old := files.get_file_from_path(name)) is not None:
            files.remove(old)
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turn links to files outside docs/ into links to their pages."""
    here = page.file.src_uri
    directory = _origin(here).parent

    def moved(match: re.Match[str]) -> str:
        target = (directory / match[2]).resolve()
        name = _page_of(target)
        return match[1] + posixpath.relpath(name, posixpath.dirname(here) or ".") + match[3]

    parts = FENCED.split(markdown)
    return "".join(part if index % 2 else LINK.sub(moved, part) for index, part in enumerate(parts))


def _page_of(path: Path) -> str:
    """Return the name in the site of a file of the repository."""
    path = path.resolve()
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    name = re.sub(r"(^|/)[.]", r"\1dot.", path.relative_to(ROOT).as_posix())  # mkdocs leaves out dotted names
    return f"{GENERATED}/{name}.md"


def _origin(page: str) -> Path:
    """Return the file of the repository that a page of the site shows."""
    if not page.startswith(f"{GENERATED}/"):
        return DOCS / page
    return ROOT / re.sub(r"(^|/)dot[.]", r"\1.", page.removeprefix(f"{GENERATED}/").removesuffix(".md"))


def _linked() -> set[Path]:
    """Return the files outside docs/ that pages link to, and that Markdown files among these link to."""
    found: set[Path] = set()
    waiting = sorted(DOCS.rglob("*.md"))
    while waiting:
        page = waiting.pop()
        for _, target, _ in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
            path = (page.parent / target).resolve()
            if path.is_file() and not path.is_relative_to(DOCS) and path not in found:
                found.add(path)
                if path.suffix == ".md":
                    waiting.append(path)
    return found


def _source_page(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    front = "---\nsearch:\n  exclude: true\n---\n\n"
    if path.suffix == ".md":
        return front + text
    name = path.relative_to(ROOT).as_posix()
    return f"{front}# {name}\n\n````{LANGUAGES.get(path.suffix, '')}\n{text}````\n"


def _package_page(name: str) -> str:
    return f"# {name}\n\n::: {name}\n"
