"""The list of passes is what runs, what the page says, and what can be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tests.unit.compiler._networks import Net, data, run_float

from axelera import compiler
from axelera.compiler import CompilerConfig, ConfigurationError
from axelera.compiler.pipeline import PASSES, dump_after, watched

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "compiler.md"
BEGIN, END = "<!-- passes -->\n", "<!-- /passes -->\n"
SHAPE = (1, 3, 8, 8)
NAMES = [entry.name for entry in PASSES]
OF_QUANTISED = {"unwrap", "given_scales"}
OF_FLOAT = {"fold_affine_into_conv", "normalise_tables", "equalise", "choose_scales"}
GRAPHS = set(NAMES[: NAMES.index("partition")])


def network() -> onnx.ModelProto:
    net = Net(SHAPE)
    ones = [net.constant(np.ones(8, np.float32)) for _ in range(4)]
    x = net.add("BatchNormalization", net.conv("x", 3, 8), *ones)
    return net.model(net.conv(net.add("Sigmoid", x), 8, 4))


def quantised() -> onnx.ModelProto:
    net = Net(SHAPE)

    def steps(x: str, scale: float) -> str:
        operands = [net.constant(np.float32(scale)), net.constant(np.uint8(128))]
        return net.add("DequantizeLinear", net.add("QuantizeLinear", x, *operands), *operands)

    weight = net.constant(net.random.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8))
    real = net.add("DequantizeLinear", weight, net.constant(np.float32(0.01)), net.constant(np.int8(0)))
    return net.model(steps(net.add("Conv", steps("x", 0.02), real), 0.1))


def passes_of(model: onnx.ModelProto, folder: Path) -> list[str]:
    """Names of the passes that ran, each where it ran first."""
    ran: dict[str, None] = {}

    def note(name: str, state: Any) -> None:
        assert state is not None
        ran.setdefault(name)

    config = CompilerConfig()
    with watched(note):
        compiler.compile(compiler.quantize(model, data(SHAPE, 3), config), config, folder)
    return list(ran)


def table() -> str:
    rows = [f"| `{entry.name}` | {entry.purpose} |\n" for entry in PASSES]
    return "".join(["| pass | what for |\n", "|---|---|\n", *rows])


def test_a_compile_runs_the_passes_in_the_order_of_the_list(tmp_path: Path) -> None:
    assert passes_of(network(), tmp_path / "a") == [name for name in NAMES if name not in OF_QUANTISED]


def test_a_quantised_network_has_passes_of_its_own(tmp_path: Path) -> None:
    assert passes_of(quantised(), tmp_path / "a") == [name for name in NAMES if name not in OF_FLOAT]


def test_names_are_unique_and_purposes_are_one_sentence() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for entry in PASSES:
        assert entry.purpose.endswith(".")
        assert "\n" not in entry.purpose
        assert len(entry.purpose) <= 100


def test_the_page_has_the_passes_of_the_list() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0] == table(), (
        f"between {BEGIN}and {END}belongs\n{table()}"
    )


def test_every_pass_can_be_dumped(tmp_path: Path) -> None:
    config = CompilerConfig()
    for model in (network(), quantised()):
        with watched(dump_after(tuple(NAMES), tmp_path / "dump")):
            compiler.compile(compiler.quantize(model, data(SHAPE, 3), config), config, tmp_path / "out")
    files = {path.name: path for path in (tmp_path / "dump").iterdir()}
    assert set(files) == {f"{name}.onnx" if name in GRAPHS else f"{name}.txt" for name in NAMES}
    assert all(path.stat().st_size for path in files.values())


def test_a_dumped_graph_is_the_network_after_the_pass(tmp_path: Path) -> None:
    with watched(dump_after(("fold_constants", "fold_batch_norm"), tmp_path)):
        compiler.structure_program(network())
    before, after = (onnx.load(tmp_path / f"{name}.onnx") for name in ("fold_constants", "fold_batch_norm"))
    assert "BatchNormalization" in {node.op_type for node in before.graph.node}
    assert [node.op_type for node in after.graph.node] == ["Conv", "Sigmoid", "Conv"]
    sample = data(SHAPE, 1)[0]
    np.testing.assert_allclose(
        run_float(after, sample)[0], run_float(network(), sample)[0], rtol=1e-3, atol=1e-5
    )


def test_a_dumped_network_tells_operators_shapes_ranges_and_gains(tmp_path: Path) -> None:
    config = CompilerConfig()
    with watched(dump_after(("lower", "normalise_tables", "choose_scales"), tmp_path)):
        compiler.quantize(network(), data(SHAPE, 3), config)
    lowered, balanced = ((tmp_path / f"{n}.txt").read_text() for n in ("lower", "normalise_tables"))
    assert "conv  Conv_2 4x4x4 = " not in lowered.splitlines()[0]
    assert "weight 8x3x3x3 in " in lowered
    assert "gain 8 in " not in lowered
    assert "gain 8 in " in balanced
    assert "Quantisation(scale=" in (tmp_path / "choose_scales.txt").read_text()


def test_a_pass_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no pass 'equalize'.*'equalise'.*fold_batch_norm"):
        dump_after(("equalize",), tmp_path)


def test_nobody_watches_behind_the_block() -> None:
    seen: list[str] = []
    with watched(lambda name, _: seen.append(name)):
        compiler.structure_program(network())
    count = len(seen)
    compiler.structure_program(network())
    assert len(seen) == count
