"""Directories of the vendor's compiler: how they are translated, what is refused, and what an import writes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests._vendor.networks import QTOOLS, Network, everything
from tests._vendor.writer import write_archive

from axelera.compiler import ConfigurationError
from axelera.compiler.importing import import_program, write_import
from axelera.compiler.planning import plan
from axemu.driver import IncompatibleDevice, InvalidArgument, TensorInfo
from axemu.model import load_compiled_model
from axemu.model.program import read_program


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A directory with every known layer."""
    net, x, y = everything()
    buffers = [net.port(x, (8, 8, 3), (8, 16, 4))]
    return net.directory(tmp_path / "whole", buffers, {y: net.port(y, (1, 1, 10), (1, 1, 64))})


def one_conv(path: Path, **options: Any) -> Path:
    """Write a directory of one 3x3 convolution, (6, 6, 4) to (6, 6, 8)."""
    net = Network()
    x = net.quantise("x_qre", "input_1", options.pop("scale", 0.1), options.pop("zero", 3))
    y = net.quantise("y_qre", net.conv("c/Conv", x, 4, 8, (3, 3), pads=(1, 1, 1, 1), **options), 0.9, -5)
    return net.directory(path, [net.port(x, (6, 6, 4))], {y: net.port(y, (6, 6, 8))})


def test_what_a_core_does_is_what_our_own_compilation_plans(whole: Path) -> None:
    program = import_program(whole)
    assert program.core == plan(program).core
    assert program.core is not None
    roles = {one.role.removesuffix("+residual") for one in program.core.passes}
    assert roles >= {"conv", "avgpool", "maxpool", "sub"}


def test_every_convolution_is_a_pass_of_its_module(whole: Path) -> None:
    core = import_program(whole).core
    assert core is not None
    names = {one.layer for one in core.passes if one.role.startswith("conv")}
    assert names == {"a/Conv", "b/Conv", "Add", "e/Conv", "y/Conv"}


@pytest.mark.parametrize("spelled", ["directory", "model.json"])
def test_a_directory_is_found_by_itself_and_by_its_model_json(whole: Path, spelled: str) -> None:
    path = whole if spelled == "directory" else whole / "model.json"
    assert import_program(path).name == "whole"


def test_an_input_that_is_quantised_twice_may_have_two_buffers_one_of_them_flat(tmp_path: Path) -> None:
    net = Network()
    a, b = (net.quantise(f"{name}_qre", "input_1", 0.1, 3) for name in "ab")
    parts = [
        net.quantise(f"{name}2_qre", net.conv(f"{name}/Conv", value, 4, 8), 0.5, 0)
        for name, value in (("a", a), ("b", b))
    ]
    port = net.port(a, (6, 1, 4), (6, 16, 4))
    flat = TensorInfo((6 * 16 * 4,), name="flat", scale=port.scale, zero_point=port.zero_point)
    outputs = {part: net.port(part, (6, 1, 8)) for part in parts}
    program = import_program(net.directory(tmp_path / "twice", [port, flat], outputs))
    assert [program.tensors[name].shape for name in program.inputs] == [(6, 16, 4)] * 2
    readers = [next(node.name for node in program.nodes if name in node.inputs) for name in program.inputs]
    assert readers == [f"{name}/unpad" for name in program.inputs]


def test_an_input_that_is_quantised_twice_alike_may_have_one_buffer(tmp_path: Path) -> None:
    net = Network()
    values = [net.quantise(f"{name}_qre", "input_1", 0.1, 3) for name in "ab"]
    parts = [net.quantise(f"{v}q", net.conv(f"{v}/Conv", v, 4, 8), 0.5, 0) for v in values]
    outputs = {part: net.port(part, (6, 6, 8)) for part in parts}
    program = import_program(net.directory(tmp_path / "once", [net.port(values[0], (6, 6, 4))], outputs))
    assert len(program.inputs) == 1


