"""What is wrong with an input is said in words that name the object at fault and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import (
    CalibrationError,
    CompilerConfig,
    CompilerError,
    ConfigurationError,
    MemoryPlanError,
    ModelError,
    UnsupportedModelError,
)
from axelera.compiler.config import ConfigurationNotFoundError, load_config, read_model_card
from axelera.compiler.planning import DoesNotFit

SHAPE = (1, 3, 8, 8)


def network() -> onnx.ModelProto:
    net = Net(SHAPE)
    return net.model(net.conv(net.add("Relu", net.conv("x", 3, 8)), 8, 4))


def refusal(model: onnx.ModelProto | Path | str) -> str:
    with pytest.raises(CompilerError) as caught:
        compiler.quantize(model, data(SHAPE, 2), CompilerConfig())
    return str(caught.value)


def test_a_configuration_of_another_kind_is_refused_by_both_functions(tmp_path: Path) -> None:
    settings: Any = {"aipu_cores": 1}
    with pytest.raises(ConfigurationError, match="config is dict, expected CompilerConfig"):
        compiler.quantize(network(), data(SHAPE, 2), settings)
    quantised = compiler.quantize(network(), data(SHAPE, 2), CompilerConfig())
    with pytest.raises(ConfigurationError, match="config is dict, expected CompilerConfig"):
        compiler.compile(quantised, settings, tmp_path / "out")


def test_a_plan_that_fails_says_what_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hopeless(*_: object) -> None:
        raise DoesNotFit("too large")

    quantised = compiler.quantize(network(), data(SHAPE, 2), CompilerConfig())
    monkeypatch.setattr("axelera.compiler.planning._plan.compile_passes", hopeless)
    words = (
        r"Could not find a tiling factor that fits the memory constraints l1_constraint=\d+ l2_constraint=\d+"
    )
    with pytest.raises(MemoryPlanError, match=words):
        compiler.compile(quantised, CompilerConfig(), tmp_path / "out")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_named(value: float) -> None:
    model = network()
    weight = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weight[0, 0, 0, :2] = value
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, model.graph.initializer[0].name))
    with pytest.raises(UnsupportedModelError) as caught:
        compiler.quantize(model, data(SHAPE, 2), CompilerConfig())
    (violation,) = caught.value.violations
    assert (violation.node, violation.attributes) == ("node_0_Conv", {"constant": "c0", "not_finite": 2})


def test_calibration_data_that_is_no_number_is_named() -> None:
    samples = data(SHAPE, 3)
    samples[1][0, 0, 0, 0] = np.nan
    with pytest.raises(CalibrationError, match=r"item 1, input 'x': 1 of 192 values are NaN or infinite"):
        compiler.quantize(network(), samples, CompilerConfig())


def test_a_value_that_overflows_inside_the_network_is_named() -> None:
    net = Net(SHAPE)
    big = net.constant(np.float32(3e38))
    model = net.model(net.conv(net.add("Mul", net.add("Relu", net.conv("x", 3, 8)), big), 8, 4))
    assert "no int8 scale covers" in refusal(model)


def test_an_operator_outside_onnx_is_named_not_its_consequence() -> None:
    model = network()
    model.graph.node[1].op_type, model.graph.node[1].domain = "Magic", "com.acme"
    model.opset_import.append(helper.make_opsetid("com.acme", 1))
    assert "node 'node_1_Relu' is com.acme.Magic, an operator that is not part of ONNX" in refusal(model)


def test_attributes_that_do_not_fit_are_explained_at_their_node() -> None:
    model = network()
    model.graph.node[0].attribute.append(helper.make_attribute("pads", [1, 1, 1]))
    message = refusal(model)
    assert "node 'node_0_Conv', Conv: the shape of its output cannot be worked out" in message
    assert "pads" in message


def test_inputs_of_a_wrong_type_are_explained() -> None:
    model = network()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT32
    del model.graph.value_info[:]
    assert "tensor(int32)" in refusal(model)


def test_branches_in_the_middle_are_named_with_a_remedy() -> None:
    def branch(op: str) -> onnx.GraphProto:
        output = helper.make_tensor_value_info("r", TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node(op, ["Conv_0"], ["r"])], op, [], [output])

    net = Net(SHAPE)
    first = net.conv("x", 3, 8)
    flag = net.add("Cast", net.add("ReduceMax", first, keepdims=0), to=TensorProto.BOOL)
    either = net.add("If", flag, then_branch=branch("Relu"), else_branch=branch("Neg"))
    message = refusal(net.model(net.conv(either, 8, 4)))
    assert "without branches and loops" in message
    assert all(name in message for name in ("ReduceMax", "Cast", "If"))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"hello world", "not a readable ONNX model"), (None, "no such file")],
)
def test_a_file_that_is_no_network_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "net.onnx").write_bytes(content)
    message = refusal(tmp_path / "net.onnx")
    assert words in message
    assert "net.onnx" in message


def test_a_directory_is_not_a_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a directory"):
        compiler.quantize(tmp_path, data(SHAPE, 2), CompilerConfig())


def test_every_mistake_of_a_configuration_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('tiling_dept = 6\nfoo = 1\nfrequency = 1\nmulticore_mode = "btch"\n')
    with pytest.raises(CompilerError) as caught:
        load_config(tmp_path / "c.toml", overrides={"resources": 0.3, "bar": 2})
    message = str(caught.value)
    for name in (
        "'tiling_depth'?",
        "'foo'",
        "frequency = 1",
        "did you mean 'batch'?",
        "resources_used = 0.3",
        "'bar'",
    ):
        assert name in message
    assert f"frequency is set in {tmp_path / 'c.toml'}" in message


@pytest.mark.parametrize("name", ["card.yaml", "conf.json"])
def test_a_missing_file_is_missing_not_misspelt(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationNotFoundError) as caught:
        read_model_card(tmp_path / name) if name.endswith("yaml") else load_config(tmp_path / name)
    assert isinstance(caught.value, FileNotFoundError)
    assert "syntax" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((5, [], CompilerConfig()), "model is int, expected an ONNX model"),
        ((network(), 5, CompilerConfig()), "calibration data is int"),
        ((network(), [], {}), "config is dict, expected CompilerConfig"),
        ((network(), None, CompilerConfig()), "calibration data is empty"),
    ],
)
def test_arguments_of_a_wrong_kind_are_named(arguments: tuple[object, object, object], words: str) -> None:
    with pytest.raises(CompilerError, match=words):
        compiler.quantize(*arguments)  # type: ignore[arg-type]


def test_a_network_is_quantised_before_it_is_compiled(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected what quantize"):
        compiler.compile(network(), CompilerConfig(), tmp_path / "out")  # type: ignore[arg-type]


def test_a_quantised_model_refuses_nan() -> None:
    quantised = compiler.quantize(network(), data(SHAPE, 2), CompilerConfig())
    with pytest.raises(ValueError, match="input 'x': holds NaN"):
        quantised(np.full(SHAPE, np.nan, np.float32))
