"""Decoding, suppression, masks, ranking and result types, against ONNX's operators and closed forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from axelera.runtime import InvalidArgument, op
from axelera.runtime.op._nms import turned_overlap

RNG = np.random.default_rng(5)
CELLS = 40


def head(extra: int, classes: int = 3, cells: int = CELLS) -> np.ndarray:
    """A head's output with a box in each cell."""
    centres = RNG.uniform(20, 300, (2, cells))
    sizes = RNG.uniform(5, 60, (2, cells))
    return np.concatenate([centres, sizes, RNG.random((classes + extra, cells))]).astype(np.float32)[
        np.newaxis
    ]


def best_first(table: np.ndarray, scores: slice) -> np.ndarray:
    """The cells of a head with a score of 0.5 at least, the best first."""
    cells = table[0].T
    best = cells[:, scores].max(axis=1)
    return cells[best >= 0.5][np.argsort(-best[best >= 0.5], kind="stable")]


@pytest.mark.parametrize("algo", ["yolov8", "yolov9", "yolo11", "yolov11"])
@pytest.mark.parametrize("turned", [False, True])
def test_anchor_free_heads_become_corners_score_class(algo: str, turned: bool) -> None:
    table = head(0)
    rows = op.decode_detections(algo, 3, confidence_threshold=0.5)(
        table.transpose(0, 2, 1) if turned else table
    )
    expected = []
    for x, y, w, h, *scores in table[0].T:
        if max(scores) >= 0.5:
            expected.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2, max(scores), np.argmax(scores)))
    np.testing.assert_allclose(rows, sorted(expected, key=lambda row: -row[4]), rtol=1e-6)


def test_heads_with_objectness_multiply_it_in() -> None:
    table = head(1).transpose(0, 2, 1)
    rows = op.decode_detections("yolov5", 3, confidence_threshold=0.3)(table)
    scores = table[0, :, 4] * table[0, :, 5:].max(axis=1)
    np.testing.assert_allclose(rows[:, 4], sorted(scores[scores >= 0.3], reverse=True), rtol=1e-6)


def test_yolox_is_taken_off_its_grids() -> None:
    """Cell (column 2, row 1) of stride 8 in an input of 64 x 32, offset (0.25, 0.5), size e² by e."""
    cells = 8 * 4 + 4 * 2 + 2 * 1
    table = np.zeros((1, cells, 6), np.float32)
    table[0, 8 * 1 + 2] = (0.25, 0.5, 2, 1, 1, 0.9)
    with op.frame_context(np.zeros((32, 64, 3), np.uint8)) as frame:
        op.letterbox(64, 32)(frame.image)
        (row,) = op.decode_detections("yolox", 1)(table)
    w, h = 8 * np.exp(2), 8 * np.exp(1)
    np.testing.assert_allclose(row, (18 - w / 2, 12 - h / 2, 18 + w / 2, 12 + h / 2, 0.9, 0), rtol=1e-5)
    with pytest.raises(ValueError, match="42 cells"):
        op.decode_detections("yolox", 1)(table)


def test_networks_that_choose_their_boxes_are_only_filtered() -> None:
    table = RNG.random((1, 300, 6)).astype(np.float32)
    rows = op.decode_detections("yolo26", 80, confidence_threshold=0.4)(table)
    kept = table[0][table[0, :, 4] >= np.float32(0.4)]
    kept[:, 5] = np.trunc(kept[:, 5])
    np.testing.assert_array_equal(rows, kept[np.argsort(-kept[:, 4])])


def test_at_most_so_many_boxes_are_left_the_best_ones() -> None:
    table = head(0)
    everything = op.decode_detections("yolov8", 3, 0.0)(table)
    rows = op.decode_detections("yolov8", 3, 0.0, max_boxes_pre_nms=7)(table)
    np.testing.assert_array_equal(rows, everything[:7])
    assert (np.diff(everything[:, 4]) <= 0).all()


def test_poses_masks_and_turned_boxes_keep_their_columns() -> None:
    table = head(51, classes=1, cells=80)
    rows = op.decode_pose("yolov8", 17, 0.5)(table)
    kept = best_first(table, slice(4, 5))
    np.testing.assert_array_equal(rows[:, 6:], kept[:, 5:])
    table, prototypes = head(32), RNG.random((1, 32, 8, 8)).astype(np.float32)
    rows, planes = op.decode_segmentation("yolo11", 3, confidence_threshold=0.5)(table, prototypes)
    assert rows.shape[1] == 38
    np.testing.assert_array_equal(rows[:, 6:], best_first(table, slice(4, 7))[:, 7:])
    np.testing.assert_array_equal(planes, prototypes[0])
    table = head(1)
    rows = op.decode_obb(3, 0.5)(table)
    kept = best_first(table, slice(4, 7))
    np.testing.assert_allclose(rows[:, [0, 1, 2, 3, 6]], kept[:, [0, 1, 2, 3, 7]], rtol=1e-4)