def test_a_batch_is_what_model_json_says(tmp_path: Path) -> None:
    net = Network()
    x = net.quantise("x_qre", "input_1", 0.1, 3)
    y = net.quantise("y_qre", net.conv("c/Conv", x, 4, 64), 0.9, -5)
    ports = net.port(x, (6, 6, 4), batch=4), net.port(y, (6, 6, 64), batch=4)
    program = import_program(net.directory(tmp_path / "four", [ports[0]], {y: ports[1]}))
    assert program.batch == 4
    assert program.tensors[program.inputs[0]].shape == (6, 6, 4)


def test_one_tensor_may_be_two_outputs(tmp_path: Path) -> None:
    net = Network()
    x = net.quantise("x_qre", "input_1", 0.1, 3)
    y = net.quantise("y_qre", net.conv("c/Conv", x, 4, 64), 0.9, -5)
    port = net.port(y, (6, 6, 64))
    directory = net.directory(tmp_path / "net", [net.port(x, (6, 6, 4))], {y: port})
    model, manifest = (json.loads((directory / name).read_text()) for name in ("model.json", "manifest.json"))
    model["outputs"].append(model["outputs"][0] | {"name": "again"})
    for key in ("output_shapes", "dequantize_params", "n_padded_ch_outputs"):
        manifest[key] *= 2
    (directory / "model.json").write_text(json.dumps(model))
    (directory / "manifest.json").write_text(json.dumps(manifest))
    write_archive(directory / "quantized_model.pt", net.members("_3", "_3"))
    program = import_program(directory)
    assert len(set(program.outputs)) == 2


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "offset": ({"offset": np.full(8, 64, np.float32)}, r"offset of channel 0 is 64\.0"),
    "weight": ({"weight": np.full((8, 4, 3, 3), 0.5, np.float32)}, "a weight is no int8"),
    "large weight": ({"weight": np.full((8, 4, 3, 3), 128, np.float32)}, "a weight is no int8"),
    "nan weight": ({"weight": np.full((8, 4, 3, 3), np.nan, np.float32)}, "a weight is no int8"),
    "channels": ({"weight": np.ones((8, 5, 3, 3), np.float32)}, "do not fit 4 channels"),
    "bias": ({"bias": np.full(8, 1.0001, np.float32)}, "the bias .* more than 11 significant bits"),
    "infinite bias": ({"bias": np.full(8, np.inf, np.float32)}, "the bias is not finite"),
    "huge bias": ({"bias": np.full(8, 2.0**31, np.float32)}, "sums can leave the int32"),
    "scale": ({"scale": np.zeros(8, np.float32)}, "a scale is not positive"),
    "border": ({"border": 4.0}, r"border of 4 around values with zero point 3"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_constants_that_contradict_each_other_are_refused_with_their_module(
    tmp_path: Path, change: str
) -> None:
    changes, message = CHANGES[change]
    with pytest.raises((InvalidArgument, IncompatibleDevice), match=rf"module 'c/Conv': .*{message}"):
        import_program(one_conv(tmp_path / "net", changes=changes))


@pytest.mark.parametrize(
    ("key", "value"), [("quantize_params", [[0.2, 3]]), ("dequantize_params", [[0.9, 0]])]
)
def test_scales_that_differ_from_the_manifest_are_refused(tmp_path: Path, key: str, value: object) -> None:
    directory = one_conv(tmp_path / "net")
    manifest = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps(manifest | {key: value}))
    with pytest.raises(InvalidArgument, match=r"quantized_model\.pt: .*manifest\.json"):
        import_program(directory)


def test_a_pool_with_another_factor_is_refused(tmp_path: Path) -> None:
    net = Network()
    x = net.quantise("x_qre", "input_1", 0.1, 3)
    y = net.quantise("y_qre", net.average("p/AveragePool", x, (2, 2), factor=0.5), 0.1, 3)
    directory = net.directory(tmp_path / "net", [net.port(x, (6, 6, 4))], {y: net.port(y, (3, 3, 4))})
    with pytest.raises(InvalidArgument, match=r"'p/AveragePool': the factor of a pool is not 0\.25"):
        import_program(directory)


