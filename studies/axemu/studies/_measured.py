"""Published and measured figures, as cases that a prediction can be held against."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from axemu.chip import BOARDS, CORES, DEFAULT_RELEASE, RELEASES
from axemu.driver import InvalidArgument, path_errors
from axemu.driver.bounded import Bounds, decoded, read_bounded, shown
from axemu.model.program import Attribute, Node, Program, Tensor
from axemu.studies._settings import check_settings

Metric = Literal["host", "device", "system"]
Key = tuple[str, int, int | None]
"""What is executed: model, compiled cores and tiling depth."""

COLUMNS = (
    "model",
    "board",
    "metric",
    "fps",
    "compiled_cores",
    "cores",
    "double_buffer",
    "mvm_utilisation",
    "clock",
)
"""Columns of a file of own measurements; those after `fps` may be left out."""

MAX_ROWS = 10_000
MEASUREMENTS = Bounds(4 << 20, MAX_ROWS * len(COLUMNS))


@dataclass(frozen=True, slots=True)
class Case:
    """One measured rate and how it was measured.

    `model` is what `load_target` takes, or "gemm MxKxN" for a 1x1 convolution of M columns. `family` groups networks
    that share their building blocks. `weight` is how much the calibration heeds it.
    """

    model: str
    family: str
    board: str
    metric: Metric
    fps: float
    compiled_cores: int = 1
    cores: int = CORES
    double_buffer: bool = True
    mvm_utilisation: float = 100.0
    clock: int = 800
    tiling_depth: int | None = None
    weight: float = 1.0
    source: str = ""

    @property
    def key(self) -> Key:
        """What is executed."""
        return self.model, self.compiled_cores, self.tiling_depth

    @property
    def instances(self) -> int:
        """Instances that shared the board."""
        return self.cores // self.compiled_cores


def _data(name: str) -> dict[str, Any]:
    text = resources.files("axemu.studies").joinpath("data", name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def family_of(network: str) -> str:
    """Return the family of a network: detectors with their generation, others by the letters they begin with."""
    name = network.lower().removeprefix("wide_")
    found = re.match(r"yolov?\d+|mobilenetv4|resne|[a-z]+", name)
    return {"resne": "resnet"}.get(found[0], found[0]) if found else name


def published(sdk: str = DEFAULT_RELEASE) -> list[Case]:
    """Return the vendor's model-zoo table of a release (`axemu.chip.RELEASES`): host FPS at four cores and 800 MHz, on two boards."""
    table = RELEASES[sdk].table
    data = _data("published_fps.json")
    return [
        Case(
            model=entry["network"],
            family=family_of(entry["network"]),
            board=board,
            metric="host",
            fps=entry["fps"][table][board],
            compiled_cores=entry["compiled_cores"],
            cores=entry["compiled_cores"] * entry["instances"],
            mvm_utilisation=entry["m2_mvm_percent"] if board == "m2" else 100,
            source=data["source"],
        )
        for entry in data["networks"]
        for board in ("pcie", "m2")
    ]


def gemm(metric: Metric = "device", weight: float = 0.15) -> list[Case]:
    """Return measured 1x1 convolutions on a PCIe card, four single-core instances."""
    data = _data("gemm_measured.json")
    return [
        Case(
            model=f"gemm {point['M']}x{point['K']}x{point['N']}",
            family="gemm",
            board="pcie",
            metric=metric,
            fps=point[f"{metric}_fps"],
            weight=weight,
            source=data["source"],
        )
        for point in data["points"]
    ]


def core_scaling(weight: float = 2.0) -> list[Case]:
    """Return the system FPS of one to four single-core ResNet-50 instances on M.2, without double buffering."""
    data = _data("scaling_measured.json")
    return [
        Case(
            model=data["network"],
            family=family_of(data["network"]),
            board=data["board"],
            metric="system",
            fps=fps,
            cores=int(instances),
            double_buffer=False,
            weight=weight,
            source=data["source"],
        )
        for instances, fps in data["system_fps"].items()
    ]


