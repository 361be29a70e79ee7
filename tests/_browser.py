"""A browser that opens pages: Chromium by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

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
def opened(browser: Any, path: Path, width: int, scheme: str) -> Iterator[tuple[Any, list[str]]]:
    """Open a file without a network, wait for its pictures; yield the page and what it complained about or asked the network for."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, reduced_motion="reduce"
    )
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda said: heard.append(f"{said.type}: {said.text}") if said.type != "log" else None)
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on(
        "request",
        lambda asked: heard.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None,
    )
    page.goto(path.as_uri())
    if page.locator("[id^=chart-]").count():
        page.wait_for_function("document.documentElement.dataset.drawn !== undefined", timeout=30_000)
    yield page, heard
    context.close()
