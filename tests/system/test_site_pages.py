"""Pages of the documentation site, opened in a browser: no complaints, nothing fetched, accessible, and as wide as a phone.

A page with a piece of every kind is looked at always, all pages of the site with `AXEMU_FULL=1`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests._browser import chromium, opened, violations

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BUILD = """
import sys
from mkdocs.commands.build import build
from mkdocs.config import load_config
build(load_config("mkdocs.yml", docs_dir=sys.argv[1], site_dir=sys.argv[2], hooks=["tools/site_access.py"], validation={}))
"""
KINDS = """
# A page with a piece of every kind

A [link](other.md) in running text, `code`, a [`name`](other.md) of code, and **stress**.

> A quotation with a [link](other.md).

- a point with a [link](other.md)

| | default | a long column |
|---|---|---|
| `--first` | `1` | [what](other.md) it is for |
| `axelera.runtime.a_long_name_that_cannot_be_broken_anywhere` | `2` | {wide} |

```python
def twice(x: int) -> int:  # a comment that makes the line wider than a telephone's screen, so that it scrolls
    return 2 * x + len(f"{{x}}") if x is not None and x > 0 else 0
```

```sh
axemu demo  # more code
```

```json
{{"key": [1.5, null, true, "text"]}}
```

```toml
[table] # comment
key = "text"
```

## A heading with `code` and a [link](other.md)

::: axemu.driver.bounded
"""
SIZES = [(400, "light"), (400, "dark"), (1400, "light"), (1400, "dark")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    for tool in ("mkdocs", "material", "mkdocstrings_handlers.python"):
        if importlib.util.find_spec(tool.split(".")[0]) is None:
            pytest.skip(f"no {tool}: pip install '.[docs]'")
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:
    """A site with two small pages, in the look of ours."""
    folder = tmp_path_factory.mktemp("sample")
    shutil.copytree(ROOT / "docs" / "assets", folder / "docs" / "assets")
    (folder / "docs" / "index.md").write_text(KINDS.format(wide="wide " * 40), encoding="utf-8")
    (folder / "docs" / "other.md").write_text("# Other\n\n## Part\n", encoding="utf-8")
    return built(folder, [sys.executable, "-c", BUILD, str(folder / "docs"), str(folder / "site")])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    return built(folder, [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder / "site")])


def built(folder: Path, command: list[str]) -> Path:
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def faults(browser: Any, site: Path, path: Path, width: int, scheme: str) -> list[object]:
    """Return what is wrong with a page."""
    with opened(browser, path, width, scheme, site) as (page, heard):
        wide = page.evaluate("document.documentElement.scrollWidth")
        return [*heard, *violations(page), *([f"{wide} pixels wide"] if wide > width else [])]


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_every_kind_of_piece_is_shown_well(browser: Any, sample: Path, width: int, scheme: str) -> None:
    assert faults(browser, sample, sample / "index.html", width, scheme) == []


def test_a_wide_table_scrolls_by_keyboard(browser: Any, sample: Path) -> None:
    with opened(browser, sample / "index.html", 400, "light", sample) as (page, _):
        table = page.locator(".md-typeset__scrollwrap").first
        table.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.querySelector('.md-typeset__scrollwrap').scrollLeft > 0")


@pytest.mark.full
@pytest.mark.timeout(3600)  # some two hundred pages
@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (1400, "dark")])
def test_every_page_of_the_site_is_shown_well(browser: Any, site: Path, width: int, scheme: str) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 100
    told = {path.relative_to(site).as_posix(): faults(browser, site, path, width, scheme) for path in pages}
    assert {page: wrong for page, wrong in told.items() if wrong} == {}
