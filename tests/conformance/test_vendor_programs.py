"""Programs of the vendor's compiler, translated, give the integers of their own text, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests._sizes import sample
from tests._vendor.networks import Built, Network, everything, frame, neck, residual, separable
from tests._vendor.reference import Reference

from axelera.compiler.importing import import_program
from axelera.compiler.planning.passes import compile_passes
from axemu.emulator.compute import load
from axemu.model.ops import execute, execute_taps
from axemu.model.passes import totals_of
from axemu.model.program import Program

Int8 = npt.NDArray[np.int8]

EVERYTHING = {
    "a_qre": "a/Conv:0",
    "b_qre": "b/Conv:0",
    "c_qre": "Add:0",
    "pool_qre": "pool/AveragePool:0",
    "d_qre": "Sub:0",
    "e_qre": "e/Conv:0",
    "Concat": "Concat:0",
    "MaxPool": "MaxPool:0",
    "f_qre": "f_qre:0",
    "y_qre": "y/Conv:0",
}
"""For each part of `everything` that makes integers, the tensor they are in."""

POINTNET = {
    "model_select_xyz_for_sub_conv_to_model_select_xyz_for_sub_conv_branching_point_qre": "model/select_xyz_for_sub/Conv:0",
    "model_centroid_pool_average_pool_to_model_centroid_pool_average_pool_branching_point_qre": "model/centroid_pool/AveragePool:0",
    "model_sub_to_model_concat_qre": "model/Sub:0",
    "model_select_reflectance_conv_to_model_concat_qre": "model/select_reflectance/Conv:0",
    "model/Concat": "model/Concat:0",
    "model_point_mlp_point_mlp_dot_2_relu_to_model_point_mlp_point_mlp_dot_3_conv_qre": "model/point_mlp/point_mlp_DOT_0/Conv:0",
    "model_point_mlp_point_mlp_dot_5_relu_to_model_point_mlp_point_mlp_dot_6_conv_qre": "model/point_mlp/point_mlp_DOT_3/Conv:0",
    "model_point_mlp_point_mlp_dot_8_relu_to_model_global_pool_max_pool_qre": "model/point_mlp/point_mlp_DOT_6/Conv:0",
    "model/global_pool/MaxPool": "model/global_pool/MaxPool:0",
    "model_head_head_dot_1_relu_to_model_head_head_dot_2_conv_qre": "model/head/head_DOT_0/Conv:0",
    "model_head_head_dot_3_relu_to_model_head_head_dot_4_conv_qre": "model/head/head_DOT_2/Conv:0",
    "model_pad_centroid_to_head_conv_to_model_add_qre": "model/pad_centroid_to_head/Conv:0",
    "model_add_to_output_qre": "model/Add:0",
}


def hwc(tap: npt.NDArray[np.float32]) -> Int8:
    """Return (1, C, H, W) as int8 (H, W, C)."""
    return tap[0].transpose(1, 2, 0).astype(np.int8)


def differing(values: Mapping[str, Int8], reference: Reference, layers: Mapping[str, str]) -> dict[str, int]:
    """Count the integers of each layer that are not those of the reference."""
    counts = {part: int((values[name] != hwc(reference.taps[part])).sum()) for part, name in layers.items()}
    return {part: count for part, count in counts.items() if count}


@pytest.mark.parametrize("seed", range(sample(6, 100)))
def test_every_layer_of_a_written_program_has_the_integers_of_its_text(tmp_path: Path, seed: int) -> None:
    net, x, y = everything(seed)
    buffers = [net.port(x, (8, 8, 3), (8, 16, 4))]
    directory = net.directory(tmp_path / "net", buffers, {y: net.port(y, (1, 1, 10), (1, 1, 64))})
    program, reference = import_program(directory), Reference(directory / "quantized_model.pt")
    reference.run(frame(net, x, (8, 8, 3), seed))
    buffer = np.full((8, 16, 4), -7, np.int8)
    buffer[:, :8, :3] = hwc(reference.taps["input_qre"])
    values = execute_taps(program, {program.inputs[0]: buffer})
    assert differing(values, reference, EVERYTHING) == {}
    out = values[program.outputs[0]]
    np.testing.assert_array_equal(out[0, 0, :10], values["y/Conv:0"].ravel())
    assert not out[0, 0, 10:].any()


@pytest.mark.parametrize("seed", range(sample(3, 50)))
@pytest.mark.parametrize("build", [residual, separable, neck], ids=lambda build: build.__name__)
def test_networks_of_known_layers_have_the_integers_of_their_text(
    tmp_path: Path, build: Callable[[int], Built], seed: int
) -> None:
    net, x, shape, outputs = build(seed)
    ports = {value: net.port(value, size) for value, size in outputs.items()}
    directory = net.directory(tmp_path / "net", [net.port(x, shape)], ports)
    program, reference = import_program(directory), Reference(directory / "quantized_model.pt")
    reference.run(frame(net, x, shape, seed))
    values = execute_taps(program, {program.inputs[0]: hwc(reference.taps["x_qre"])})
    assert len(net.layers) >= 8
    assert differing(values, reference, net.layers) == {}
    assert all(len(np.unique(values[name])) > 1 for name in net.layers.values())
    runner = load(program, "metis", taps=tuple(net.layers.values())).instance()
    runner.run(
        [hwc(reference.taps["x_qre"]).ravel()],
        [np.empty(np.prod(size), np.int8) for size in outputs.values()],
    )
    assert (
        differing({name: runner.taps[name][0] for name in net.layers.values()}, reference, net.layers) == {}
    )


@pytest.fixture(scope="module")
def pointnet(material: Path) -> Path:
    """A directory that the vendor's compiler made, with recorded frames."""
    directory = material / "vendor" / "pointnet_lite"
    if not directory.is_dir():
        pytest.skip(f"no {directory}")
    return directory