def test_a_tensor_that_is_dequantised_with_another_scale_is_refused(tmp_path: Path) -> None:
    net = Network()
    x = net.quantise("x_qre", "input_1", 0.1, 3)
    net.quantisation[x] = (0.2, 3)
    y = net.quantise("y_qre", net.dequantise("x_dre", x), 0.9, -5)
    net.quantisation[x] = (float(np.float32(0.1)), 3)
    directory = net.directory(tmp_path / "net", [net.port(x, (6, 6, 4))], {y: net.port(y, (6, 6, 4))})
    with pytest.raises(InvalidArgument, match=r"module 'x_dre': dequantises"):
        import_program(directory)


Body = Callable[[Network, str], str]
UNKNOWN: dict[str, tuple[Body, str]] = {
    "operator": (lambda net, x: net.module("s", ["return torch.sigmoid(argument_1)"], x), r"torch\.sigmoid \(in module 's'\)"),
    "custom operator": (
        lambda net, x: net.module("s", [f"return {QTOOLS}lut(argument_1)"], x),
        r"ops\.qtools_cpp_ext\.lut \(in module 's'\)",
    ),
    "real multiplication": (
        lambda net, x: net.module("m", ["return torch.mul(argument_1, argument_1)"], x),
        r"torch\.mul \(in module 'm'\)",
    ),
    "transposed convolution": (
        lambda net, x: net.module(
            "t",
            [
                f"w = {QTOOLS}fake_cast_int8({net.constant(np.ones((4, 4, 1, 1)))})",
                "return torch._convolution(argument_1, w, None, [1, 1], [0, 0], [1, 1], True, [0, 0], 1, False, False, True, True)",
            ],
            x,
        ),
        "argument 6 other than False",
    ),
    "sum of integers": (lambda net, x: net.join("j", "add", x, x), "combines something else"),
    "unrounded sum": (
        lambda net, x: net.module(
            "j", ["return torch.add(argument_1, argument_2)"], net.dequantise("1", x), net.dequantise("2", x)
        ),
        "before it is rounded",
    ),
    "two convolutions": (
        lambda net, x: net.join("j", "add", net.conv("1", x, 4, 4), net.conv("2", x, 4, 4)),
        "not quantised",
    ),
    "flag": (
        lambda net, x: net.module(
            "d", [f"return {QTOOLS}dequantize(argument_1, {net.constant([0.1])}, {net.constant([3])}, False)"], x
        ),
        "argument 3 other than True",
    ),
    "batch axis": (lambda net, x: net.dequantise("d", net.concat("k", x, x, axis=0)), "along an axis"),
    "scales": (
        lambda net, x: net.dequantise("d", net.concat("k", x, net.quantise("z", net.dequantise("y", x), 0.7, 0))),
        "different scales",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNKNOWN)
def test_what_is_not_known_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    make, message = UNKNOWN[kind]
    net = Network()
    x = net.quantise("x_qre", "input_1", 0.1, 3)
    y = net.quantise("y_qre", make(net, x), 0.9, -5)
    directory = net.directory(tmp_path / "net", [net.port(x, (6, 6, 4))], {y: net.port(y, (6, 6, 4))})
    with pytest.raises(IncompatibleDevice, match=rf"quantized_model\.pt: .*{message}.*axcompile"):
        import_program(directory)


OPERATORS = {
    "torch.split": ["a, b, = torch.split(argument_1, [2, 2], 1)", "return a"],
    "torch.chunk": ["a, b, = torch.chunk(argument_1, 2, 1)", "return a"],
    "torch.slice": ["return torch.slice(argument_1, 1, 0, 9223372036854775807, 1)"],
    "torch.upsample_nearest2d": ["return torch.upsample_nearest2d(argument_1, None, [2., 2.])"],
    "torch.upsample_bilinear2d": ["return torch.upsample_bilinear2d(argument_1, [12, 12], False, None)"],
    "torch.softmax": ["return torch.softmax(argument_1, 1, None)"],
    "torch.silu": ["return torch.silu(argument_1)"],
    "torch.hardswish": ["return torch.hardswish(argument_1)"],
    "torch.leaky_relu": ["return torch.leaky_relu(argument_1, 0.10000000000000001)"],
    "torch.relu": ["return torch.relu(argument_1)"],
    "torch.hardtanh": ["return torch.hardtanh(argument_1, 0., 6.)"],
    "torch.flatten": ["return torch.flatten(argument_1, 1)"],
    "torch.view": ["return torch.view(argument_1, [1, -1])"],
    "torch.permute": ["return torch.permute(argument_1, [0, 2, 3, 1])"],
    "torch.matmul": ["return torch.matmul(argument_1, argument_1)"],
    "torch.linear": ["return torch.linear(argument_1, argument_1, None)"],
    "torch.conv_transpose2d": ["return torch.conv_transpose2d(argument_1, argument_1, None, [2, 2])"],
    "torch.adaptive_avg_pool2d": ["return torch.adaptive_avg_pool2d(argument_1, [1, 1])"],
    "torch.mean": ["return torch.mean(argument_1, [2, 3], True)"],
    "torch.pixel_shuffle": ["return torch.pixel_shuffle(argument_1, 2)"],
    f"{QTOOLS}lookup": [f"return {QTOOLS}lookup(argument_1, argument_1)"],
}
"""What residual, mobile and detecting networks do beside convolutions, as PyTorch writes it; how the vendor does is not known."""


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_of_other_networks_are_refused_by_name_with_what_to_do(tmp_path: Path, name: str) -> None:
    net = Network()
    x = net.quantise("x_qre", "input_1", 0.1, 3)
    y = net.quantise("y_qre", net.module("m", OPERATORS[name], x), 0.9, -5)
    directory = net.directory(tmp_path / "net", [net.port(x, (6, 6, 4))], {y: net.port(y, (6, 6, 4))})
    with pytest.raises(IncompatibleDevice, match=rf"module 'm'.*{name}|{name} \(in module 'm'.*") as refused:
        import_program(directory)
    assert str(refused.value).endswith("; compile the network's ONNX file here instead (axcompile)")


@pytest.mark.parametrize(
    "body",
    [
        ["if bool(argument_1):", "  x = argument_1", "return argument_1"],
        ["for i in range(3):", "  x = argument_1", "return x"],
        ["return argument_1 + argument_1"],
        ["x = [argument_1, argument_1]", "return x[0]"],
        ["return argument_1.relu()"],
        ["return torch.cat(annotate(List[Tensor], [argument_1, argument_1]), 1)"],
        ["return torch.clone(argument_1, memory_format=0)"],
        ["return torch.view(argument_1, [1, int(ops.prim.NumToTensor(torch.size(argument_1, 2)))])"],
    ],
    ids=["condition", "loop", "operator", "subscript", "method", "annotation", "keyword", "size"],
)
def test_text_of_another_form_is_refused_with_its_line_and_what_to_do(
    tmp_path: Path, body: list[str]
) -> None:
    net = Network()
    x = net.quantise("x_qre", "input_1", 0.1, 3)
    y = net.quantise("y_qre", net.module("m", body, x), 0.9, -5)
    directory = net.directory(tmp_path / "net", [net.port(x, (6, 6, 4))], {y: net.port(y, (6, 6, 4))})
    with pytest.raises(
        IncompatibleDevice, match=r"line \d+.*; compile the network's ONNX file here instead \(axcompile\)$"
    ):
        import_program(directory)


def test_all_unknown_operators_are_named_at_once(tmp_path: Path) -> None:
    net = Network()
    x = net.quantise("x_qre", "input_1", 0.1, 3)
    y = net.module("s", ["a = torch.sigmoid(argument_1)", "return torch.tanh(a)"], x)
    net.quantisation[y] = net.quantisation[x]
    directory = net.directory(tmp_path / "net", [net.port(x, (6, 6, 4))], {y: net.port(x, (6, 6, 4))})
    with pytest.raises(IncompatibleDevice, match=r"torch\.sigmoid .*torch\.tanh"):
        import_program(directory)


def test_a_wide_border_without_room_in_the_buffer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IncompatibleDevice, match=r"'c/Conv': a border of -130, which no int8 holds"):
        import_program(one_conv(tmp_path / "net", zero=-130))


