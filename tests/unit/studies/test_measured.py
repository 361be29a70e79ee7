"""Measurements: what ships, and what users bring."""

from __future__ import annotations

from pathlib import Path

import pytest

from axemu.driver import InvalidArgument
from axemu.studies import core_scaling, family_of, gemm, published, read_csv


def test_all_published_networks_are_there_on_both_boards() -> None:
    cases = published()
    assert len(cases) == 100
    assert {case.board for case in cases} == {"pcie", "m2"}
    assert all(case.source.startswith("https://") for case in (*cases, *gemm(), *core_scaling()))


def test_releases_have_tables_of_their_own_in_the_same_settings() -> None:
    old, new = published("1.6"), published("1.8")
    assert old == published()
    assert [(one.key, one.board, one.mvm_utilisation) for one in old] == [
        (one.key, one.board, one.mvm_utilisation) for one in new
    ]
    rates = {(one.model, one.board): one.fps for one in new}
    assert (rates["squeezenet1_1", "pcie"], rates["resnet50", "m2"]) == (6511, 1977)


def test_families_group_networks_of_a_kind() -> None:
    assert family_of("resnet152") == family_of("wide_resnet50_2") == family_of("resnext50_32x4d") == "resnet"
    assert family_of("yolov8n-seg") == family_of("yolov8l") == "yolov8"
    assert family_of("yolo11x") == "yolo11"
    assert len({family_of(name) for name in ("regnet_x_400mf", "densenet121", "squeezenet1_0")}) == 3


def test_own_measurements_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "model,board,metric,fps,cores,double_buffer\nresnet50,m2,system,358.7,1,no\nmine.onnx,pcie,host,12,,\n"
    )
    first, second = read_csv(path, 2.0)
    assert (first.model, first.cores, first.double_buffer, first.weight) == ("resnet50", 1, False, 2.0)
    assert (second.model, second.cores, second.double_buffer, second.instances) == ("mine.onnx", 4, True, 4)


@pytest.mark.parametrize(
    "row",
    [
        "resnet50,m2,system,fast",
        "resnet50,m3,system,10",
        "resnet50,m2,speed,10",
        "resnet50,m2,host,-1",
        "resnet50,m2,host,nan",
    ],
)
def test_a_wrong_row_is_refused_by_number(tmp_path: Path, row: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"model,board,metric,fps\nresnet50,m2,host,10\n{row}\n")
    with pytest.raises(InvalidArgument, match="row 3"):
        read_csv(path)


@pytest.mark.parametrize(("column", "value"), [("clock", "801"), ("mvm_utilisation", "0.5")])
def test_settings_that_no_board_has_are_refused_by_row(column: str, value: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"model,board,metric,fps,{column}\nresnet18,m2,host,900,{value}\n")
    with pytest.raises(InvalidArgument, match=f"row 2: {column}.* {value}"):
        read_csv(path)


def test_wrong_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("model,board,rate\n")
    with pytest.raises(InvalidArgument, match="unknown columns"):
        read_csv(path)
    path.write_text("model,board,metric,fps,mass\n")
    with pytest.raises(InvalidArgument, match=r"unknown columns \['mass'\], missing \[\]"):
        read_csv(path)
    with pytest.raises(InvalidArgument, match="no such file"):
        read_csv(tmp_path / "none.csv")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a" * 200_000, b" " * (5 << 20)])
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.csv"
    for begin in (b"", b"model,board,metric,fps\n"):
        path.write_bytes(begin + content)
        with pytest.raises(InvalidArgument, match=r"mine\.csv: no table of comma-separated values"):
            read_csv(path)
