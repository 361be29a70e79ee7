"""Every kind of page, opened in a browser: no complaints, nothing fetched, accessible in light and dark, and as wide as a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests._browser import chromium, opened, violations

from axemu.cli._demo import run_demo
from axemu.cli._demo_page import write_page as write_demo
from axemu.studies import Scenario, compare, explain, read_side, write_explanation, write_report
from axemu.studies import write_page as write_comparison
from axemu.studies.questions import Answer, Chart, predictions, write_page

pytestmark = pytest.mark.slow

ROWS = [
    {"double buffer": yes, "cameras": many, "p99 ms": 40.0 + many * (1 + yes), "verdict": "healthy"}
    for yes in (True, False)
    for many in range(1, 9)
]


def study(path: Path) -> None:
    charts = [
        Chart("Latency by number of cameras", "cameras", "p99 ms", "double buffer", limit=50),
        Chart("99th percentile", "verdict", "p99 ms", mark="bar"),
    ]
    answer = Answer(
        "8 cameras of 30 frames/s.", ROWS, ["Bound by host."], "simulated", charts, "cameras", {"fps": 30}
    )
    write_page(path, answer)


def compared(path: Path) -> None:
    write_page(
        path, predictions(Scenario("squeezenet1_1"), {"board": ["m2", "pcie"], "clock": [400, 800]}), "axemu"
    )


def explained(path: Path) -> None:
    scenario = Scenario("squeezenet1_1", board="m2")
    write_explanation(path, scenario, explain(scenario))


def reported(path: Path) -> None:
    random = np.random.default_rng(0)
    calls = np.cumsum(random.uniform(2, 3, (4, 200)), axis=1)
    document = {
        "report_version": 2, "simulated": True, "model_version": "m", "calibration_id": "c", "provenance": "assumed",
        "pace": "virtual", "values": "computed", "program": "app.py", "elapsed": 0.5, "threads": 4,
        "faults": [{"board": "metis-0:1:0", "kind": "timeout", "count": 2}],
        "total": {"calls": 800, "frames": 800, "fps": 1600.0, "latency_p50_ms": 7.0, "latency_p99_ms": 9.0},
        "boards": [{"name": "metis-0:1:0", "utilisation": {"core0": 0.9, "ddr": 0.3}}],
        "instances": [
            {
                "id": number, "model": "network", "board": "metis-0:1:0", "cores": [number], "batch": 1,
                "double_buffer": True, "calls": 200, "frames": 200, "fps": 400.0, "latency_p50_ms": 7.0,
                "latency_p99_ms": 9.0, "bound_by": "ddr", "microseconds_per_call": {"array": 1000.0, "ddr": 1200.0},
                "latency_quantiles_ms": np.quantile(np.diff(calls[number]) * 3, np.linspace(0, 1, 101)).tolist(),
                "first_calls_ms": [[one - 2, one - 1.5, one, one + 0.3] for one in calls[number].tolist()],
            }
            for number in range(4)
        ],
    }  # fmt: skip
    write_report(path, document)


KINDS: dict[str, Callable[[Path], None]] = {
    "study": study, "compared": compared, "explained": explained, "reported": reported,
}  # fmt: skip
"""Pages that are quickly made; those of the demo and of compilations come from the demo."""
ALL = [*KINDS, "demo", "compilation", "difference"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> dict[str, Path]:
    """A page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    for kind, write in KINDS.items():
        write(folder / f"{kind}.html")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AXEMU_RUNTIME_DIR", str(folder / "rt"))
        patch.chdir(folder)
        result = run_demo(Path("digits/1"), 1)
        write_demo(folder / "demo.html", result)
        one, other = read_side("digits/1"), read_side("spec-exact:digits/1")
        frames = [[np.random.default_rng(0).random((1, 1, 8, 8), np.float32)]]
        write_comparison(folder / "difference.html", compare(one, other, frames))
    return {kind: folder / f"{kind}.html" for kind in (*KINDS, "demo", "difference")} | {
        "compilation": folder / "digits" / "1" / "report.html"
    }


SIZES = [
    (400, "light"),
    (1400, "dark"),
    *(pytest.param(*case, marks=pytest.mark.full) for case in ((1400, "light"), (400, "dark"))),
]


@pytest.mark.parametrize(("width", "scheme"), SIZES)
@pytest.mark.parametrize("kind", ALL)
def test_a_page_draws_everything_by_itself(
    pages: dict[str, Path], browser: Any, kind: str, width: int, scheme: str
) -> None:
    with opened(browser, pages[kind], width, scheme) as (page, heard):
        charts = page.locator("[id^=chart-]")
        assert page.locator("[id^=chart-] svg").count() == charts.count()
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert heard == []


@pytest.mark.parametrize(("width", "scheme"), SIZES)
@pytest.mark.parametrize("kind", ALL)
def test_a_page_is_accessible(
    pages: dict[str, Path], browser: Any, kind: str, width: int, scheme: str
) -> None:
    with opened(browser, pages[kind], width, scheme) as (page, _):
        assert violations(page) == []


def test_pictures_follow_the_scheme_that_the_reader_changes_to(pages: dict[str, Path], browser: Any) -> None:
    with opened(browser, pages["study"], 1400, "light") as (page, heard):
        label = page.locator("[id^=chart-] svg text").first
        light = label.get_attribute("fill")
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(
            "light => document.querySelector('[id^=chart-] svg text')?.getAttribute('fill') !== light",
            arg=light,
        )
        assert heard == []


def test_layers_are_sorted_and_filtered_by_keyboard(pages: dict[str, Path], browser: Any) -> None:
    with opened(browser, pages["explained"], 1400, "light") as (page, _):
        page.locator("#layers th button", has_text="µs").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        times = [float(text) for text in page.locator("#layers tbody td:nth-child(3)").all_inner_texts()]
        assert times == sorted(times, reverse=True)
        assert page.locator("#layers th[aria-sort=descending]").count() == 1
        every = page.locator("#layers tbody tr:visible").count()
        page.locator("[data-for=layers] input").focus()
        page.keyboard.type("fire2")
        left = page.locator("#layers tbody tr:visible")
        assert 0 < left.count() < every
        assert page.locator("[data-for=layers] [role=status]").inner_text() == f"{left.count()} of {every}"