@pytest.mark.parametrize("outputs", [0, 2])
def test_another_number_of_outputs_is_refused(tmp_path: Path, outputs: int) -> None:
    directory = one_conv(tmp_path / "net")
    model, manifest = (json.loads((directory / name).read_text()) for name in ("model.json", "manifest.json"))
    if not outputs:
        net = Network()
        write_archive(directory / "quantized_model.pt", net.members("(input_1, input_1)"))
    else:
        model["outputs"].append(model["outputs"][0] | {"name": "again"})
        manifest["dequantize_params"] *= 2
        manifest["n_padded_ch_outputs"] *= 2
    (directory / "model.json").write_text(json.dumps(model))
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(IncompatibleDevice, match=r"model\.json has \d (in|out)puts"):
        import_program(directory)


def test_a_directory_without_the_file_says_which_is_missing(whole: Path) -> None:
    (whole / "quantized_model.pt").unlink()
    with pytest.raises(IncompatibleDevice, match=r"has no quantized_model\.pt; copy the file there"):
        import_program(whole)


def test_a_link_to_a_file_outside_is_refused(whole: Path, tmp_path: Path) -> None:
    (whole / "quantized_model.pt").rename(tmp_path / "elsewhere.pt")
    (whole / "quantized_model.pt").symlink_to(tmp_path / "elsewhere.pt")
    with pytest.raises(InvalidArgument, match="link to a file outside"):
        import_program(whole)


