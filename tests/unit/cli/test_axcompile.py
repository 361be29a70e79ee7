"""`axcompile` from command line to compiled model, and what its report says when it fails."""

from __future__ import annotations

import json
import shlex
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from typer.testing import CliRunner, Result

from axelera import compiler
from axelera.compiler import CompilerConfig
from axelera.compiler.pipeline import PASSES
from axemu.cli.axcompile import app
from axemu.driver import IncompatibleDevice
from axemu.model import load_compiled_model


def network(path: Path, *, middle: str = "Relu", shape: tuple[int | str, ...] = (1, 3, 8, 8)) -> Path:
    """Two convolutions with one operator between them."""
    generator = np.random.default_rng(0)
    first = numpy_helper.from_array(generator.normal(size=(8, 3, 3, 3)).astype(np.float32), "first")
    second = numpy_helper.from_array(generator.normal(size=(4, 8, 3, 3)).astype(np.float32), "second")
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["a"], pads=[1, 1, 1, 1], name="conv_1"),
        helper.make_node(middle, ["a"], ["b"], name="between"),
        helper.make_node("Conv", ["b", "second"], ["scores"], pads=[1, 1, 1, 1], name="conv_2"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 4, "h", "w"])],
        [first, second],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return network(tmp_path / "net.onnx")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def report(out: Path) -> dict[str, Any]:
    return json.loads((out / "compilation_report.json").read_text())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_output_has_the_documented_tree(tmp_path: Path, net: Path) -> None:
    out = tmp_path / "out"
    done = run("-i", net, "-o", out, "--dataset-len", 3)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == [
        "cli_args.json",
        "compilation_log.txt",
        "compilation_report.json",
        "compiled_model",
        "conf.json",
        "input_model",
        "quantized_model",
    ]
    assert report(out)["status"] == "SUCCEEDED"
    assert (out / "input_model" / "fp32_model.onnx").is_file()
    assert {path.name for path in (out / "quantized_model").iterdir()} >= {
        "quantized_model_manifest.json",
        "quantized_model.json",
        "quantized_model.txt",
        "report.json",
    }
    assert load_compiled_model(out / "compiled_model").inputs[0].shape == (1, 10, 16, 4)
    assert CompilerConfig(**json.loads((out / "conf.json").read_text())).resources_used == 0.25


def test_the_end_says_where_the_model_is_how_fast_how_accurate_and_what_comes_next(
    tmp_path: Path, net: Path
) -> None:
    out = tmp_path / "out"
    done = run("-i", net, "-o", out, "--dataset-len", 3, "--board", "M2")
    status, *told = done.stdout.splitlines()
    assert status == "SUCCEEDED"
    labels = {line.split()[0]: line for line in told if not line.startswith(" ")}
    model = out / "compiled_model"
    assert str(model) in labels["model"]
    assert "1 core, 1 frame per call" in labels["model"]
    assert "FPS on four cores of a m2 board" in labels["speed"]
    assert "simulated" in labels["speed"]
    assert "on 50 samples, random numbers" in labels["accuracy"]
    assert labels["report"].split(maxsplit=1)[1] == str(model / "report.html")
    assert shlex.split(labels["next"])[1:] == ["axemu", "run", "axrunmodel", str(model), "--seconds", "1"]
    assert "HOST" not in labels
    summary = report(out)["summary"]
    assert summary["accuracy"]["samples"] == 50
    assert summary["prediction"]["host_fps"] > 0


def test_the_end_says_why_there_is_no_prediction(
    tmp_path: Path, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise IncompatibleDevice("too large for an m2")

    monkeypatch.setattr("axemu.studies.predict", refuse)
    done = run("-i", net, "-o", tmp_path / "out", "--dataset-len", 2)
    assert done.exit_code == 0
    assert "speed     not predicted: too large for an m2\n" in done.stdout
    assert report(tmp_path / "out")["summary"]["prediction"] == {"problem": "too large for an m2"}


def test_the_end_says_loudly_what_the_host_has_to_do(tmp_path: Path, net: Path) -> None:
    model = onnx.load(net)
    model.graph.node.append(helper.make_node("ArgMax", ["scores"], ["labels"], axis=1, name="last"))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("labels", TensorProto.INT64, None))
    onnx.save(model, tmp_path / "labels.onnx")
    done = run("-i", tmp_path / "labels.onnx", "-o", tmp_path / "out", "--dataset-len", 3)
    assert "HOST      1 operators run on the host after the chip: ArgMax" in done.stdout
    assert "your program runs postprocess_graph.onnx" in done.stdout


