"""A mistake of the compiler's own reads as one, wherever it is and whatever it raises."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CompilerConfig, CompilerError, ModelError, UnsupportedModelError
from axelera.compiler.lowering._cannot_lower import CannotLower
from axelera.compiler.planning import DoesNotFit, PlanOptions, plan
from axemu.driver import InternalError

SHAPE = (1, 3, 8, 8)
HARMLESS = CompilerConfig()

ANYWHERE = {
    "reading": "axelera.compiler.frontend._load._pin_inputs",
    "widening": "axelera.compiler.frontend._load.use_float32",
    "a rewrite": "axelera.compiler.frontend._affine.batch_norm_affine",
    "checking weights": "axelera.compiler.frontend._explain.check_weights",
    "fusing": "axelera.compiler.frontend._split.find_fusions",
    "parting": "axelera.compiler.frontend._split._assign",
    "lowering": "axelera.compiler.lowering.operators.conv.explicit_window",
    "lowering a network": "axelera.compiler.lowering._requantise._Groups",
    "balancing": "axelera.compiler.quantisation._equalise._gain",
    "observing": "axelera.compiler.quantisation._observe._reduce",
    "choosing scales": "axelera.compiler.quantisation._scales._group_histogram",
    "emitting": "axelera.compiler.quantisation._emit.corrected_bias",
    "planning": "axelera.compiler.planning._plan.compile_passes",
    "building passes": "axelera.compiler.planning.passes._compile.build",
    "reporting": "axelera.compiler._compile.compiled_report",
    "writing": "axelera.compiler._compile.write_compiled_model",
}


def network() -> onnx.ModelProto:
    net = Net(SHAPE)
    ones = [net.constant(np.ones(8, np.float32)) for _ in range(4)]
    normal = net.add("BatchNormalization", net.conv("x", 3, 8), *ones)
    return net.model(net.conv(net.add("Relu", normal), 8, 4))


def compiled(model: onnx.ModelProto, folder: Path) -> None:
    compiler.compile(compiler.quantize(model, data(SHAPE, 2), HARMLESS), HARMLESS, folder)


def plant(patch: pytest.MonkeyPatch, place: str, error: Exception) -> None:
    def planted(*_: object, **__: object) -> None:
        raise error

    patch.setattr(place, planted)


@pytest.mark.parametrize("place", ANYWHERE.values(), ids=ANYWHERE.keys())
@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), IndexError("x")], ids=repr)
def test_a_mistake_anywhere_is_internal_and_shows_where(
    place: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, place, error)
    with pytest.raises(InternalError, match=r"defect of the compiler.*report") as caught:
        compiled(network(), tmp_path / "out")
    assert caught.value.__cause__ is error
    assert "in planted" in "".join(traceback.format_exception(caught.value))
    assert "'net'" in str(caught.value)
    assert not isinstance(caught.value, ValueError)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ask", [compiler.structure_program, compiler.check_operators])
def test_who_only_asks_is_told_the_same(
    ask: Callable[[onnx.ModelProto], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, ANYWHERE["a rewrite"], LookupError("x"))
    with pytest.raises(InternalError, match="'net' failed with LookupError: x"):
        ask(network())


def test_the_tools_of_others_speak_about_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(
        monkeypatch,
        "axelera.compiler.frontend._steps.optimizer.fold_constants_ir",
        RuntimeError("no such thing"),
    )
    with pytest.raises(ModelError, match="'net' cannot be understood: RuntimeError: no such thing"):
        compiler.structure_program(network())


def test_an_operator_without_a_counterpart_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, ANYWHERE["lowering"], CannotLower("it is too odd"))
    with pytest.raises(UnsupportedModelError) as caught:
        compiler.structure_program(network())
    assert [(found.node, found.help) for found in caught.value.violations] == [
        ("node_0_Conv", "it is too odd")
    ]


def test_a_share_of_l2_below_the_vector_constants_does_not_fit() -> None:
    program = compiler.structure_program(network())
    with pytest.raises(DoesNotFit, match=r"vector constants take \d+ bytes of L2, .* may use 0"):
        plan(program, PlanOptions(resources=1e-9))


def test_what_the_machine_lacks_is_not_a_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, ANYWHERE["balancing"], MemoryError())
    with pytest.raises(MemoryError):
        compiled(network(), tmp_path / "out")


def test_a_window_over_one_dimension_is_refused_without_the_matrix_too(tmp_path: Path) -> None:
    net = Net((1, 3, 8))
    pool = net.add("MaxPool", net.add("Relu", "x"), kernel_shape=[2])
    with pytest.raises(UnsupportedModelError, match="only windows over height and width"):
        compiler.quantize(
            net.model(net.add("Relu", pool)), data((1, 3, 8), 1), CompilerConfig(validate_operators=False)
        )


@pytest.mark.parametrize(
    ("item", "words"), [((), "not an array of numbers|no frame|shape"), (3.0, "one number|shape")]
)
def test_odd_calibration_items_are_refused_as_data(item: object, words: str) -> None:
    with pytest.raises(CompilerError, match=words):
        compiler.quantize(network(), [item], HARMLESS)


def quantised_add(*inputs: str, zero_points: int = 1, domain: str = "com.microsoft") -> onnx.ModelProto:
    """QLinearAdd of the network's input, quantised, with itself."""
    net = Net(SHAPE)
    net.constant(np.float32(0.1), "s")
    net.constant(np.full(zero_points, 3, np.uint8), "z")
    net.add("QuantizeLinear", "x", "s", net.constant(np.uint8(3)))
    model = net.model(net.add("DequantizeLinear", net.add("Relu", net.nodes[0].output[0]), "s"))
    model.graph.node[1].op_type, model.graph.node[1].domain = "QLinearAdd", domain
    del model.graph.node[1].input[:]
    model.graph.node[1].input.extend(name.replace("q", net.nodes[0].output[0]) for name in inputs)
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    return model


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (quantised_add("q", "s", "z", "q", "s"), "it has 5 inputs and 1 outputs, expected 7"),
        (quantised_add("q", "s", "z", "", "s", "z", "s", "z"), "it has no first input"),
        (
            quantised_add("q", "s", "z", "q", "s", "z", "s", "z", zero_points=3),
            "it has 1 scales and 3 zero points",
        ),
    ],
)
def test_quantised_operators_that_do_not_hold_together_are_refused_as_such(
    model: onnx.ModelProto, words: str
) -> None:
    with pytest.raises(ModelError, match=rf"\(QLinearAdd\) cannot be understood: {words}"):
        compiler.quantize(model, None, HARMLESS)
