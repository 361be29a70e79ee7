"""A browser that opens pages: Chromium by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

SITE = "http://site.test/"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the browser of this machine, or the one that `playwright install chromium` put there; skip where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with api.sync_playwright() as playwright:
        known = next(filter(None, map(shutil.which, NAMES)), None)
        path = known or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("no Chromium: install it, or run `playwright install chromium`")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Any, path: Path, width: int, scheme: str, site: Path | None = None
) -> Iterator[tuple[Any, list[str]]]:
    """Open a file without a network, wait for its pictures; yield the page and what it complained about or asked the network for.

    A file in the directory of a `site` is opened as a server would show it.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, reduced_motion="reduce"
    )
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda said: heard.append(f"{said.type}: {said.text}") if said.type != "log" else None)
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    here = ("file:", "data:") if site is None else ("data:", "blob:", SITE)
    page.on("request", lambda asked: heard.append(asked.url) if not asked.url.startswith(here) else None)
    if site is None:
        page.goto(path.as_uri())
    else:
        context.route(f"{SITE}**", lambda route: route.fulfill(path=site / _path(route.request.url)))
        page.goto(SITE + path.relative_to(site).as_posix())
    if page.locator("[id^=chart-]").count():
        page.wait_for_function("document.documentElement.dataset.drawn !== undefined", timeout=30_000)
    yield page, heard
    context.close()


def _path(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/"))


def violations(page: Any) -> list[tuple[str, list[str]]]:
    """Return the rules of axe-core that a page breaks, each with how the first elements that break it begin."""
    rules = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(rules)
    found = page.evaluate("axe.run()")["violations"]
    return [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found]
