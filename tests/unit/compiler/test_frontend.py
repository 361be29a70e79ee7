"""The front end: opsets, shapes, clean-up that keeps values, fused activations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.unit.compiler._networks import Net, data, run_float, sqnr

from axelera import compiler
from axelera.compiler import ModelError
from axelera.compiler.frontend import load_proto, normalise
from axelera.compiler.frontend._pointwise import find_fusions
from axelera.compiler.pipeline import simplify


def simplified(model: onnx.ModelProto) -> ir.Model:
    result = ir.from_proto(normalise(load_proto(model), "net"))
    simplify(result)
    return result


def operators(model: ir.Model) -> list[str]:
    return [node.op_type for node in model.graph]


def _batch_norm_net(opset: int) -> onnx.ModelProto:
    net = Net((1, 3, 8, 8), opset)
    vectors = [net.constant(np.abs(net.random.standard_normal(4)).astype(np.float32) + 0.5) for _ in range(4)]
    x = net.add("BatchNormalization", net.conv("x", 3, 4), *vectors)
    x = net.add("Identity", net.add("Relu", x))
    return net.model(x)


NEWEST = onnx.defs.onnx_opset_version()


@pytest.mark.parametrize("opset", range(7, NEWEST + 1))
def test_every_opset_is_understood_and_values_are_kept(opset: int) -> None:
    model = _batch_norm_net(opset)
    clean = simplified(model)
    assert operators(clean) == ["Conv", "Relu"]
    sample = data((1, 3, 8, 8), 1)[0]
    known = _batch_norm_net(
        min(opset, 22)
    )  # nothing in it has changed since; ONNX Runtime stops before the newest
    np.testing.assert_allclose(
        run_float(ir.to_proto(clean), sample)[0], run_float(known, sample)[0], atol=1e-5
    )


@pytest.mark.parametrize("opset", [7, NEWEST])
def test_models_of_the_newest_format_compile(opset: int, tmp_path: Path) -> None:
    model = _batch_norm_net(opset)
    model.ir_version = onnx.IR_VERSION
    quantised = compiler.quantize(model, iter(data((1, 3, 8, 8), 2)), compiler.CompilerConfig())
    compiler.compile(quantised, compiler.CompilerConfig(), tmp_path / "out")
    assert (tmp_path / "out" / "model.json").is_file()


def test_operators_that_changed_after_the_runtime_knew_them_keep_their_meaning() -> None:
    net = Net((1, 8, 4, 4), NEWEST)
    model = net.model(net.conv(net.add("DepthToSpace", "x", blocksize=2, mode="CRD"), 2, 4))
    older = onnx.ModelProto()
    older.CopyFrom(model)
    older.opset_import[0].version = 17
    sample = data((1, 8, 4, 4), 1)[0]
    np.testing.assert_allclose(
        run_float(ir.to_proto(simplified(model)), sample)[0], run_float(older, sample)[0], atol=1e-5
    )


def test_an_input_that_is_an_output_is_named() -> None:
    net = Net((1, 3, 8, 8))
    model = net.model(net.conv("x", 3, 4))
    model.graph.output.append(model.graph.input[0])
    with pytest.raises(ModelError, match="output 'x' does not depend on anything the chip computes"):
        compiler.structure_program(model)


def _resizing(opset: int) -> onnx.ModelProto:
    net = Net((1, 3, 8, 8), opset)
    x = net.conv("x", 3, 4)
    if opset < 9:
        x = net.add("Upsample", x, mode="nearest", scales=[1.0, 1.0, 2.0, 2.0])
    else:
        scales = net.constant(np.array([1, 1, 2, 2], np.float32))
        region = net.constant(np.array([0, 0, 0, 0, 1, 1, 1, 1], np.float32))
        x = net.add("Resize", x, region, scales, mode="nearest", nearest_mode="floor",
                    coordinate_transformation_mode="asymmetric")  # fmt: skip
    return net.model(net.conv(x, 4, 4))


@pytest.mark.parametrize("opset", [7, 11, 17])
def test_a_region_that_resize_ignores_is_no_obstacle(opset: int) -> None:
    model = _resizing(opset)
    compiler.structure_program(model)
    sample = data((1, 3, 8, 8), 1)[0]
    np.testing.assert_allclose(
        run_float(ir.to_proto(simplified(model)), sample)[0], run_float(model, sample)[0], atol=1e-5
    )


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE])
def test_real_numbers_of_other_widths_become_float32(kind: int) -> None:
    net = Net((1, 3, 8, 8))
    x = net.add("Cast", net.add("Cast", "x", to=TensorProto.FLOAT), to=kind)
    model = net.model(net.conv(net.add("Relu", net.conv(x, 3, 4)), 4, 4))
    expected = run_float(_of_type(model, TensorProto.FLOAT), data((1, 3, 8, 8), 1)[0])[0]
    quantised = compiler.quantize(
        _of_type(model, kind), iter(data((1, 3, 8, 8), 4)), compiler.CompilerConfig()
    )
    assert sqnr(expected, quantised(data((1, 3, 8, 8), 1)[0])) > 25


def _of_type(model: onnx.ModelProto, kind: int) -> onnx.ModelProto:
    copy = load_proto(model)
    for tensor in copy.graph.initializer:
        array = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(kind))
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    for value in (*copy.graph.input, *copy.graph.output):
        value.type.tensor_type.elem_type = kind
    for node in copy.graph.node:
        for entry in node.attribute:
            if entry.name == "to" and entry.i != TensorProto.FLOAT:
                entry.i = kind
    del copy.graph.value_info[:]
    return copy


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.INT8, TensorProto.INT64])
def test_integer_inputs_are_fed_as_float32(kind: int) -> None:
    net = Net((1, 3, 8, 8))
    model = net.model(net.conv(net.add("Cast", "x", to=TensorProto.FLOAT), 3, 4))
    frames = [np.rint(50 * sample).clip(0, 127) for sample in data((1, 3, 8, 8), 4)]
    expected = run_float(model, frames[0])[0]
    model.graph.input[0].type.tensor_type.elem_type = kind
    quantised = compiler.quantize(model, iter(frames), compiler.CompilerConfig())
    result = quantised(frames[0].astype(helper.tensor_dtype_to_np_dtype(kind)))
    assert sqnr(expected, result) > 25


def test_an_output_may_be_without_a_shape() -> None:
    model = _batch_norm_net(17)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    assert compiler.structure_program(model).tensors


@pytest.mark.parametrize("opset", [5, 6])
def test_older_opsets_are_refused(opset: int) -> None:
    net = Net((1, 3, 8, 8), 17)
    model = net.model(net.conv("x", 3, 4))
    model.opset_import[0].version = opset
    with pytest.raises(ModelError, match=f"opset {opset}"):
        normalise(model, "net")


def test_dynamic_batch_becomes_one() -> None:
    net = Net(("batch", 3, 8, 8))
    assert compiler.structure_program(net.model(net.conv("x", 3, 4))).batch == 1


def test_other_dynamic_dimensions_are_named() -> None:
    net = Net((1, 3, "height", 8))
    with pytest.raises(ModelError, match="dimension 2 is dynamic"):
        compiler.structure_program(net.model(net.conv("x", 3, 4)))


def test_batch_above_one_is_refused() -> None:
    net = Net((2, 3, 8, 8))
    with pytest.raises(ModelError, match="only batch sizes of 1"):
        compiler.structure_program(net.model(net.conv("x", 3, 4)))


def _gelu(net: Net, x: str) -> str:
    inner = net.add("Erf", net.add("Div", x, net.constant(np.float32(np.sqrt(2)))))
    return net.add(
        "Mul",
        net.add("Mul", x, net.add("Add", inner, net.constant(np.float32(1)))),
        net.constant(np.float32(0.5)),
    )


def _hard_swish(net: Net, x: str) -> str:
    shifted = net.add("Add", x, net.constant(np.float32(3)))
    gate = net.add("Clip", shifted, net.constant(np.float32(0)), net.constant(np.float32(6)))
    return net.add("Div", net.add("Mul", x, gate), net.constant(np.float32(6)))


def _mish(net: Net, x: str) -> str:
    return net.add("Mul", x, net.add("Tanh", net.add("Softplus", x)))


def _silu(net: Net, x: str) -> str:
    return net.add("Mul", net.add("Sigmoid", x), x)


@pytest.mark.parametrize(
    ("name", "build"), [("gelu", _gelu), ("hard_swish", _hard_swish), ("mish", _mish), ("silu", _silu)]
)
def test_spelled_out_activations_are_recognised_by_their_values(
    name: str, build: Callable[[Net, str], str]
) -> None:
    net = Net((1, 3, 8, 8))
    clean = simplified(net.model(net.conv(build(net, net.conv("x", 3, 4)), 4, 4)))
    assert [fusion.function.name for fusion in find_fusions(clean.graph).values()] == [name]
    program = compiler.structure_program(net.model(net.conv(build(net, net.conv("x", 3, 4)), 4, 4)))
    assert [node.attributes["function"] for node in program.nodes if node.op == "lut"] == [name]


def test_activation_whose_inner_value_is_used_elsewhere_is_not_fused() -> None:
    net = Net((1, 3, 8, 8))
    x = net.conv("x", 3, 4)
    gate = net.add("Sigmoid", x)
    clean = simplified(net.model(net.conv(net.add("Mul", x, gate), 4, 4), net.conv(gate, 4, 4)))
    assert not find_fusions(clean.graph)


def test_file_that_is_no_onnx_is_named(tmp_path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"\x00\x01not a model")
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        compiler.structure_program(path)
    with pytest.raises(ModelError, match="no such file"):
        compiler.structure_program(tmp_path / "missing.onnx")


def test_pads_that_an_exporter_computes_from_constants_are_worked_out() -> None:
    # What torch.nn.functional.pad becomes without the exporter's own constant folding.
    net = Net((1, 3, 8, 8))
    zeros = net.add("ConstantOfShape", net.constant(np.array([4])), value=_one_integer(0))
    pairs = net.add("Concat", net.constant(np.array([0, 1, 2, 1])), zeros, axis=0)
    pairs = net.add("Reshape", pairs, net.constant(np.array([-1, 2])))
    ends = [net.constant(np.array([value])) for value in (-1, np.iinfo(np.int64).min, 0, -1)]
    pairs = net.add("Transpose", net.add("Slice", pairs, *ends), perm=[1, 0])
    pads = net.add("Reshape", pairs, net.constant(np.array([-1])))
    model = net.model(net.conv(net.add("Pad", "x", pads), 3, 4))
    clean = simplified(model)
    assert operators(clean) == ["Conv"]
    assert list(next(iter(clean.graph)).attributes["pads"].as_ints()) == [2, 0, 1, 1]
    sample = data((1, 3, 8, 8), 1)[0]
    np.testing.assert_allclose(
        run_float(ir.to_proto(clean), sample)[0], run_float(model, sample)[0], atol=1e-5
    )


def test_weights_that_the_network_standardises_itself_become_constants() -> None:
    net = Net((1, 64, 8, 8))
    raw = net.constant(net.random.standard_normal((96, 64, 3, 3)).astype(np.float32))
    centred = net.add("Sub", raw, net.add("ReduceMean", raw, net.constant(np.array([1, 2, 3])), keepdims=1))
    power = net.add("ReduceMean", net.add("Mul", centred, centred), net.constant(np.array([1, 2, 3])))
    model = net.model(net.add("Conv", "x", net.add("Div", centred, net.add("Sqrt", power))))
    model.opset_import[0].version = 18  # axes became an input
    clean = simplified(model)
    assert operators(clean) == ["Conv"]
    sample = data((1, 64, 8, 8), 1)[0]
    np.testing.assert_allclose(
        run_float(ir.to_proto(clean), sample)[0], run_float(model, sample)[0], atol=1e-4
    )


def _one_integer(value: int) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.array([value], np.int64))