def test_no_box_at_all_keeps_the_columns() -> None:
    rows = op.decode_pose("yolov8", 17, 1.0)(head(51, classes=1, cells=80))
    assert rows.shape == (0, 57)
    assert op.seq(op.nms(), op.ax_pose())(rows) == []


def test_classes_of_pixels_are_the_largest_logits() -> None:
    logits = RNG.random((1, 5, 4, 3)).astype(np.float32)
    classes = op.decode_semantic_segmentation(5)(logits)
    np.testing.assert_array_equal(classes, logits.argmax(axis=1))
    np.testing.assert_array_equal(op.ax_semantic_segmentation()(classes).class_map, classes[0])


@pytest.mark.parametrize(
    ("decode", "reason"),
    [
        (lambda: op.decode_detections("yolov8", 4)(head(0)), "no form of a YOLO head"),
        (lambda: op.decode_detections("yolov99", 3)(head(0)), "no YOLO family 'yolov99'"),
        (lambda: op.decode_pose("yolov5", 17)(head(51)), "algo 'yolov5' is unknown"),
        (lambda: op.decode_detections("yolov8", 3, 1.5)(head(0)), "confidence_threshold"),
        (lambda: op.decode_detections("yolov8", 3)(np.repeat(head(0), 2, axis=0)), "several frames"),
        (lambda: op.decode_segmentation("yolov8", 3)(head(32), np.zeros((1, 31, 4, 4))), "prototypes"),
    ],
)
def test_a_head_that_is_not_the_said_one_is_refused(decode: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode()


def kept_by_onnx(rows: np.ndarray, threshold: float) -> set[int]:
    """NonMaxSuppression of ONNX on corners, a batch of one, the class of each box its only one."""
    classes = int(rows[:, 5].max()) + 1
    scores = np.zeros((1, classes, len(rows)), np.float32)
    scores[0, rows[:, 5].astype(int), np.arange(len(rows))] = rows[:, 4]
    names = ["boxes", "scores", "most", "iou", "score"]
    node = onnx.helper.make_node("NonMaxSuppression", names, ["kept"])
    infos = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names]
    infos[2] = onnx.helper.make_tensor_value_info("most", onnx.TensorProto.INT64, None)
    out = onnx.helper.make_tensor_value_info("kept", onnx.TensorProto.INT64, None)
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", infos, [out]), opset_imports=[onnx.helper.make_opsetid("", 11)]
    )
    feed = {
        "boxes": rows[np.newaxis, :, :4], "scores": scores, "most": np.array([1000], np.int64),
        "iou": np.array([threshold], np.float32), "score": np.array([1e-6], np.float32),
    }  # fmt: skip
    (kept,) = ReferenceEvaluator(model).run(None, feed)
    return {int(index) for _, _, index in kept}


@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.1, 0.45, 0.7]))
def test_nms_keeps_what_onnx_keeps(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 50, (30, 2))
    rows = np.concatenate(
        [low, low + rng.uniform(5, 40, (30, 2)), rng.uniform(0.1, 1, (30, 1)), rng.integers(0, 3, (30, 1))],
        axis=1,
    ).astype(np.float32)
    kept = op.nms(iou_threshold=threshold)(rows)
    assert {tuple(row) for row in kept} == {tuple(rows[index]) for index in kept_by_onnx(rows, threshold)}
    assert (np.diff(kept[:, 4]) <= 0).all()
    np.testing.assert_array_equal(op.nms(threshold, max_boxes=2)(rows), kept[:2])


def test_agnostic_nms_forgets_classes() -> None:
    rows = np.array([[0, 0, 10, 10, 0.9, 0, 7], [0, 0, 10, 10, 0.8, 1, 8]])
    assert len(op.nms()(rows)) == 2
    np.testing.assert_array_equal(op.nms(class_agnostic=True)(rows), rows[:1])