def test_accuracy_is_measured_on_images_that_calibration_did_not_see(tmp_path: Path, net: Path) -> None:
    (tmp_path / "images").mkdir()
    for number in range(8):
        pixels = np.full((8, 8, 3), number * 30, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
    (tmp_path / "shades.py").write_text(
        "import numpy as np\nfrom pathlib import Path\n"
        "def get_preprocess_transform(image):\n"
        "    shade = np.asarray(image)[0, 0, 0]\n"
        "    with Path(__file__).with_name('seen.txt').open('a') as seen:\n"
        "        print(shade // 30, file=seen)\n"
        "    return np.full((1, 3, 8, 8), shade / 255, np.float32)\n"
    )
    out = tmp_path / "out"
    options = ("--imageset", tmp_path / "images", "--transform", tmp_path / "shades.py")
    done = run("-i", net, "-o", out, "--dataset-len", 5, *options)
    assert done.exit_code == 0, done.output
    seen = [int(line) for line in (tmp_path / "seen.txt").read_text().split()]
    assert seen[:5] == [0, 1, 2, 3, 4]
    assert seen[-8:] == list(range(8))
    assert "on 8 samples, 3 of them images that calibration did not see" in done.stdout


def test_the_scheme_of_least_error_is_chosen_when_asked_to(tmp_path: Path, net: Path) -> None:
    out = tmp_path / "out"
    done = run("-i", net, "-o", out, "--dataset-len", 3, "--choose-scheme")
    assert done.exit_code == 0, done.output
    schemes = report(out)["summary"]["schemes"]
    assert set(schemes) == {"per_tensor_histogram", "per_tensor_min_max", "hybrid_per_tensor_per_channel"}
    best = max(schemes, key=schemes.__getitem__)
    assert json.loads((out / "conf.json").read_text())["quantization_scheme"] == best
    assert f"{best} was taken" in done.stdout


def test_schemes_without_error_are_told_in_json_as_well(tmp_path: Path) -> None:
    model = onnx.load(network(tmp_path / "net.onnx"))
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(np.zeros(tensor.dims, np.float32), tensor.name))
    onnx.save(model, tmp_path / "zeros.onnx")
    out = tmp_path / "out"
    done = run("-i", tmp_path / "zeros.onnx", "-o", out, "--dataset-len", 2, "--choose-scheme")
    assert done.exit_code == 0, done.output
    assert set(report(out)["summary"]["schemes"].values()) == {None}  # JSON has no infinity
    assert "per_tensor_histogram no error" in done.stdout


@pytest.mark.parametrize("randomised", [True, False])
def test_a_failed_run_saves_an_artifact_when_asked_to(tmp_path: Path, randomised: bool) -> None:
    source = network(tmp_path / "net.onnx", middle="Erf")
    (tmp_path / "conf.json").write_text(
        json.dumps({"save_error_artifact": True, "randomize_onnx_model": randomised})
    )
    out = tmp_path / "out"
    assert run("-i", source, "-o", out, "--conf", tmp_path / "conf.json", "--dataset-len", 2).exit_code == 1
    with zipfile.ZipFile(out / "error_artifact.zip") as archive:
        assert {
            "compilation_report.json",
            "compilation_log.txt",
            "cli_args.json",
            "conf.json",
            "network.onnx",
        } <= set(archive.namelist())
        saved = onnx.load_model_from_string(archive.read("network.onnx"))
    before, after = (
        numpy_helper.to_array(model.graph.initializer[0]) for model in (onnx.load(source), saved)
    )
    assert before.shape == after.shape
    assert np.array_equal(before, after) != randomised
    assert run("-i", source, "-o", out, "--dataset-len", 2).exit_code == 1  # replaces it all