def read_csv(path: Path, weight: float = 1.0) -> list[Case]:
    """Read own measurements; see `COLUMNS`.

    Raises:
        InvalidArgument: the file is missing, too long, or a row is wrong; names row and column.
    """
    with path_errors(InvalidArgument, f"measurements {path}"):
        return _read(path, weight)


def _read(path: Path, weight: float) -> list[Case]:
    if not path.is_file():
        raise InvalidArgument(f"measurements {path}: no such file")
    try:
        reader = csv.DictReader(io.StringIO(decoded(read_bounded(path, MEASUREMENTS)), newline=""))
        names, rows = set(reader.fieldnames or ()), list(reader)
    except (ValueError, csv.Error) as error:
        raise InvalidArgument(f"measurements {path}: no table of comma-separated values: {error}") from error
    if names - set(COLUMNS) or set(COLUMNS[:4]) - names:
        raise InvalidArgument(
            f"measurements {path}: unknown columns {shown(sorted(names - set(COLUMNS)))}, missing "
            f"{sorted(set(COLUMNS[:4]) - names)}; expected {', '.join(COLUMNS)}"
        )
    return list(_rows(path, rows, weight))


def _rows(path: Path, reader: Iterable[dict[str, str]], weight: float) -> Iterable[Case]:
    for number, row in enumerate(reader, 2):
        if number > MAX_ROWS:
            raise InvalidArgument(f"measurements {path}: more than {MAX_ROWS} rows")
        try:
            metric = row["metric"].strip()
            board = row["board"].strip()
            fps = float(row["fps"])
            batch, cores = int(row.get("compiled_cores") or 1), int(row.get("cores") or CORES)
            if metric not in ("host", "device", "system") or board not in BOARDS or not 0 < fps < 1e7:
                raise ValueError("metric, board or fps")  # noqa: TRY301
            if not 1 <= batch <= cores <= CORES:
                raise ValueError("compiled_cores or cores")  # noqa: TRY301
            clock, limit = int(row.get("clock") or 800), float(row.get("mvm_utilisation") or 100)
            check_settings(clock, limit)
            yield Case(
                model=row["model"].strip(),
                family=family_of(Path(row["model"].strip()).stem),
                board=board,
                metric=metric,  # type: ignore[arg-type]
                fps=fps,
                compiled_cores=batch,
                cores=cores,
                double_buffer=(row.get("double_buffer") or "1").strip().lower() in ("1", "true", "yes"),
                mvm_utilisation=limit,
                clock=clock,
                weight=weight,
                source=str(path),
            )
        except (ValueError, TypeError, AttributeError, InvalidArgument) as error:
            raise InvalidArgument(f"measurements {path}, row {number}: {error}; got {dict(row)}") from error


def gemm_program(columns: int, inputs: int, outputs: int) -> Program:
    """Return a 1x1 convolution of `columns` positions as a structure-only program."""
    stored_in = -(-inputs // 4) * 4 if inputs <= 4 else -(-inputs // 64) * 64
    stored_out = -(-outputs // 64) * 64
    tensors = {
        name: Tensor(name, (columns, 1, channels))
        for name, channels in (("padded", stored_in), ("x", inputs), ("y", outputs), ("out", stored_out))
    }
    whole: dict[str, Attribute] = {"starts": (0, 0, 0), "sizes": (columns, 1, inputs), "steps": (1, 1, 1)}
    point: dict[str, Attribute] = {
        "kernel": (1, 1),
        "strides": (1, 1),
        "dilations": (1, 1),
        "pads": (0, 0, 0, 0),
        "group": 1,
    }
    beside: dict[str, Attribute] = {"before": (0, 0, 0), "after": (0, 0, stored_out - outputs), "value": 0}
    nodes = (
        Node("slice", "unpad", ("padded",), "x", whole),
        Node("conv", "gemm", ("x",), "y", point),
        Node("pad", "pad", ("y",), "out", beside),
    )
    return Program(f"gemm {columns}x{inputs}x{outputs}", 1, tensors, nodes, ("padded",), ("out",))
