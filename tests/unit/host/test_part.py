"""The host's part of a compiled model: the recipes in their order, preamble before, postamble after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from axelera.runtime import Context, TensorInfo
from axemu.driver import InvalidArgument
from axemu.host import HostPart, depad, dequantise, model_info, pad, quantise

MakeModel = Callable[..., Path]
IMAGE = TensorInfo(
    (1, 6, 8, 4), name="image", padding=[(0, 0), (1, 1), (1, 3), (0, 1)], scale=0.5, zero_point=-130
)
SCORES = TensorInfo(
    (1, 1, 1, 64), name="scores", padding=[(0, 0), (0, 0), (0, 0), (0, 54)], scale=0.25, zero_point=7
)


@dataclass(frozen=True)
class Model:
    """A model as any runtime may describe it."""

    taken: list[TensorInfo] = field(default_factory=lambda: [IMAGE])
    given: list[TensorInfo] = field(default_factory=lambda: [SCORES])
    preamble_graph: str = ""
    postamble_graph: str = ""

    def inputs(self) -> list[TensorInfo]:
        return self.taken

    def outputs(self) -> list[TensorInfo]:
        return self.given


class Echo:
    """An instance that puts the first bytes of the inputs into the outputs."""

    def run(self, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
        for taken, given in zip(inputs, outputs, strict=True):
            given.reshape(-1)[:] = taken.reshape(-1)[: given.size]


def write_graph(path: Path, operator: str, shapes: list[list[object]], **attributes: object) -> str:
    """Write a graph of one operator; `shapes` are those of its input and output."""
    taken, given = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip("xy", shapes, strict=True)
    )
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"], **attributes)], "g", [taken], [given])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path.name


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(4).normal(0, 20, (4, 3, 4, 4)).astype(np.float32)


def test_without_graphs_the_recipes_are_all_there_is(images: np.ndarray) -> None:
    part = HostPart(Model())
    (buffer,) = part.inputs(images[:1])
    assert np.array_equal(buffer, pad(quantise(images[:1].transpose(0, 2, 3, 1), IMAGE), IMAGE))
    codes = np.random.default_rng(5).integers(-128, 128, SCORES.shape, np.int8)
    (result,) = part.results([codes])
    assert result.shape == (1, 10, 1, 1)
    assert np.array_equal(result.reshape(-1), dequantise(depad(codes, SCORES), SCORES).reshape(-1))
    assert (part.batch, part.input_shapes) == (1, [(1, 3, 4, 4)])
    assert not part.has_preamble
    assert not part.has_postamble


def test_one_frame_may_come_without_its_batch_axis(images: np.ndarray) -> None:
    part = HostPart(Model())
    assert np.array_equal(part.inputs(images[0])[0], part.inputs(images[:1])[0])


def test_buffers_for_outputs_fit_the_board() -> None:
    (buffer,) = HostPart(Model()).outputs()
    assert (buffer.shape, buffer.dtype, buffer.flags.c_contiguous) == (SCORES.shape, np.int8, True)


def test_a_run_is_inputs_call_results(images: np.ndarray) -> None:
    part = HostPart(Model())
    (result,) = part.run(Echo(), images[:1])
    (buffer,) = part.inputs(images[:1])
    assert np.array_equal(result, part.results([buffer.reshape(-1)[: SCORES.size]])[0])


def test_a_flat_copy_of_an_input_holds_the_same_bytes(images: np.ndarray) -> None:
    flat = TensorInfo((IMAGE.size,), name="image_1")
    first, second = HostPart(Model(taken=[IMAGE, flat])).inputs(images[:1])
    assert second.shape == flat.shape
    assert first.tobytes() == second.tobytes()


def test_the_preamble_takes_what_the_network_takes(tmp_path: Path, images: np.ndarray) -> None:
    """A space-to-depth in front, as the vendor's compiler leaves it to the host."""
    board = TensorInfo((1, 2, 2, 12), name="blocks", scale=0.5)
    name = write_graph(tmp_path / "pre.onnx", "SpaceToDepth", [[1, 3, 4, 4], [1, 12, 2, 2]], blocksize=2)
    part = HostPart(Model(taken=[board], preamble_graph=name), tmp_path)
    assert part.has_preamble
    assert part.input_shapes == [(1, 3, 4, 4)]
    blocks = images[:1].reshape(1, 3, 2, 2, 2, 2).transpose(0, 3, 5, 1, 2, 4).reshape(1, 12, 2, 2)
    assert np.array_equal(part.inputs(images[:1])[0], quantise(blocks.transpose(0, 2, 3, 1), board))


