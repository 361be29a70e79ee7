"""Directories: deterministic, replaced in one step, never over something else; quantised models survive a round trip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig, ConfigurationError, ModelError
from axelera.compiler.packaging import COMPILED_MODEL, replacing
from axemu.model import load_compiled_model
from axemu.model.program import read_program

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


@pytest.mark.parametrize("graph", ["preprocess_graph.onnx", "postprocess_graph.onnx"])
def test_host_graphs_of_several_cores_take_any_number_of_frames(
    quantised: AxeleraQuantizedModel, graph: str, tmp_path: Path
) -> None:
    for cores in (1, 4):
        config = CompilerConfig(aipu_cores_used=cores, multicore_mode="batch")
        compiler.compile(quantised, config, tmp_path / str(cores))
    one, four = (
        onnxruntime.InferenceSession(tmp_path / cores / graph, providers=["CPUExecutionProvider"])
        for cores in ("1", "4")
    )
    assert [port.name for port in one.get_inputs()] == [port.name for port in four.get_inputs()]
    assert [port.name for port in one.get_outputs()] == [port.name for port in four.get_outputs()]
    generator = np.random.default_rng(0)
    frames = {
        port.name: generator.standard_normal((4, *port.shape[1:])).astype(np.float32)
        for port in one.get_inputs()
    }
    singles = [
        one.run(None, {name: value[index : index + 1] for name, value in frames.items()})
        for index in range(4)
    ]
    for output, expected in zip(four.run(None, frames), zip(*singles, strict=True), strict=True):
        np.testing.assert_array_equal(output, np.concatenate(expected))
    alone = four.run(None, {name: value[:1] for name, value in frames.items()})
    for output, expected in zip(alone, singles[0], strict=True):
        np.testing.assert_array_equal(output, expected)
    onnx.checker.check_model(onnx.load(tmp_path / "4" / graph), full_check=True)


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
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
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


@pytest.mark.parametrize("config", [CompilerConfig(), CompilerConfig(remove_output_dir=True)])
@pytest.mark.parametrize("names", [["thesis.txt"], ["model.json", "thesis.txt"], ["model.json"]])
def test_a_directory_that_is_no_compiled_model_is_never_replaced(
    quantised: AxeleraQuantizedModel, tmp_path: Path, config: CompilerConfig, names: list[str]
) -> None:
    for name in names:
        (tmp_path / name).write_text("years of work")
    with pytest.raises(
        ConfigurationError, match=f"no compiled model.*{'manifest' if names == ['model.json'] else 'thesis'}"
    ):
        compiler.compile(quantised, config, tmp_path)
    assert contents(tmp_path) == dict.fromkeys(sorted(names), b"years of work")


def test_files_added_to_a_compiled_model_go_only_when_told(
    quantised: AxeleraQuantizedModel, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    compiler.compile(quantised, CompilerConfig(), out)
    (out / "notes.txt").write_text("measured on Monday")
    with pytest.raises(ConfigurationError, match=r"notes\.txt was added.*remove_output_dir"):
        compiler.compile(quantised, CompilerConfig(), out)
    assert (out / "notes.txt").read_text() == "measured on Monday"
    compiler.compile(quantised, CompilerConfig(remove_output_dir=True), out)
    assert "notes.txt" not in contents(out)


def test_what_appears_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    target = tmp_path / "out"

    def write_late() -> None:
        with replacing(target, COMPILED_MODEL, added_too=True):
            target.mkdir()
            (target / "thesis.txt").touch()

    with pytest.raises(ConfigurationError, match="thesis"):
        write_late()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "thesis.txt"]


def test_without_an_exchange_in_one_step_a_failure_restores_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    target.mkdir()
    for mark in COMPILED_MODEL.marks:
        (target / mark).write_text("old")
    monkeypatch.setattr("axelera.compiler.packaging._replace._exchange", lambda *_: False)
    with replacing(target, COMPILED_MODEL, added_too=False) as fresh:
        (fresh / "model.json").write_text("new")
    assert contents(target) == {"model.json": b"new"}
    (target / "manifest.json").write_text("new")

    def vanish() -> None:
        with replacing(target, COMPILED_MODEL, added_too=False) as fresh:
            fresh.rmdir()

    with pytest.raises(ConfigurationError, match="cannot be put in place: No such file"):
        vanish()
    assert contents(target) == {"manifest.json": b"new", "model.json": b"new"}
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("before", ["nothing", "empty", "an earlier one"])
@pytest.mark.parametrize("at_once", [True, False])
def test_of_two_who_write_one_directory_one_wins_and_the_other_is_told(
    before: str, at_once: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    if before != "nothing":
        target.mkdir()
    if before == "an earlier one":
        for mark in COMPILED_MODEL.marks:
            (target / mark).write_text("old")
    if not at_once:
        monkeypatch.setattr("axelera.compiler.packaging._replace._exchange", lambda *_: False)

    def write(content: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        with replacing(target, COMPILED_MODEL, added_too=True) as fresh:
            for mark in COMPILED_MODEL.marks:
                (fresh / mark).write_text(content)
            (fresh / f"report.{content}").write_text(content)
            meanwhile()

    with pytest.raises(
        ConfigurationError, match="was written by somebody else in the meantime, and is left as it is"
    ):
        write("json", lambda: write("html"))
    assert {path.name: path.read_text() for path in target.iterdir()} == {
        "model.json": "html", "manifest.json": "html", "report.html": "html",
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_compile_left_is_removed_by_the_next(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys; from axelera.compiler.packaging import COMPILED_MODEL, replacing\n"
        "with replacing(pathlib.Path(sys.argv[1]), COMPILED_MODEL, added_too=False) as fresh:\n"
        "    (fresh / 'model.json').touch(); os.kill(os.getpid(), 9)"
    )
    target = tmp_path / "out"
    (tmp_path / ".out.swp").mkdir()  # a name like ours, and somebody's work
    subprocess.run([sys.executable, "-c", program, str(target)], check=False)
    assert len(list(tmp_path.glob(".out.axemu-*"))) == 1
    with replacing(target, COMPILED_MODEL, added_too=False) as fresh:
        (fresh / "model.json").touch()
    assert {path.name for path in tmp_path.iterdir()} == {"out", ".out.swp"}


@pytest.mark.parametrize("place", [".", "..", "absolute"])
def test_the_current_directory_is_not_replaced(
    quantised: AxeleraQuantizedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    below = tmp_path / "model" / "below" if place == ".." else tmp_path / "model"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    with pytest.raises(ConfigurationError, match="where this program runs"):
        compiler.compile(quantised, CompilerConfig(), tmp_path / "model" if place == "absolute" else place)
    compiler.compile(quantised, CompilerConfig(), "further")
    assert (below / "further" / "model.json").is_file()


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
        for mark in COMPILED_MODEL.marks:
            (target / mark).write_text("old")

    def write_half() -> None:
        with replacing(target, COMPILED_MODEL, added_too=False) as fresh:
            (fresh / "model.json").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert (contents(target) if existed else {}) == (
        dict.fromkeys(sorted(COMPILED_MODEL.marks), b"old") if existed else {}
    )
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
    "name",
    ["quantized_model_manifest.json", "report.json", "program/program.json", "program/program.bin"],
)
def test_a_damaged_saved_model_is_refused(
    quantised: AxeleraQuantizedModel, tmp_path: Path, name: str
) -> None:
    quantised.export(tmp_path / "q")
    path = tmp_path / "q" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match="quantise again"):
        AxeleraQuantizedModel.load(tmp_path / "q")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("input_names", ["other"], "preamble's inputs"),
        ("output_names", ["other"], "postamble's outputs"),
        ("input_shapes", [[12, 12]], "input 'x' has shape"),
        ("output_shapes", [[1, 2, 3, 4, 5]], "has shape"),
        ("zero_point", 1 << 31, "no int8"),
    ],
)
def test_a_saved_model_whose_parts_do_not_meet_is_refused(
    quantised: AxeleraQuantizedModel, tmp_path: Path, key: str, value: Any, message: str
) -> None:
    quantised.export(tmp_path / "q")
    path = tmp_path / "q" / "quantized_model_manifest.json"
    content = json.loads(path.read_text())
    (content["inputs"][0] if key == "zero_point" else content)[key] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=rf"{message}.*quantise again"):
        AxeleraQuantizedModel.load(tmp_path / "q")


@pytest.mark.parametrize("name", ["preprocess_graph.onnx", "postprocess_graph.onnx"])
def test_a_host_graph_of_another_network_is_refused(
    quantised: AxeleraQuantizedModel, tmp_path: Path, name: str
) -> None:
    quantised.export(tmp_path / "q")
    graph = onnx.load(tmp_path / "q" / name)
    graph.graph.input[0].name = "stranger"
    onnx.save(graph, tmp_path / "q" / name)
    with pytest.raises(ModelError):
        AxeleraQuantizedModel.load(tmp_path / "q")(np.zeros(SHAPE, np.float32))


def test_calling_with_the_wrong_shape_names_the_input(quantised: AxeleraQuantizedModel) -> None:
    with pytest.raises(ValueError, match=r"input 'x': shape \(1, 3, 5, 5\)"):
        quantised(np.zeros((1, 3, 5, 5), np.float32))


def test_a_quantised_model_is_described_for_programs_and_people(
    quantised: AxeleraQuantizedModel, tmp_path: Path
) -> None:
    quantised.export(tmp_path / "q")
    assert set(contents_of_files(tmp_path / "q")) == {
        "quantized_model_manifest.json", "quantized_model.json", "quantized_model.txt", "report.json",
        "quantized_model.onnx", "preprocess_graph.onnx", "postprocess_graph.onnx",
    }  # fmt: skip
    listing = json.loads((tmp_path / "q" / "quantized_model.json").read_text())
    assert [node["operator"] for node in listing["nodes"]] == [node.op for node in quantised.program.nodes]
    assert {name: tensor["zero_point"] for name, tensor in listing["tensors"].items()} == {
        name: tensor.zero_point for name, tensor in quantised.program.tensors.items()
    }
    text = (tmp_path / "q" / "quantized_model.txt").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 2 + len(quantised.program.nodes) + 2
    report = json.loads((tmp_path / "q" / "report.json").read_text())
    assert [entry["name"] for entry in report["operators"]] == [node.name for node in quantised.program.nodes]


def contents_of_files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_the_parts_of_the_graph_are_dumped_into_the_output_when_asked(
    network: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = CompilerConfig(
        graph_cleaner_dump_core_onnx="core.onnx", graph_cleaner_dump_full_opt_onnx="full.onnx"
    )
    model = compiler.quantize(network, iter(data(SHAPE, 2)), config)
    assert list(tmp_path.iterdir()) == []
    model.export("q")
    compiler.compile(model, config, "c")
    for folder in ("q", "c"):
        core, full = (
            {n.op_type for n in onnx.load(tmp_path / folder / "graph_cleaner" / name).graph.node}
            for name in ("core.onnx", "full.onnx")
        )
        assert core.isdisjoint({"Abs", "Softmax"})
        assert {"Abs", "Softmax", "Conv"} <= full
    model.export("q")
    compiler.compile(model, config, "c")


@pytest.mark.parametrize(
    "name", ["/etc/core.onnx", "../core.onnx", "core", ".onnx", "a/b.onnx", "x" * 99 + ".onnx"]
)
def test_a_dump_is_named_not_placed(name: str) -> None:
    with pytest.raises(ConfigurationError, match="graph_cleaner/ in the output directory"):
        CompilerConfig(graph_cleaner_dump_core_onnx=name)


def test_two_dumps_have_two_names() -> None:
    with pytest.raises(ConfigurationError, match=r"are both 'a\.onnx'"):
        CompilerConfig(graph_cleaner_dump_core_onnx="a.onnx", graph_cleaner_dump_full_opt_onnx="a.onnx")


def test_a_place_that_cannot_be_written_is_named(quantised: AxeleraQuantizedModel, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"file.out: cannot be made: File exists"):
        compiler.compile(quantised, CompilerConfig(), tmp_path / "file" / "out")


PROGRAM = """
import sys
import numpy as np, onnx
from axelera import compiler
config = compiler.CompilerConfig(model_name="net", graph_cleaner_dump_core_onnx="core.onnx", output_axm_format=True)
samples = [np.random.default_rng(i).standard_normal((1, 3, 12, 12)).astype(np.float32) for i in range(8)]
model = compiler.quantize(onnx.load(sys.argv[1]), iter(samples), config)
model.export(sys.argv[2] + "/q")
compiler.compile(model, config, sys.argv[2] + "/c")
"""


@pytest.mark.slow
def test_processes_with_other_hash_seeds_and_thread_counts_give_the_same_bytes(
    network: onnx.ModelProto, tmp_path: Path
) -> None:
    onnx.save(network, tmp_path / "net.onnx")
    found = []
    for seed, threads in (("1", "1"), ("2", "2")):
        out = tmp_path / seed
        settings = {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "net.onnx"), str(out)],
            check=True,
            env={**os.environ, **settings},
        )
        found.append({str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()})
    assert found[0] == found[1]
    assert {"net.axm", "c/program.bin", "c/report.html", "q/program/program.bin"} <= set(found[0])


def test_a_configuration_is_made_without_the_tools_for_graphs() -> None:
    program = (
        "import sys; from axelera.compiler import CompilerConfig; CompilerConfig();"
        "print([name for name in ('onnx', 'onnx_ir', 'onnxruntime', 'numba', 'sympy', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