def artifact_of(tmp_path: Path, model: onnx.ModelProto) -> dict[str, bytes]:
    """Return the files that a failed run of a network keeps, whose weights are random by default."""
    onnx.save(model, tmp_path / "broken.onnx")
    (tmp_path / "conf.json").write_text(json.dumps({"save_error_artifact": True}))
    arguments = ["-i", tmp_path / "broken.onnx", "-o", tmp_path / "out", "--conf", tmp_path / "conf.json"]
    assert run(*arguments, "--dataset-len", 2).exit_code == 1
    with zipfile.ZipFile(tmp_path / "out" / "error_artifact.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("kind", ["FLOAT", "FLOAT16", "BFLOAT16", "INT8", "UINT8", "INT32"])
def test_an_artifact_holds_no_weights_wherever_a_network_keeps_them(tmp_path: Path, kind: str) -> None:
    model = onnx.load(network(tmp_path / "net.onnx", middle="Erf"))
    number = TensorProto.DataType.Value(kind)
    own = np.arange(100).astype(helper.tensor_dtype_to_np_dtype(number))
    output = helper.make_tensor_value_info("w", number, [100])
    inner = helper.make_graph([], "inner", [], [output], [numpy_helper.from_array(own, "w")])
    model.graph.node.extend(
        [
            helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(own, "c")),
            helper.make_node("If", ["yes"], ["one"], then_branch=inner, else_branch=inner),
        ]
    )
    model.graph.initializer.append(numpy_helper.from_array(own, "i"))
    model.graph.initializer.append(numpy_helper.from_array(np.arange(100), "indices"))
    saved = onnx.load_model_from_string(artifact_of(tmp_path, model)["network.onnx"]).graph
    *_, constant, branches = saved.node
    tensors = [constant.attribute[0].t, *(one.g.initializer[0] for one in branches.attribute)]
    for tensor in (saved.initializer[-2], *tensors):
        found = numpy_helper.to_array(tensor)
        assert (found.shape, found.dtype) == (own.shape, own.dtype)
        assert not np.array_equal(found, own), tensor.name
    assert np.array_equal(numpy_helper.to_array(saved.initializer[-1]), np.arange(100))


def test_an_artifact_of_a_damaged_network_says_so_in_its_place(tmp_path: Path) -> None:
    model = onnx.load(network(tmp_path / "net.onnx"))
    model.graph.initializer[0].dims[0] += 1
    found = artifact_of(tmp_path, model)
    assert "network.onnx" not in found
    assert found["network.txt"].startswith(b"the network could not be read: ")
    assert "the file is damaged" in report(tmp_path / "out")["error"]["message"]


def test_a_failed_run_does_not_block_the_next(tmp_path: Path, net: Path) -> None:
    out = tmp_path / "out"
    assert run("-i", tmp_path / "missing.onnx", "-o", out).exit_code == 1
    assert report(out)["status"] == "ONNX_GRAPH_CLEANER_ERROR"
    assert run("-i", net, "-o", out, "--dataset-len", 2).exit_code == 0
    assert run("-i", net, "-o", out, "--dataset-len", 2).exit_code == 1  # a good one is not replaced unasked


def test_four_cores_make_a_batch_of_four(tmp_path: Path, net: Path) -> None:
    assert run("-i", net, "-o", tmp_path / "out", "--dataset-len", 2, "--aipu-cores", 4).exit_code == 0
    assert load_compiled_model(tmp_path / "out" / "compiled_model").inputs[0].shape[0] == 4


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, net: Path) -> None:
    for name in ("a", "b"):
        assert run("-i", net, "-o", tmp_path / name, "--dataset-len", 2).exit_code == 0
    assert files(tmp_path / "a" / "compiled_model") == files(tmp_path / "b" / "compiled_model")


def test_a_quantised_model_is_lowered_later_to_the_same_program(tmp_path: Path, net: Path) -> None:
    assert run("-i", net, "-o", tmp_path / "whole", "--dataset-len", 2).exit_code == 0
    assert run("-i", net, "-o", tmp_path / "first", "--dataset-len", 2, "--quantize-only").exit_code == 0
    assert not (tmp_path / "first" / "compiled_model").exists()
    manifest = tmp_path / "first" / "quantized_model" / "quantized_model_manifest.json"
    assert run("-i", manifest, "-o", tmp_path / "second").exit_code == 0
    whole, second = (files(tmp_path / name / "compiled_model") for name in ("whole", "second"))
    assert whole["program.bin"] == second["program.bin"]
    assert whole["model.json"] == second["model.json"]
    assert json.loads(whole["report.json"])["model"] == json.loads(second["report.json"])["model"] == "net"


