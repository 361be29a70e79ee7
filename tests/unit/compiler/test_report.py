"""What the report says, and that its page can be read."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CompilerConfig
from axelera.compiler.report import measure_outputs, write_html

SHAPE = (1, 3, 24, 24)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    net = Net(SHAPE)
    x = net.conv(net.add("Abs", "x"), 3, 16, pads=[1, 1, 1, 1])
    small = net.constant(np.array([1.0] * 12 + [1e-3] * 4, np.float32).reshape(1, 16, 1, 1))
    x = net.conv(net.add("Mul", net.add("Relu", x), small), 16, 16)
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    weight = net.constant(net.random.standard_normal((16, 10)).astype(np.float32))
    model = net.model(net.add("Softmax", net.add("Gemm", x, weight)))
    config = CompilerConfig(quantization_scheme="per_tensor_min_max")
    out = tmp_path_factory.mktemp("report") / "out"
    compiler.compile(compiler.quantize(model, data(SHAPE, 4), config), config, out)
    found: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return found


def operator(report: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(entry for entry in report["operators"] if entry["operator"] == kind)


def test_channels_with_few_levels_are_counted_where_there_are_values_enough(report: dict[str, Any]) -> None:
    counts = {
        entry["name"]: entry["channels_below_16_levels"]
        for entry in report["operators"]
        if entry["shape"][0] > 1
    }
    assert 4 in counts.values()
    # One position and two samples cannot show sixteen levels, whatever the quantisation.
    assert operator(report, "avg_pool")["channels_below_16_levels"] is None


def test_host_operators_tell_shape_and_multiply_accumulates(report: dict[str, Any]) -> None:
    found = {entry["operator"]: (entry["runs_on"], entry["shape"]) for entry in report["host_operators"]}
    assert found == {"Abs": ("host, before", [1, 3, 24, 24]), "Softmax": ("host, after", [1, 10])}
    assert {entry["macs"] for entry in report["host_operators"]} == {0}


class Page(HTMLParser):
    """Text, ids, links and what stays open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "input"):
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src"):
                self.references.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_refers_to_nothing_outside_itself(report: dict[str, Any], tmp_path: Path) -> None:
    write_html(tmp_path / "r.html", report)
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert page.references
    assert all(reference[0] == "#" and reference[1:] in page.ids for reference in page.references)
    assert all(entry["name"] in page.words for entry in [*report["operators"], *report["host_operators"]])


def test_names_from_a_network_are_text_on_the_page(report: dict[str, Any], tmp_path: Path) -> None:
    hostile = '<script>alert("x")</script>'
    operators = [{**entry, "name": hostile, "source": [hostile]} for entry in report["operators"]]
    write_html(tmp_path / "r.html", {**report, "model": hostile, "operators": operators})
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert text.count("<script>") == 1
    assert hostile in Page(text).words


def test_a_page_of_thousands_of_operators_stays_small(report: dict[str, Any], tmp_path: Path) -> None:
    operators = [
        {**entry, "name": f"{entry['name']}_{i}"} for i in range(500) for entry in report["operators"]
    ]
    write_html(tmp_path / "r.html", {**report, "operators": operators})
    assert len(operators) > 2000
    assert (tmp_path / "r.html").stat().st_size < 1000 * len(operators)


def test_a_nameless_node_is_called_by_what_it_computes() -> None:
    net = Net(SHAPE)
    model = net.model(net.conv(net.add("Relu", net.conv("x", 3, 8)), 8, 4))
    for node in model.graph.node:
        node.name = ""
    quantised = compiler.quantize(model, data(SHAPE, 2), CompilerConfig())
    names = [entry["name"] for entry in quantised.report["operators"] if entry["operator"] == "conv"]
    assert names == ["Conv_0", "Conv_2"]


def test_coordinates_and_scores_of_one_output_are_measured_apart() -> None:
    generator = np.random.default_rng(0)
    real = np.concatenate(
        [generator.uniform(0, 640, (1, 4, 100)), generator.uniform(0, 1, (1, 80, 100))], axis=1
    )
    result = real.copy()
    result[:, 4:] += generator.normal(0, 0.05, (1, 80, 100))
    result[:, :4] += generator.normal(0, 1, (1, 4, 100))
    for turned in (False, True):
        pair = [[side.transpose(0, 2, 1) if turned else side] for side in (real, result)]
        (entry,) = measure_outputs([pair[0]], [pair[1]], ["boxes"])
        coordinates, scores = entry["kinds"]
        assert (coordinates["kind"], coordinates["channels"]) == ("coordinates", 4)
        assert (scores["kind"], scores["channels"]) == ("scores", 80)
        assert entry["sqnr_db"] == pytest.approx(coordinates["sqnr_db"], abs=1)
        assert scores["sqnr_db"] < coordinates["sqnr_db"] - 20


def test_an_output_of_scores_alone_has_no_kinds() -> None:
    scores = np.random.default_rng(0).uniform(0, 1, (1, 80, 100))
    (entry,) = measure_outputs([[scores]], [[scores]], ["scores"])
    assert entry["kinds"] == []


def heavy_tails(scheme: str) -> list[dict[str, Any]]:
    """Quantise a network in the middle of which few values are far larger than all others; return what is clipped."""
    shape = (1, 3, 48, 48)
    net = Net(shape)
    model = net.model(net.conv(net.add("Relu", net.conv("x", 3, 8, kernel=1)), 8, 8, kernel=1))
    generator = np.random.default_rng(0)
    samples = [generator.standard_t(4, shape).astype(np.float32) for _ in range(20)]
    found: list[dict[str, Any]] = compiler.quantize(
        model, samples, CompilerConfig(quantization_scheme=scheme)
    ).report["clipped"]
    return found


def test_clipping_is_told_with_tensor_and_share(caplog: pytest.LogCaptureFixture) -> None:
    (one,) = heavy_tails("per_tensor_histogram")
    assert one["tensor"] == "Conv_0"
    assert 0 < one["share"] < 1e-3
    assert one["seen"] > 1.2 * one["limit"]
    assert "per_tensor_histogram clips 1 tensors" in caplog.text
    assert "Conv_0" in caplog.text


def test_min_max_clips_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert heavy_tails("per_tensor_min_max") == []
    assert "clips" not in caplog.text