@given(x=st.floats(-3, 3), y=st.floats(-3, 3), w=st.floats(1, 6), h=st.floats(1, 6), angle=st.floats(0, 3.1))
def test_turned_boxes_overlap_as_much_as_their_pixels(
    x: float, y: float, w: float, h: float, angle: float
) -> None:
    one, other = np.array([0, 0, 4, 3, 1, 0, 0.3]), np.array([x, y, w, h, 1, 0, angle])

    def covers(box: np.ndarray) -> np.ndarray:
        grid = np.stack(np.meshgrid(*[np.linspace(-8, 8, 400)] * 2), axis=-1) - box[:2]
        cosine, sine = np.cos(box[6]), np.sin(box[6])
        along = grid @ np.array([cosine, sine])
        across = grid @ np.array([-sine, cosine])
        return (np.abs(along) <= box[2] / 2) & (np.abs(across) <= box[3] / 2)

    first, second = covers(one), covers(other)
    counted = (first & second).sum() / (first | second).sum()
    assert turned_overlap(one, other) == pytest.approx(counted, abs=0.02)


def test_nms_of_turned_boxes_keeps_crossing_ones() -> None:
    rows = np.array([
        [0, 0, 10, 1, 0.9, 0, 0],
        [0, 0, 10, 1, 0.8, 0, np.pi / 2],
        [0, 0, 10, 1, 0.7, 0, 0.01],
    ])  # fmt: skip
    np.testing.assert_array_equal(op.nms(box_format="xywhr")(rows), rows[:2])


def test_a_mask_is_the_sigmoid_of_coefficients_and_prototypes_within_the_box() -> None:
    prototypes = RNG.normal(size=(32, 16, 16)).astype(np.float32)
    rows = np.zeros((1, 38), np.float32)
    rows[0, :4], rows[0, 6:] = (8, 16, 40, 64), RNG.normal(size=32)
    with op.frame_context(np.zeros((64, 64, 3), np.uint8)) as frame:
        op.letterbox(64, 64)(frame.image)
        (mask,) = op.proto_to_mask()(rows, prototypes)
    whole = np.tensordot(rows[0, 6:], prototypes, 1) > 0
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, np.where(whole[4:16, 2:10], 255, 0))


def test_the_idiom_of_segmentation_programs() -> None:
    table, prototypes = head(32, classes=2), RNG.normal(size=(1, 32, 80, 80)).astype(np.float32)
    finish = op.seq(
        op.decode_segmentation("yolov8", 2, confidence_threshold=0.5),
        op.par(op.seq(op.itemgetter(0), op.nms()), op.itemgetter(1)),
        op.par(op.seq(op.pack(), op.itemgetter(0), op.to_image_space()), op.proto_to_mask()),
        op.ax_segmentation(),
    )
    with op.frame_context(np.zeros((240, 320, 3), np.uint8)) as frame:
        op.letterbox(320, 320)(frame.image)
        objects = finish(table, prototypes)
    assert len(objects) > 3
    for index, found in enumerate(objects):
        assert (found.index, found.mask.ndim) == (index, 2)
        assert set(np.unique(found.mask)) <= {0, 255}


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.bool_])
def test_top_k_orders_integers_by_their_value(dtype: Any) -> None:
    array = np.array([-128, 0, 127] if dtype == np.int8 else [0, 1, 1]).astype(dtype)
    assert op.top_k(3)(array)[1].tolist() == ([2, 1, 0] if dtype == np.int8 else [1, 2, 0])


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=20), st.integers(1, 25))
def test_top_k_takes_the_largest(values: list[float], k: int) -> None:
    array = np.array(values)
    got, places = op.top_k(k)(array)
    assert got.tolist() == sorted(values, reverse=True)[:k]
    np.testing.assert_array_equal(array[places], got)
    assert op.top_k(k, largest=False)(array)[0].tolist() == sorted(values)[:k]


def test_classification_in_both_published_orders() -> None:
    """Demos classify and then take the best; recipes take the best, unpack them and classify."""
    logits = RNG.normal(size=(1, 1000)).astype(np.float32)
    demo = op.seq(op.softmax(), op.ax_classification(class_id_type=op.ImagenetClasses), op.top_k(5))(logits)
    recipe = op.seq(op.softmax, op.TopK(5), op.Unpack(), op.AxClassification(op.ImagenetClasses))(logits)
    assert demo == recipe
    probabilities = np.exp(logits[0].astype(np.float64))
    probabilities /= probabilities.sum()
    best = np.argsort(-probabilities)[:5]
    assert [one.class_id for one in demo] == best.tolist()
    np.testing.assert_allclose([one.score for one in demo], probabilities[best], rtol=1e-5)
    np.testing.assert_allclose(
        op.softmax()(logits.reshape(1, 1000, 1, 1)).reshape(1, -1), op.softmax()(logits)
    )


def objects() -> list[op.DetectedObject]:
    return [
        op.DetectedObject(index, index % 2, op.BBox(0, 0, size, size), score)
        for index, (size, score) in enumerate([(0.2, 0.9), (0.5, 0.3), (0.1, 0.6)])
    ]


