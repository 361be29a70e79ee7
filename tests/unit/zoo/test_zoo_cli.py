"""`axemu zoo` and the parts of `axdownloadmodel` that compile nothing."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from axemu import zoo
from axemu.cli import _zoo, axdownloadmodel


def command(*arguments: str) -> Result:
    return CliRunner().invoke(_zoo.app, list(arguments))


def download(*arguments: str) -> Result:
    return CliRunner().invoke(axdownloadmodel.app, list(arguments))


def test_list_has_a_line_per_network() -> None:
    lines = command("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [network.name for network in zoo.networks()]
    (line,) = [line for line in lines if line.startswith("resnet50 ")]
    assert re.search(r"classification +224x224 +25\.53 M +4\.09 GMAC +arXiv:1512\.03385", line)


def test_list_can_be_limited_to_a_task() -> None:
    names = [line.split()[0] for line in command("list", "--task", "keypoints").stdout.splitlines()]
    assert names == [network.name for network in zoo.networks() if network.name.endswith("-pose")]


def test_an_unknown_task_is_told_with_those_there_are() -> None:
    result = command("list", "--task", "poetry")
    assert result.exit_code == 2
    assert "task 'poetry' is unknown: known are classification, detection" in result.stderr


@pytest.mark.parametrize("columns", [80, 160])
def test_no_line_of_the_list_is_longer_than_the_terminal(columns: int) -> None:
    lines = list(_zoo.listing(zoo.networks(), columns))
    assert max(len(line) for line in lines) <= columns
    assert all(network.source in line for network, line in zip(zoo.networks(), lines, strict=True)) == (
        columns > 122
    )


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0", "yolov8n-obb"])
def test_no_line_of_a_description_is_longer_than_the_terminal(name: str) -> None:
    lines = list(_zoo.description(zoo.find(name), 80))
    assert max(len(line) for line in "\n".join(lines).splitlines()) <= 80
    text = " ".join(lines)
    assert all(other in text for other in zoo.find(name).names)


def test_show_tells_the_source_and_that_weights_are_synthetic() -> None:
    text = command("show", "yolo11s-coco-onnx").stdout
    assert "synthetic" in text
    assert "github.com/ultralytics" in text
    assert "1x3x640x640" in text


def test_show_of_an_unknown_network_proposes_names() -> None:
    result = command("show", "resnet51")
    assert result.exit_code == 1
    assert "did you mean" in result.stderr


def test_export_writes_what_the_builder_builds(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    arguments = ["--resolution", "64x96", "--classes", "5", "--width", "0.5", "--seed", "3"]
    result = command("export", "mobilenet_v2", "-o", str(path), *arguments)
    assert result.exit_code == 0, result.stderr
    assert "synthetic weights" in result.stderr
    wanted = zoo.find("mobilenet_v2").build(resolution=(64, 96), classes=5, width=0.5, seed=3)
    assert onnx.load(path) == wanted
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resolution", "ten"], "expected HEIGHTxWIDTH"),
        (["--resolution", "16"], "resnet18: height 16 of the input"),
        (["--width", "100"], "less than or equal to 16"),
    ],
)
def test_export_refuses_bad_arguments_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    result = command("export", "resnet18", "-o", str(tmp_path / "net.onnx"), *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_export_makes_the_directory_it_writes_into(tmp_path: Path) -> None:
    path = tmp_path / "new" / "net.onnx"
    assert command("export", "squeezenet1_1", "-o", str(path), "--structure-only").exit_code == 0
    assert [file.name for file in path.parent.iterdir()] == ["net.onnx"]


def test_export_into_a_directory_asks_for_a_file(tmp_path: Path) -> None:
    result = command("export", "squeezenet1_1", "-o", str(tmp_path))
    assert result.exit_code == 2
    assert re.search(r"is a\W+directory", result.stderr)
    assert list(tmp_path.iterdir()) == []


def test_the_table_has_a_row_per_network() -> None:
    lines = command("table", "--only", "squeezenet").stdout.splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["squeezenet1_0", "squeezenet1_1"]
    assert "| 224×224 | 1.24 | 0.35 |" in rows[1]


def test_the_table_keeps_the_compile_times_of_an_earlier_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = command("table", "--only", "squeezenet1_1").stdout.replace("| – |", "| 12.5 |")
    page.write_text(text, encoding="utf-8")
    again = command("table", "--only", "squeezenet", "--times-from", str(page)).stdout
    first, second = [line for line in again.splitlines() if line.startswith("| `")]
    assert "| – |" in first
    assert "| 12.5 |" in second


@pytest.mark.slow
def test_measuring_fills_the_gaps_of_an_earlier_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = command("table", "--only", "squeezenet1_1").stdout.replace("| – |", "| 12.5 |")
    page.write_text(text, encoding="utf-8")
    again = command("table", "--measure", "--only", "squeezenet", "--times-from", str(page)).stdout
    first, second = [line.split("|")[9].strip() for line in again.splitlines() if line.startswith("| `")]
    assert float(first) > 0
    assert second == "12.5"


def test_download_lists_the_vendors_names() -> None:
    names = download("--list").stdout.splitlines()
    assert {"resnet50-imagenet-onnx", "yolov8n-coco-onnx", "yolo11s-coco-onnx"} <= set(names)
    assert all(zoo.find(name) for name in names)


def test_download_without_a_name_says_how_to_get_one() -> None:
    result = download()
    assert result.exit_code == 2
    assert "--list" in result.stderr


def test_download_of_an_unknown_name_fails_with_proposals(tmp_path: Path) -> None:
    result = download("resnet51-imagenet-onnx", "--output", str(tmp_path))
    assert result.exit_code == 1
    assert "did you mean resnet" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_download_takes_weights_for_one_network_only(tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    file.touch()
    result = download("resnet18", "resnet34", "--weights", str(file))
    assert result.exit_code == 2
    assert "--weights is for one network, not for 2" in result.stderr


def test_download_takes_classes_for_synthetic_weights_only(tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    file.touch()
    result = download("resnet18", "--weights", str(file), "--classes", "5")
    assert result.exit_code == 2
    assert "--weights has its own classes" in result.stderr


def test_download_refuses_more_classes_than_a_network_takes(tmp_path: Path) -> None:
    result = download("resnet18", "--classes", "100001", "--output", str(tmp_path))
    assert result.exit_code == 2
    assert "less than or equal to 100000" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../resnet18", "/tmp/resnet18", "resnet18/..", ""])  # noqa: S108
def test_a_name_never_leaves_the_build_directory(name: str, tmp_path: Path) -> None:
    result = download(name, "--output", str(tmp_path / "build"))
    assert result.exit_code != 0
    assert list(tmp_path.iterdir()) == []


def test_export_follows_a_link_and_leaves_it(tmp_path: Path) -> None:
    real, link = tmp_path / "real.onnx", tmp_path / "link.onnx"
    real.write_bytes(b"old")
    link.symlink_to(real)
    assert command("export", "squeezenet1_1", "--width", "0.1", "-o", str(link)).exit_code == 0
    assert link.is_symlink()
    onnx.load(real)


def test_export_writes_into_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    arguments = ("squeezenet1_1", "--width", "0.1", "--structure-only")
    with ThreadPoolExecutor() as threads:
        read = threads.submit(pipe.read_bytes)
        assert command("export", *arguments, "-o", str(pipe)).exit_code == 0
        onnx.load_model_from_string(read.result(timeout=60))
    assert pipe.is_fifo()


def test_table_of_no_network_is_refused() -> None:
    result = command("table", "--only", "resnot")
    assert result.exit_code == 2
    assert "--only 'resnot': no network's name starts so" in result.stderr


def test_table_names_a_file_that_is_no_page(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_bytes(b"\xff\xfe")
    result = command("table", "--only", "resnet18", "--times-from", str(tmp_path / "page.md"))
    assert result.exit_code == 1
    assert "page.md: not a page of this command" in result.stderr