def test_the_postamble_gives_what_the_network_gives(tmp_path: Path) -> None:
    name = write_graph(tmp_path / "post.onnx", "Softmax", [[1, 10], [1, 10]], axis=1)
    part = HostPart(Model(postamble_graph=name), tmp_path / "model.json")
    codes = np.random.default_rng(5).integers(-128, 128, SCORES.shape, np.int8)
    real = dequantise(depad(codes, SCORES), SCORES).reshape(1, 10).astype(np.float64)
    expected = np.exp(real) / np.exp(real).sum()
    (result,) = part.results([codes])
    assert result == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("first", [1, 4, "frames"])
def test_graphs_for_one_frame_serve_a_batch(tmp_path: Path, images: np.ndarray, first: object) -> None:
    info = TensorInfo((4, 4, 4, 3), name="image", scale=0.5)
    name = write_graph(tmp_path / "graph.onnx", "Abs", [[first, 3, 4, 4], [first, 3, 4, 4]])
    part = HostPart(Model([info], [info], preamble_graph=name, postamble_graph=name), tmp_path)
    assert part.batch == 4
    assert part.input_shapes == [(4, 3, 4, 4)]
    (buffer,) = part.inputs(images)
    assert np.array_equal(buffer, quantise(np.abs(images).transpose(0, 2, 3, 1), info))
    (result,) = part.results([-buffer])
    assert result.shape == (4, 3, 4, 4)
    assert np.array_equal(result.transpose(0, 2, 3, 1), np.abs(dequantise(-buffer, info)))


def test_the_runtimes_own_models_say_where_their_graphs_lie(make_model: MakeModel, own_boards: None) -> None:
    path = make_model()
    with Context() as context:
        model = context.load_model(path)
        part = HostPart(model)
        image = np.full((1, 64, 4, 4), 3.0, np.float32)
        (result,) = part.run(context.device_connect().load_model_instance(model), image)
    assert model.__class__.__module__ == "axelera.runtime"
    assert np.array_equal(result, 2 * image)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda part, image: part.inputs(image, image), r"takes 1 inputs \[\(1, 3, 4, 4\)\], 2 given"),
        (
            lambda part, image: part.inputs(image[:, :2]),
            r"input 0 .*shape \(1, 2, 4, 4\), expected \(1, 3, 4, 4\)",
        ),
        (lambda part, image: part.inputs(image.transpose(0, 2, 3, 1)), r"shape \(1, 4, 4, 3\), expected"),
        (lambda part, _: part.results([]), "1 outputs, 0 buffers given"),
        (
            lambda part, _: part.results([np.zeros(9, np.int8)]),
            "tensor 'scores': a buffer of 9 elements, expected 64",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(
    images: np.ndarray, use: Callable[[HostPart, np.ndarray], object], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        use(HostPart(Model()), images[:1])


def test_graphs_that_cannot_be_found_or_run_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="give the path it was loaded from"):
        HostPart(Model(postamble_graph="post.onnx"))
    with pytest.raises(InvalidArgument, match=r"postamble .*post.onnx: ONNX Runtime cannot load it"):
        HostPart(Model(postamble_graph="post.onnx"), tmp_path)
    name = write_graph(tmp_path / "post.onnx", "Softmax", [[1, 9], [1, 9]])
    part = HostPart(Model(postamble_graph=name), tmp_path)
    with pytest.raises(
        InvalidArgument, match=r"values of shape \(1, 10, 1, 1\) for input 'x' of shape \(1, 9\)"
    ):
        part.results(part.outputs())


def test_model_info_lies_above_the_builds(tmp_path: Path) -> None:
    build = tmp_path / "net" / "1"
    build.mkdir(parents=True)
    assert model_info(build) == {}
    (build.parent / "model_info.json").write_text('{"labels": ["cat"]}', encoding="utf-8")
    assert model_info(build / "model.json") == model_info(build) == {"labels": ["cat"]}
