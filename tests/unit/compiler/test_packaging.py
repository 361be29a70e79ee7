"""Directories: deterministic, replaced in one step, never over something else; quantised models survive a round trip."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig, ConfigurationError, ModelError
from axelera.compiler.packaging import replacing
from axelera.model import load_compiled_model
from axelera.model.program import read_program

SHAPE = (1, 3, 12, 12)


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    net = Net(SHAPE)
    x = net.add("Relu", net.conv(net.add("Abs", "x"), 3, 16, pads=[1, 1, 1, 1]))
    x = net.add("GlobalAveragePool", net.add("Relu", net.add("Add", net.conv(x, 16, 16, 1), x)))
    return net.model(net.add("Softmax", net.add("Flatten", x)))


@pytest.fixture(scope="module")
def quantised(network: onnx.ModelProto) -> AxeleraQuantizedModel:
    return compiler.quantize(network, iter(data(SHAPE, 8)), CompilerConfig())


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_the_same_input_gives_the_same_bytes(network: onnx.ModelProto, tmp_path: Path) -> None:
    for name in ("first", "second"):
        model = compiler.quantize(network, iter(data(SHAPE, 8)), CompilerConfig())
        compiler.compile(model, CompilerConfig(), tmp_path / name)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_the_directory_holds_the_documented_files(quantised: AxeleraQuantizedModel, tmp_path: Path) -> None:
    compiler.compile(quantised, CompilerConfig(), tmp_path / "out")
    names = set(contents(tmp_path / "out"))
    assert names == {
        "model.json", "manifest.json", "program.json", "program.bin", "pool_l2_const.bin", "quantized_model.onnx",
        "preprocess_graph.onnx", "postprocess_graph.onnx", "report.json", "report.html", "compile_config.json",
    }  # fmt: skip
    model = load_compiled_model(tmp_path / "out")
    assert model.inputs[0].shape == (1, 14, 16, 4)
    assert (model.preamble_graph, model.postamble_graph) == (
        "preprocess_graph.onnx",
        "postprocess_graph.onnx",
    )
    pools = json.loads((tmp_path / "out" / "model.json").read_text())["memory_pools"]
    for pool in pools:
        if "blob_file" in pool:
            assert (tmp_path / "out" / pool["blob_file"]).stat().st_size == pool["size"]
    graph = onnx.load(tmp_path / "out" / "quantized_model.onnx").graph
    assert [node.op_type for node in graph.node] == [node.op for node in quantised.program.nodes]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "http" not in page.replace("<!doctype html>", "")
    assert all(node.name in page for node in quantised.program.nodes)


@pytest.mark.parametrize("cores", [1, 2, 3, 4])
def test_batch_is_the_number_of_cores(quantised: AxeleraQuantizedModel, tmp_path: Path, cores: int) -> None:
    compiler.compile(quantised, CompilerConfig(aipu_cores_used=cores, resources_used=1.0), tmp_path / "out")
    model = load_compiled_model(tmp_path / "out")
    assert model.batch == cores
    assert {info.shape[0] for info in (*model.inputs, *model.outputs)} == {cores}
    assert read_program(tmp_path / "out").batch == cores


def test_l2_pools_stay_within_the_share(quantised: AxeleraQuantizedModel, tmp_path: Path) -> None:
    sizes = []
    for share in (0.25, 0.5, 1.0):
        compiler.compile(quantised, CompilerConfig(resources_used=share), tmp_path / "out")
        sizes.append(sum(size for _, size in load_compiled_model(tmp_path / "out").l2_pools))
        assert sizes[-1] <= share * (32 << 20)
    assert sizes == sorted(sizes)


def test_an_axm_archive_loads_like_the_directory(quantised: AxeleraQuantizedModel, tmp_path: Path) -> None:
    compiler.compile(quantised, CompilerConfig(output_axm_format=True, model_name="small"), tmp_path / "out")
    archive, directory = load_compiled_model(tmp_path / "small.axm"), load_compiled_model(tmp_path / "out")
    assert (archive.inputs, archive.outputs) == (directory.inputs, directory.outputs)


def test_a_directory_with_other_files_is_not_replaced(
    quantised: AxeleraQuantizedModel, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match="remove_output_dir"):
        compiler.compile(quantised, CompilerConfig(), tmp_path)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def test_a_link_is_not_followed(quantised: AxeleraQuantizedModel, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ConfigurationError, match="link"):
        compiler.compile(quantised, CompilerConfig(), tmp_path / "link")


@pytest.mark.parametrize("existed", [False, True])
def test_an_error_on_the_way_leaves_what_was_there(tmp_path: Path, existed: bool) -> None:
    target = tmp_path / "out"
    if existed:
        target.mkdir()
        (target / "model.json").write_text("old")

    def write_half() -> None:
        with replacing(target, mark="model.json", wipe=False) as fresh:
            (fresh / "model.json").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert (contents(target) if existed else {}) == ({"model.json": b"old"} if existed else {})
    assert [path.name for path in tmp_path.iterdir()] == (["out"] if existed else [])


def test_a_saved_model_computes_the_same(quantised: AxeleraQuantizedModel, tmp_path: Path) -> None:
    quantised.export(tmp_path / "q")
    frames = np.concatenate(data(SHAPE, 3, seed=4))
    for place in (tmp_path / "q", tmp_path / "q" / "quantized_model_manifest.json"):
        np.testing.assert_array_equal(AxeleraQuantizedModel.load(place)(frames), quantised(frames))
    loaded = AxeleraQuantizedModel.load(tmp_path / "q")
    compiler.compile(quantised, CompilerConfig(), tmp_path / "direct")
    compiler.compile(loaded, CompilerConfig(), tmp_path / "reloaded")
    assert contents(tmp_path / "direct") == contents(tmp_path / "reloaded")


@pytest.mark.parametrize(
    "name", ["quantized_model_manifest.json", "program/program.json", "program/program.bin"]
)
def test_a_damaged_saved_model_is_refused(
    quantised: AxeleraQuantizedModel, tmp_path: Path, name: str
) -> None:
    quantised.export(tmp_path / "q")
    path = tmp_path / "q" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match="quantise again"):
        AxeleraQuantizedModel.load(tmp_path / "q")


def test_calling_with_the_wrong_shape_names_the_input(quantised: AxeleraQuantizedModel) -> None:
    with pytest.raises(ValueError, match=r"input 'x': shape \(1, 3, 5, 5\)"):
        quantised(np.zeros((1, 3, 5, 5), np.float32))


def test_the_parts_of_the_graph_are_dumped_when_asked(network: onnx.ModelProto, tmp_path: Path) -> None:
    config = CompilerConfig(
        graph_cleaner_dump_core_onnx=str(tmp_path / "core.onnx"),
        graph_cleaner_dump_full_opt_onnx=str(tmp_path / "full.onnx"),
    )
    compiler.quantize(network, iter(data(SHAPE, 2)), config)
    core, full = ({n.op_type for n in onnx.load(tmp_path / f"{x}.onnx").graph.node} for x in ("core", "full"))
    assert "Abs" not in core
    assert "Softmax" not in core
    assert {"Abs", "Softmax", "Conv"} <= full
