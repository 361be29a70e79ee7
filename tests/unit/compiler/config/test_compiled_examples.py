"""The examples of the configuration guide, compiled and run side by side on an emulated board."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from axelera import compiler
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig
from axelera.compiler.config import read_model_card
from axelera.runtime import Connection, Context
from axemu.model import load_compiled_model

Buffers = npt.NDArray[np.int8]


@pytest.fixture(autouse=True)
def _own_boards(own_boards: None) -> None:
    """Reservations and configuration of these tests' own."""


def network() -> onnx.ModelProto:
    weight = numpy_helper.from_array(
        np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32), "w"
    )
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w"], ["scores"], pads=[1, 1, 1, 1])],
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4, 8, 8])],
        [weight],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def compiled(config: CompilerConfig, folder: Path) -> AxeleraQuantizedModel:
    generator = np.random.default_rng(2)
    samples = [generator.normal(size=(1, 3, 8, 8)).astype(np.float32) for _ in range(4)]
    quantised = compiler.quantize(network(), samples, config)
    compiler.compile(quantised, config, folder)
    return quantised


def check(context: Context, connection: Connection, folder: Path, quantised: AxeleraQuantizedModel) -> None:
    """Frames on the board give what the quantised model gives one by one."""
    model = context.load_model(folder / "model.json")
    (input_info,), (output_info,) = model.inputs(), model.outputs()
    frames = np.random.default_rng(3).integers(-128, 128, input_info.shape, np.int8)
    result = np.empty(output_info.shape, np.int8)
    connection.load_model_instance(model, num_sub_devices=input_info.shape[0]).run([frames], [result])
    expected = [quantised.run_program([frame[None]])[0] for frame in frames]
    np.testing.assert_array_equal(result, np.concatenate(expected))


@pytest.mark.parametrize(("cores", "resources", "instances"), [(1, 0.25, 4), (4, 1.0, 1)])
def test_batch_1_and_batch_4_fill_the_board(
    tmp_path: Path, cores: int, resources: float, instances: int
) -> None:
    quantised = compiled(CompilerConfig(aipu_cores=cores, resources=resources), tmp_path / "m")
    assert load_compiled_model(tmp_path / "m").inputs[0].shape[0] == cores
    with Context() as context:
        for connection in [context.device_connect(None, cores) for _ in range(instances)]:
            check(context, connection, tmp_path / "m", quantised)


def test_a_cascade_of_three_cores_and_one_shares_the_board(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        '[compiler]\nquantization_scheme = "per_tensor_min_max"\naipu_cores = 1\n'
    )
    (tmp_path / "card.yaml").write_text(
        "models:\n"
        "  detector:\n    extra_kwargs:\n      compiler_config_file: settings.toml\n"
        "      compilation_config: {aipu_cores: 3, resources: 0.75}\n"
        "  classifier:\n    extra_kwargs:\n      compilation_config: {aipu_cores: 1, resources: 0.25}\n"
    )
    configs = read_model_card(tmp_path / "card.yaml")
    models = {name: compiled(config, tmp_path / name) for name, config in configs.items()}
    with Context() as context:
        connections = {name: context.device_connect(None, configs[name].aipu_cores_used) for name in models}
        for name, quantised in models.items():
            check(context, connections[name], tmp_path / name, quantised)


def test_the_setting_of_the_file_reaches_the_compiled_model_and_the_inline_one_wins(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        'quantization_scheme = "per_tensor_min_max"\nmodel_name = "from_file"\n'
    )
    (tmp_path / "card.yaml").write_text(
        "models:\n  m:\n    extra_kwargs:\n      compiler_config_file: settings.toml\n"
        "      compilation_config: {model_name: inline}\n"
    )
    config = read_model_card(tmp_path / "card.yaml")["m"]
    quantised = compiled(config, tmp_path / "m")
    assert quantised.name == "inline"
    assert CompilerConfig(**quantised.configuration) == config
    assert (
        json.loads((tmp_path / "m" / "compile_config.json").read_text())["quantization_scheme"]
        == "per_tensor_min_max"
    )