def test_an_archive_of_a_quantised_model_has_its_name(tmp_path: Path, net: Path) -> None:
    assert run("-i", net, "-o", tmp_path / "first", "--dataset-len", 2, "--quantize-only").exit_code == 0
    manifest = tmp_path / "first" / "quantized_model" / "quantized_model_manifest.json"
    done = run("-i", manifest, "-o", tmp_path / "second", "--cli-args", '{"output_axm_format": true}')
    assert "Lowering net for 1 core" in done.stderr
    assert (tmp_path / "second" / "net.axm").is_file()


def test_images_and_a_transform_calibrate(tmp_path: Path, net: Path) -> None:
    (tmp_path / "images").mkdir()
    for number, value in enumerate((0, 128, 255)):
        Image.new("RGB", (16, 12), (value, value, value)).save(tmp_path / "images" / f"{number}.png")
    (tmp_path / "t.py").write_text(
        "import numpy as np\n"
        "def prepare(image):\n"
        "    pixels = np.asarray(image.resize((8, 8)), np.float32)\n"
        "    return (pixels / 127.5 - 1).transpose(2, 0, 1)[None]\n"
    )
    out = tmp_path / "out"
    done = run(
        "-i", net, "-o", out, "--imageset", tmp_path / "images", "--transform", f"{tmp_path / 't.py'}:prepare"
    )
    assert done.exit_code == 0, done.output
    model = load_compiled_model(out / "compiled_model").inputs[0]
    assert model.scale == pytest.approx(2 / 255, rel=0.02)


def test_a_network_that_takes_channels_last_is_calibrated_with_images(tmp_path: Path) -> None:
    model = onnx.load(network(tmp_path / "nchw.onnx"))
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 8, 8, 3]))
    model.graph.node.insert(0, helper.make_node("Transpose", ["pixels"], ["image"], perm=[0, 3, 1, 2]))
    onnx.save(model, tmp_path / "nhwc.onnx")
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8), (255, 128, 0)).save(tmp_path / "images" / "a.png")
    arguments = ("-i", tmp_path / "nhwc.onnx", "-o", tmp_path / "out", "--imageset", tmp_path / "images")
    done = run(*arguments, "--input-data-layout", "NHWC")
    assert done.exit_code == 0, done.output


def test_an_open_shape_is_given_on_the_command_line(tmp_path: Path) -> None:
    net = network(tmp_path / "open.onnx", shape=("n", 3, "h", "w"))
    assert run("-i", net, "-o", tmp_path / "a", "--dataset-len", 2).exit_code == 1
    done = run("-i", net, "-o", tmp_path / "b", "--dataset-len", 2, "--input-shape", "1,3,8,8")
    assert done.exit_code == 0, done.output


def test_a_batch_inside_the_network_is_refused(tmp_path: Path) -> None:
    net = network(tmp_path / "open.onnx", shape=("n", 3, "h", "w"))
    done = run("-i", net, "-o", tmp_path / "out", "--input-shape", "4,3,8,8")
    assert done.exit_code == 1
    assert "only batch 1 is supported" in done.stderr


def test_an_operator_in_the_middle_that_the_chip_lacks_is_reported(tmp_path: Path) -> None:
    net = network(tmp_path / "net.onnx", middle="Acos")
    done = run("-i", net, "-o", tmp_path / "out", "--dataset-len", 2)
    assert done.exit_code == 1
    found = report(tmp_path / "out")
    assert found["status"] == "QTOOLS_ERROR"
    assert "between" in found["error"]["problems"][0]
    assert not (tmp_path / "out" / "compiled_model").exists()