def test_an_import_is_a_copy_with_our_files_beside(whole: Path, tmp_path: Path) -> None:
    (whole / "more").mkdir()
    (whole / "more" / "notes.txt").write_text("x")
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    program = write_import(whole, tmp_path / "out")
    for path, content in before.items():
        assert path.read_bytes() == content
        assert (tmp_path / "out" / path.relative_to(whole)).read_bytes() == content
    found = read_program(tmp_path / "out")
    assert found.core == program.core
    assert found.nodes == program.nodes
    assert load_compiled_model(tmp_path / "out").inputs == load_compiled_model(whole).inputs
    assert {path.name for path in (tmp_path / "out").iterdir()} - {path.name for path in whole.iterdir()} == {
        "program.json",
        "program.bin",
    }


def test_an_import_again_replaces_the_first_and_gives_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    write_import(whole, tmp_path / "out")
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    write_import(whole, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == first


def test_an_import_never_replaces_what_it_did_not_write(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("x")
    with pytest.raises(ConfigurationError, match=r"thesis\.txt"):
        write_import(whole, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_an_import_into_the_directory_itself_is_refused(whole: Path) -> None:
    with pytest.raises(ConfigurationError, match="lies inside"):
        write_import(whole, whole / "imported")


def test_a_refused_import_leaves_nothing(whole: Path, tmp_path: Path) -> None:
    (whole / "quantized_model.pt").write_bytes(b"PK")
    with pytest.raises(InvalidArgument):
        write_import(whole, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["whole"]


@pytest.mark.parametrize("kind", ["link", "pipe", "linked directory"])
def test_what_is_no_regular_file_is_not_copied(whole: Path, tmp_path: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(whole / "other")
    else:
        (whole / "other").symlink_to("/etc/hostname" if kind == "link" else "/etc")
    with pytest.raises(InvalidArgument, match=r"other: is a link or no regular file"):
        write_import(whole, tmp_path / "out")