def test_a_filter_takes_one_class_or_several() -> None:
    objects = [op.DetectedObject(index, op.CocoClasses(index)) for index in range(3)]
    for wanted in (op.CocoClasses.car, 2, [2], {op.CocoClasses.car}, (2, 5)):
        assert op.filter(class_ids=wanted)(objects) == objects[2:]


def test_filter_split_and_sort() -> None:
    found = objects()
    assert op.filter(class_ids=[0], min_score=0.7)(found) == [found[0]]
    assert op.filter(fn=lambda one: one.index > 0)(found) == found[1:]
    assert op.split(class_ids={1})(found) == ([found[1]], [found[0], found[2]])
    assert op.sort_by(by="area", top=2)(found) == [found[1], found[0]]
    assert op.sort_by("center_distance", descending=False)(found) == [found[1], found[0], found[2]]


@given(st.tuples(*[st.floats(-0.5, 1.5)] * 4), st.integers(1, 2000), st.integers(1, 2000))
def test_pixels_of_a_box_lie_in_the_region(
    box: tuple[float, float, float, float], width: int, height: int
) -> None:
    made = op.BBox(*box)
    x0, y0, x1, y1 = made.to_pixels(width, height)
    assert 0 <= x0 < width
    assert 0 <= y0 < height
    assert 0 <= x1 <= width
    assert 0 <= y1 <= height
    assert made.frame_pixels(width, height) == (x0, y0, x1, y1)
    for same in (op.BBox.from_xywh(*made.xywh()), op.BBox.from_ltwh(*made.ltwh())):
        np.testing.assert_allclose(same.xyxy(), box, atol=1e-12)


def test_a_label_of_several_words_is_a_word_as_well() -> None:
    assert op.CocoClasses.traffic_light is op.CocoClasses["traffic light"]
    assert op.CocoClasses.traffic_light.name == "traffic light"
    assert (len(op.CocoClasses), len(op.ImagenetClasses), len(op.DotaClasses)) == (80, 1000, 15)
    names = [one.name for one in op.CocoClasses]
    assert sorted(one.value for one in op.CocoClasses) == [*range(80)]
    assert "traffic_light" not in names


def test_labels_are_members_and_numbers(tmp_path: Path) -> None:
    assert (len(op.CocoClasses), len(op.ImagenetClasses), len(op.DotaClasses)) == (80, 1000, 15)
    assert op.CocoClasses.person == 0
    assert op.CocoClasses(39).name == "bottle"
    assert op.ImagenetClasses(1).name == "goldfish"
    (tmp_path / "a.txt").write_text("cat\ndog\ncat\n")
    assert [one.name for one in op.load_classes(tmp_path / "a.txt")] == ["cat", "dog", "cat 2"]
    (tmp_path / "b.yaml").write_text("names: {3: cat, 1: dog}\n")
    assert op.load_classes(tmp_path / "b.yaml")(3).name == "cat"
    (tmp_path / "d.txt").write_bytes(b"\xef\xbb\xbfcat\r\ndog\r\n\r\n")
    assert [one.name for one in op.load_classes(tmp_path / "d.txt")] == ["cat", "dog"]
    (tmp_path / "c.yaml").write_text("names: 7\n")
    (tmp_path / "hole.txt").write_text("cat\n\ndog\n")  # is dog class 1 or 2?
    for name in ("c.yaml", "none.txt", "hole.txt"):
        with pytest.raises(InvalidArgument, match=name):
            op.load_classes(tmp_path / name)


def test_an_onnx_file_runs_on_the_host(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Split", ["x"], ["a", "b"], axis=0, num_outputs=2)
    infos = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None]) for name in "xab"]
    graph = onnx.helper.make_graph([node], "g", infos[:1], infos[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, tmp_path / "split.onnx")
    loaded = op.onnx_model(tmp_path / "split.onnx", provider="cpu")
    first, second = loaded(np.arange(4))
    assert (first.tolist(), second.tolist()) == ([0, 1], [2, 3])
    assert op.seq(loaded, lambda a, b: (a - b).tolist())(np.arange(4)) == [-2, -2]
    with pytest.raises(FileNotFoundError):
        op.onnx_model(tmp_path / "none.onnx")
    with pytest.raises(ValueError, match="is not there"):
        op.onnx_model(tmp_path / "split.onnx", provider="CUDA")
    with pytest.raises(InvalidArgument, match=r"split\.onnx: ONNX Runtime failed"):
        loaded(np.zeros((2, 2)))
    (tmp_path / "bad.onnx").write_bytes(b"x")
    with pytest.raises(InvalidArgument, match=r"bad\.onnx"):
        op.onnx_model(tmp_path / "bad.onnx")