def test_a_file_that_is_no_network_is_reported(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x00garbage")
    assert run("-i", tmp_path / "net.onnx", "-o", tmp_path / "out").exit_code == 1
    assert report(tmp_path / "out")["status"] == "ONNX_GRAPH_CLEANER_ERROR"


def test_a_folder_without_images_is_reported(tmp_path: Path, net: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("-i", net, "-o", tmp_path / "out", "--imageset", tmp_path / "empty").exit_code == 1
    assert report(tmp_path / "out")["status"] == "TOP_LEVEL_QUANTIZE_ERROR"


def test_a_bad_configuration_is_reported(tmp_path: Path, net: Path) -> None:
    (tmp_path / "c.toml").write_text("tiling_dept = 6\n")
    done = run("-i", net, "-o", tmp_path / "out", "--conf", tmp_path / "c.toml")
    assert done.exit_code == 1
    assert "did you mean 'tiling_depth'?" in done.stderr
    assert report(tmp_path / "out")["status"] == "INITIALIZE_CLI_ERROR"


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (["--datasetlen", "3"], "--datasetlen"),
        (["--aipu-cores", "9"], "--aipu-cores"),
        (["--color-format", "CMYK"], "CMYK"),
        (["stray.onnx"], "stray.onnx"),
        (["--dataset-len"], "--dataset-len"),
    ],
)
def test_a_mistake_in_the_options_is_reported(
    tmp_path: Path, net: Path, mistake: list[str], words: str
) -> None:
    out = tmp_path / "out"
    done = run("-i", net, "-o", out, *mistake)
    assert done.exit_code == 2
    assert words in done.stderr
    assert report(out)["status"] == "INITIALIZE_CLI_ERROR"
    assert words in report(out)["error"]["message"]
    assert [path.name for path in out.iterdir()] == ["compilation_report.json"]


def test_a_mistake_in_the_options_leaves_an_earlier_output_alone(tmp_path: Path, net: Path) -> None:
    out = tmp_path / "out"
    assert run("-i", net, "-o", out, "--dataset-len", 2).exit_code == 0
    assert run("-i", net, "-o", out, "--dataset-len", "two").exit_code == 2
    assert report(out)["status"] == "SUCCEEDED"


def test_a_mistake_without_an_output_directory_writes_nothing(tmp_path: Path, net: Path) -> None:
    assert run("-i", net, "--overwritten").exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_a_bad_configuration_is_reported_into_the_output_that_cli_args_name(
    tmp_path: Path, net: Path
) -> None:
    saved = json.dumps({"input": str(net), "output": str(tmp_path / "out")})
    assert run("--cli-args", saved, "--conf", "missing.toml").exit_code == 1
    assert report(tmp_path / "out")["status"] == "INITIALIZE_CLI_ERROR"


def test_lowering_only_needs_a_quantised_network(tmp_path: Path, net: Path) -> None:
    done = run("-i", net, "-o", tmp_path / "out", "--cli-args", '{"compiler_mode": "lower_only"}')
    assert done.exit_code == 1
    assert "quantised already" in done.stderr


def test_a_bad_configuration_leaves_an_earlier_output_alone(tmp_path: Path, net: Path) -> None:
    out = tmp_path / "out"
    assert run("-i", net, "-o", out, "--dataset-len", 2).exit_code == 0
    done = run("-i", net, "-o", out, "--conf", "missing.toml")
    assert done.exit_code == 1
    assert "missing.toml" in done.stderr
    assert report(out)["status"] == "SUCCEEDED"


def test_a_damaged_quantised_model_is_reported(tmp_path: Path) -> None:
    manifest = tmp_path / "quantized_model_manifest.json"
    manifest.write_text("{}")
    assert run("-i", manifest, "-o", tmp_path / "out").exit_code == 1
    assert report(tmp_path / "out")["status"] == "LOWER_FRONTEND_ERROR"