def recorded(pointnet: Path) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the frames; the network takes 255 of their 256 points."""
    for path in sorted((pointnet / "samples").glob("*.npy")):
        yield np.load(path)[None, :, :255]


@pytest.mark.material
@pytest.mark.parametrize("divides", [True, False], ids=["x / s", "x * (1 / s)"])
@pytest.mark.parametrize("path", ["auto", "reference"])
def test_every_layer_of_a_real_program_has_the_integers_of_the_vendors_reference(
    pointnet: Path, path: str, divides: bool
) -> None:
    program = import_program(pointnet)
    reference = Reference(pointnet / "quantized_model.pt", divides=divides)
    runner = load(program, "metis", path, taps=tuple(POINTNET.values())).instance()
    frames = list(recorded(pointnet))
    assert len(frames) == 50
    compared = 0
    for real in frames[:: 1 if path == "auto" else 10]:
        reference.run(real)
        buffer = np.full((255, 16, 4), -69, np.int8)
        buffer[:, :1] = hwc(reference.taps["input_1_branching_point_to_model_select_xyz_for_sub_conv_qre"])
        runner.run([buffer.ravel()] * 2, [np.empty(64, np.int8)])
        taps = {name: runner.taps[name][0] for name in POINTNET.values()}
        assert differing(taps, reference, POINTNET) == {}
        compared += sum(value.size for value in taps.values())
    assert compared == len(frames[:: 1 if path == "auto" else 10]) * 60_168


def test_whether_quantisers_divide_shows_in_one_value_of_ten_thousand_at_most(tmp_path: Path) -> None:
    net, x, y = everything()
    directory = net.directory(tmp_path / "net", [net.port(x, (8, 8, 3))], {y: net.port(y, (1, 1, 10))})
    divided, multiplied = (
        Reference(directory / "quantized_model.pt", divides=which) for which in (True, False)
    )
    count = total = 0
    for seed in range(sample(60, 600)):
        for reference in (divided, multiplied):
            reference.run(frame(net, x, (8, 8, 3), seed))
        apart = np.abs(divided.taps["a_qre"] - multiplied.taps["a_qre"])
        assert apart.max() <= 1
        count, total = count + int(apart.sum()), total + apart.size
    assert 0 < count <= total / 5000


@pytest.mark.material
def test_rounded_scales_would_show_in_the_difference_of_a_real_program(pointnet: Path) -> None:
    program, reference = import_program(pointnet), Reference(pointnet / "quantized_model.pt")
    rounded = _with_rounded_scales(program)
    count = 0
    for real in recorded(pointnet):
        reference.run(real)
        buffer = np.full((255, 16, 4), -69, np.int8)
        buffer[:, :1] = hwc(reference.taps["input_1_branching_point_to_model_select_xyz_for_sub_conv_qre"])
        values = execute(rounded, dict.fromkeys(rounded.inputs, buffer))["model/Sub:0"].astype(int)
        apart = np.abs(values - hwc(reference.taps["model_sub_to_model_concat_qre"]))
        assert apart.max() <= 1
        count += int(apart.sum())
    assert count == 163


def _with_rounded_scales(program: Program) -> Program:
    """Return what leads to the difference, with its scales rounded to 11 bits."""
    end = next(index for index, node in enumerate(program.nodes) if node.name == "model/Sub")
    nodes = (*program.nodes[:end], replace(program.nodes[end], attributes={}))
    kept = {*program.inputs, *(node.output for node in nodes)}
    tensors = {name: tensor for name, tensor in program.tensors.items() if name in kept}
    return replace(program, nodes=nodes, tensors=tensors, outputs=("model/Sub:0",), core=None)


@pytest.mark.material
def test_the_passes_of_a_real_program_are_those_the_vendor_wrote(pointnet: Path) -> None:
    totals = totals_of(compile_passes(import_program(pointnet)))
    assert (totals.passes, totals.tasks) == (15, 172)
    assert totals.routes["l2_const>l1"][0] == (pointnet / "pool_l2_const.bin").stat().st_size


def test_a_first_convolution_reads_its_border_from_the_buffer(tmp_path: Path) -> None:
    net = Network(3)
    x = net.quantise("x_qre", "input_1", 1 / 255, -130)
    y = net.quantise("y_qre", net.conv("c/Conv", x, 3, 64, (3, 3), (2, 2), (1, 1, 1, 1)), 0.5, 0)
    port = net.port(x, (8, 8, 3), (10, 16, 4), padding=[(0, 0), (1, 1), (1, 7), (0, 1)])
    directory = net.directory(tmp_path / "net", [port], {y: net.port(y, (4, 4, 64))})
    program = import_program(directory)
    assert [node.attributes.get("pads") for node in program.nodes if node.op == "conv"] == [(0, 0, 0, 0)]
    buffer = np.random.default_rng(1).integers(-128, 128, (10, 16, 4)).astype(np.int8)
    moved = Network(3)
    z = moved.quantise("x_qre", "input_1", 1 / 255, -130)
    w = moved.quantise("y_qre", moved.conv("c/Conv", z, 3, 64, (3, 3), (2, 2)), 0.5, 0)
    other = moved.directory(
        tmp_path / "moved", [moved.port(z, (10, 10, 3), (10, 16, 4))], {w: moved.port(w, (4, 4, 64))}
    )
    (found,) = execute(program, {program.inputs[0]: buffer}).values()
    (wanted,) = execute(import_program(other), {program.inputs[0]: buffer}).values()
    np.testing.assert_array_equal(found, wanted)
