"""How values flow, after the vendor's page on combinators (release 1.7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axelera.runtime import InvalidArgument, op
from axelera.runtime.op import BBox, DetectedObject


def join(*values: Any) -> str:
    return "+".join(map(str, values))


def test_a_result_is_the_single_argument_of_the_next() -> None:
    pipeline = op.seq(lambda a, b: a + b, lambda total: total * 2)
    assert pipeline(1, 2) == 6


@pytest.mark.parametrize("combinator", ["seq", "par", "for_each"])
def test_a_combinator_holds_at_least_one_operator(combinator: str) -> None:
    with pytest.raises(InvalidArgument, match=f"{combinator}: give at least one operator"):
        getattr(op, combinator)()


@pytest.mark.parametrize("value", [(1, 2), [1, 2]])
def test_a_tuple_or_list_is_one_argument(value: Any) -> None:
    assert op.seq(lambda: value, join)() == str(value)


def test_unpack_spreads_and_pack_collects() -> None:
    assert op.seq(lambda: (1, 2), op.unpack(), join)() == "1+2"
    assert op.seq(lambda: [1, 2], op.unpack, op.pack)() == (1, 2)
    assert op.unpack()(7) == 7


def test_branches_get_the_same_arguments_and_their_results_spread() -> None:
    assert op.seq(op.par(lambda a, b: a + b, lambda a, b: a * b), join)(3, 4) == "7+12"


def test_a_last_par_hands_over_what_two_names_can_be_unpacked_from() -> None:
    first, second = op.seq(op.par(op.identity, lambda value: -value))(5)
    assert (first, second) == (5, -5)


def test_named_branches_make_a_named_tuple_that_is_one_argument() -> None:
    branches = op.par(op.seq(op.identity, name="same"), op.seq(np.negative, name="other"))
    result = op.seq(branches, op.identity)(2)
    assert (result.same, result.other) == (2, -2)


def test_two_branches_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="same name"):
        op.par(op.seq(abs, name="x"), op.seq(abs, name="x"))


def test_nested_pipelines_spread_what_they_end_with() -> None:
    assert op.seq(op.seq(op.par(op.identity, op.identity)), join)(1) == "1+1"


def test_itemgetter_takes_elements_and_slices() -> None:
    assert op.itemgetter(1)((1, 2, 3)) == 2
    assert op.itemgetter(index=slice(1, None))([1, 2, 3]) == [2, 3]
    with pytest.raises(IndexError, match="there are 2 elements"):
        op.itemgetter(5)((1, 2))


def test_constant_ignores_what_comes_in() -> None:
    assert op.seq(op.constant(7))(1, 2) == 7
    assert op.seq(op.constant(value=7))(1, 2) == 7
    assert op.constant(1, 2, value=7) == 7  # the documented signature: a function of anything
    with pytest.raises(TypeError, match="give one"):
        op.constant()


def test_identity_may_be_called_before_or_not() -> None:
    for branch in (op.identity, op.identity(), op.Identity):
        assert op.par(branch, abs)(-3) == (-3, 3)
    assert op.identity(5) == 5


def test_observers_see_what_goes_through(tmp_path: Path) -> None:
    seen: list[Any] = []
    pipeline = op.seq(op.par(abs, str), op.observer(lambda *values: seen.append(values)), op.pack())
    assert pipeline(-3) == (3, "-3")
    assert seen == [(3, "-3")]
    dumped = op.seq(op.dumper(tmp_path / "all"), np.negative)
    for number in range(2):
        np.testing.assert_array_equal(dumped(np.full(3, number)), np.full(3, -number))
    pair = op.dumper(tmp_path / "pairs")
    assert pair(np.zeros(1), np.ones(1)) == (0, 1)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.npy")) == [
        "all/000000.npy", "all/000001.npy", "pairs/000000_0.npy", "pairs/000000_1.npy",
    ]  # fmt: skip
    np.testing.assert_array_equal(np.load(tmp_path / "all" / "000001.npy"), np.ones(3))
    with pytest.raises(TypeError, match="Dumper: takes an array, not a str"):
        dumped("text")


def test_for_each_returns_the_list_and_the_results() -> None:
    result = op.for_each("squares", lambda value: value * value)([1, 2, 3])
    assert (result.input, result.squares) == ([1, 2, 3], [1, 4, 9])
    named = op.for_each(abs, abs, iter="numbers", name="sizes")([-1])
    assert (named.numbers, named.sizes) == ([-1], [1])
    assert tuple(op.for_each(abs)([])) == ([], [])


def test_the_list_is_called_what_the_operator_before_is_called() -> None:
    """The page on combinators: the first field has the name of `iter`, or of the previous operator."""
    pipeline = op.seq(op.seq(list, name="letters"), op.for_each("upper", str.upper))
    result = pipeline("ab")
    assert result._fields == ("letters", "upper")
    assert result.letters == result.input == ["a", "b"]
    said = op.seq(op.seq(list, name="letters"), op.for_each("upper", str.upper, iter="input"))("ab")
    assert said._fields == ("input", "upper")


def test_for_each_takes_one_list() -> None:
    with pytest.raises(TypeError, match="takes one list, not int"):
        op.for_each(abs)(3)


def test_boxes_within_an_object_know_where_they_are_in_the_frame() -> None:
    """Composed: parent.x0 + child.x0 · parent.width, and so on, over any depth."""
    rows = np.array([[0.5, 0.5, 1, 1, 0.9, 0]])
    inner = op.seq(op.constant(rows), op.ax_detection())
    pipeline = op.for_each(inner, op.for_each(inner))
    outer = [DetectedObject(0, 0, BBox(0.2, 0.4, 0.6, 0.8), 1.0)]
    with op.frame_context(np.zeros((100, 200, 3), np.uint8)):
        ((middle_list, ((deepest,),)),) = [(one.input, one.output) for one in pipeline(outer).output]
    (middle,) = middle_list
    assert middle.bbox == BBox(0.5, 0.5, 1, 1)
    assert middle.bbox.frame_pixels(200, 100) == (80, 60, 120, 80)
    assert deepest.bbox.frame_pixels(200, 100) == (100, 70, 120, 80)
    assert "_frame" not in repr(middle.bbox)


def test_boxes_within_a_row_that_was_cut_out_know_where_they_are_in_the_frame() -> None:
    rows = np.array([[0.5, 0.5, 1, 1, 0.9, 0]])
    inner = op.seq(op.constant(rows), op.ax_detection())
    pipeline = op.for_each(op.crop_roi(indices=(0, 1, 2, 3)), inner)
    with op.frame_context(np.zeros((100, 200, 3), np.uint8)) as frame:
        result = pipeline([np.array([40.0, 40, 120, 80])])
        assert frame.parent is None
    ((found,),) = result.output
    assert found.bbox.frame_pixels(200, 100) == (80, 60, 120, 80)


def test_boxes_within_a_turned_object_of_a_region_lie_in_that_region() -> None:
    outer = [DetectedObject(0, 0, BBox(0.5, 0.5, 1.0, 1.0), 1.0)]
    turned = op.seq(op.constant(np.array([[0.5, 0.5, 0.5, 0.5, 0.9, 0, 0]])), op.ax_obb())
    inner = op.seq(op.constant(np.array([[0.0, 0, 1, 1, 0.9, 0]])), op.ax_detection())
    with op.frame_context(np.zeros((100, 200, 3), np.uint8)):
        ((_, ((found,),)),) = op.for_each(turned, op.for_each(inner))(outer).output
    assert found.bbox.frame_pixels(200, 100) == (125, 62, 175, 88)


def test_parameters_are_attributes_that_change_the_next_call() -> None:
    pipeline = op.seq(op.decode_detections("yolov8", 1), op.nms())
    head = np.array([[[5.0], [5], [4], [4], [0.5]]], np.float32)
    assert len(pipeline(head)) == 1
    pipeline.node(cls=op.decode_detections).confidence_threshold = 0.6
    assert len(pipeline(head)) == 0


def test_an_optimized_pipeline_is_another_object() -> None:
    pipeline = op.seq(op.center_crop(2), op.to_tensor())
    copy = pipeline.optimized()
    copy.node(op.center_crop).size = 1
    image = np.zeros((4, 4, 3), np.uint8)
    assert pipeline(image).shape == (3, 2, 2)
    assert copy(image).shape == (3, 1, 1)
    with pytest.raises(ValueError, match="choose one of auto, none"):
        pipeline.optimized("fast")


def test_a_node_that_is_not_there_once_is_not_returned() -> None:
    with pytest.raises(LookupError, match="0 operators Nms"):
        op.seq(abs).node(op.nms)
    with pytest.raises(LookupError, match="2 operators Nms"):
        op.seq(op.nms(), op.nms()).node(op.nms)


def test_an_operator_of_ones_own_has_its_annotations_as_parameters() -> None:
    class Scale(op.Operator):
        factor: float
        shift: float = 0.0

        def __call__(self, value: float) -> float:
            return value * self.factor + self.shift

    assert op.seq(Scale(2.0, shift=1.0))(3) == 7
    op.OperatorRegistry.register("scale", Scale)
    assert op.OperatorRegistry.get("scale") is Scale


def test_tensors_of_pytorch_become_arrays() -> None:
    class Tensor:
        def detach(self) -> Tensor:
            return self

        def cpu(self) -> Tensor:
            return self

        def numpy(self) -> np.ndarray:
            return np.ones((2, 2))

    Tensor.__module__ = "torch"
    np.testing.assert_array_equal(op.softmax()(Tensor()), np.full((2, 2), 0.5))


def test_what_cannot_be_called_is_no_operator() -> None:
    with pytest.raises(InvalidArgument, match="a int is no operator"):
        op.seq(3)
    with pytest.raises(InvalidArgument, match="at least one"):
        op.seq()
