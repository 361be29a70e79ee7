"""The reference page of the zoo, made from the catalogue and the compiler."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from axelera.compiler import structure_program
from axelera.compiler.planning import Plan, PlanOptions, plan
from axemu.chip import CORES
from axemu.driver import InvalidArgument, Scratch
from axemu.studies import ZooBuild, compile_zoo
from axemu.zoo import Network

_HEAD = """\
# Networks of the zoo

Made by `axemu zoo table`; do not edit.

The architectures are those of the sources named in the table; their sizes are checked against other packages that
build the same networks. The weights are synthetic (seeded random numbers): use the networks for sizes, simulated
times and plumbing, never for accuracy.

* **Parameters** and **MACs** are those of the fused graph, per image: weights and biases, and the
  multiply-accumulate operations of convolutions, fully connected layers and matrix products.
* **int8** is what the weights take on the chip. The two columns after it say where the planner puts them, as
  L2 / DDR, for one core with a quarter of L2 and for four cores with all of it.
* **Compile** is the processor time for building, calibrating with two random images and compiling for one core, on the
  machine that made this page: a rough figure, for orientation only. It is measured; nothing else on this page
  is. A dash stands where it was not.
* The vendor's name of a network is its name, its data set and `onnx`: `resnet50-imagenet-onnx`. Rotated-box
  detectors count 80 classes, as their architecture file and the published graph do; models trained on DOTA have 15:
  `--classes 15` builds those.
* YOLOv10 and YOLO26 are trained with two heads of the same layers; here they have one, as deployed. Like the published
  graphs they give all boxes and scores: choosing among them, which an end-to-end export adds, is left to the host.
"""
_COMPILE = "compile (CPU s)"
_UNKNOWN = "–"
_COLUMNS = (
    "network", "data", "input", "parameters (M)", "MACs (G)", "int8 (MB)", "1 core L2 / DDR (MB)",
    "4 cores L2 / DDR (MB)", _COMPILE, "architecture",
)  # fmt: skip


def page(wanted: Sequence[Network], *, measure: bool = False, earlier: Path | None = None) -> Iterator[str]:
    """Yield the lines of the page.

    Args:
        wanted: the networks.
        measure: compile every network whose time is not known yet, which takes long.
        earlier: a page whose compile times are kept.
    """
    times = {} if earlier is None else times_of(earlier)
    yield from _HEAD.splitlines()
    for task in dict.fromkeys(network.task for network in wanted):
        yield ""
        yield f"## {task.replace('-', ' ').capitalize()}"
        yield ""
        yield f"| {' | '.join(_COLUMNS)} |"
        yield f"|{'---|' * len(_COLUMNS)}"
        for network in wanted:
            if network.task == task:
                known = times.get(network.name, _UNKNOWN)
                yield row(network, _measured(network) if measure and known == _UNKNOWN else known)


def times_of(path: Path) -> dict[str, str]:
    """Return the compile times that a page tells, by network.

    Raises:
        InvalidArgument: the file is no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{path}: not a page of this command: {error}") from error
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| `")]
    index = _COLUMNS.index(_COMPILE)
    return {cells[0].strip("`"): cells[index] for cells in rows if len(cells) == len(_COLUMNS)}


def row(network: Network, seconds: str = _UNKNOWN) -> str:
    """Return the network's row of the table, with the compile time as it shall stand there."""
    single, full = (_planned(network, cores) for cores in (1, CORES))
    height, width = network.resolution
    cells = (
        f"`{network.name}`",
        network.dataset,
        f"{height}×{width}",
        f"{network.parameters / 1e6:.2f}",
        f"{network.macs / 1e9:.2f}",
        f"{single.weight_bytes / 1e6:.2f}",
        _split(single),
        _split(full),
        seconds,
        network.source,
    )
    return f"| {' | '.join(cells)} |"


def _planned(network: Network, cores: int) -> Plan:
    program = structure_program(network.build(structure_only=True), cores)
    return plan(program, PlanOptions(cores=cores, resources=cores / CORES))


def _split(planned: Plan) -> str:
    return f"{planned.weight_l2_bytes / 1e6:.1f} / {planned.weight_ddr_bytes / 1e6:.1f}"


def _measured(network: Network) -> str:
    """Processor seconds of a whole compilation; trust them on a quiet machine only."""
    start = time.process_time()
    with Scratch("axemu-zoo-") as folder:
        compile_zoo(ZooBuild(network, network.name, folder, samples=2))
    return f"{time.process_time() - start:.1f}"