def test_a_defect_of_the_compiler_is_reported_and_logged(
    tmp_path: Path, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(compiler, "compile", broken)
    assert run("-i", net, "-o", tmp_path / "out", "--dataset-len", 2).exit_code == 1
    assert report(tmp_path / "out")["status"] == "TOP_LEVEL_LOWER_ERROR"
    assert "Traceback" in (tmp_path / "out" / "compilation_log.txt").read_text()


def test_an_existing_output_is_kept_unless_told(tmp_path: Path, net: Path) -> None:
    out = tmp_path / "out"
    assert run("-i", net, "-o", out, "--dataset-len", 2).exit_code == 0
    before = files(out)
    again = run("-i", net, "-o", out, "--dataset-len", 3)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    assert files(out) == before
    assert run("-i", net, "-o", out, "--dataset-len", 3, "--overwrite").exit_code == 0
    assert json.loads((out / "cli_args.json").read_text())["dataset_len"] == 3


def test_an_earlier_run_is_repeated_from_its_files(tmp_path: Path, net: Path) -> None:
    assert run("-i", net, "-o", tmp_path / "a", "--dataset-len", 2, "--aipu-cores", 2).exit_code == 0
    again = run(
        "--cli-args",
        tmp_path / "a" / "cli_args.json",
        "--conf",
        tmp_path / "a" / "conf.json",
        "-o",
        tmp_path / "b",
    )
    assert again.exit_code == 0, again.output
    assert files(tmp_path / "a" / "compiled_model") == files(tmp_path / "b" / "compiled_model")


def test_settings_without_effect_are_named(tmp_path: Path, net: Path) -> None:
    out = tmp_path / "out"
    done = run("-i", net, "-o", out, "--dataset-len", 2, "--cli-args", '{"force_h_tiling": 6}')
    assert list(report(out)["settings_without_effect"]) == ["force_h_tiling"]
    assert "force_h_tiling has no effect here" in done.stderr


def test_the_default_configuration_is_written(tmp_path: Path) -> None:
    done = run("--generate-config", tmp_path / "conf")
    path = tmp_path / "conf" / "default_conf.json"
    assert done.stdout.strip() == str(path)
    assert json.loads(path.read_text()) == CompilerConfig(resources_used=0.25).model_dump(mode="json")


def test_no_options_say_what_is_missing() -> None:
    done = run()
    assert done.exit_code == 1
    assert "--input and --output must be given" in done.stderr


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("axelera.compiler.frontend._explain.check_weights", "TOP_LEVEL_QUANTIZE_ERROR"),
        ("axelera.compiler.lowering._requantise._Groups", "TOP_LEVEL_QUANTIZE_ERROR"),
        ("axelera.compiler.planning._plan.compile_passes", "TOP_LEVEL_LOWER_ERROR"),
        ("axemu.cli._compile_run.calibration_samples", "TOP_LEVEL_QUANTIZE_ERROR"),
    ],
)
@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x")], ids=repr)
def test_a_defect_of_the_compiler_is_told_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, status: str, error: Exception
) -> None:
    def planted(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(place, planted)
    out = tmp_path / "out"
    done = run("-i", network(tmp_path / "net.onnx"), "-o", out, "--dataset-len", 2)
    assert done.exit_code == 1
    assert "in planted" in done.stderr
    assert "defect of the compiler" in done.stderr
    assert "in planted" in (out / "compilation_log.txt").read_text()
    content = report(out)
    assert content["status"] == status
    assert content["error"]["type"] == "InternalError"
    assert "in planted" in "".join(content["error"]["traceback"])


def test_the_state_after_a_pass_is_dumped(tmp_path: Path, net: Path) -> None:
    out = tmp_path / "out"
    done = run(
        "-i", net, "-o", out, "--dataset-len", 2, "--dump-after", "equalise", "--dump-after", "name_nodes"
    )
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (out / "dump").iterdir()) == ["equalise.txt", "name_nodes.onnx"]
    assert "conv_1" in (out / "dump" / "equalise.txt").read_text()
    assert {node.op_type for node in onnx.load(out / "dump" / "name_nodes.onnx").graph.node} == {
        "Conv",
        "Relu",
    }
    again = run("--cli-args", out / "cli_args.json", "-o", out, "--overwrite")
    assert again.exit_code == 0, again.output
    assert (out / "dump" / "equalise.txt").is_file()


def test_a_pass_that_does_not_exist_is_a_mistake_in_the_options(tmp_path: Path, net: Path) -> None:
    done = run("-i", net, "-o", tmp_path / "out", "--dump-after", "equalize")
    assert done.exit_code == 1
    assert "INITIALIZE_CLI_ERROR: no pass 'equalize'" in done.stderr
    assert report(tmp_path / "out")["status"] == "INITIALIZE_CLI_ERROR"


def test_a_pass_that_did_not_run_is_told(tmp_path: Path, net: Path) -> None:
    done = run("-i", net, "-o", tmp_path / "out", "--dataset-len", 2, "--dump-after", "unwrap")
    assert done.exit_code == 0, done.output
    assert "--dump-after unwrap: this pass did not run" in done.stderr
    assert not (tmp_path / "out" / "dump").exists()


def test_the_passes_are_listed() -> None:
    text = run("--list-passes").output
    assert all(f"{entry.name} " in text and entry.purpose in text for entry in PASSES)
