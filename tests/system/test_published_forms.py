"""Programs in the form of the vendor's published examples, on YOLO11n, YOLOv8n-pose and ResNet-50.

With synthetic weights, at 96 pixels in `make test` and at the networks' own sizes with AXEMU_FULL=1. What each returns is held
against the same work done frame by frame with `ModelInstance.run` and the recipes of `axemu.host`, bit for bit.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from tests._sizes import FULL, sample

from axelera import compiler
from axelera.runtime import Context, cv, display, op, scheduler
from axemu import zoo
from axemu.app import create_inference_stream
from axemu.host import Detections, HostPart, chw, decode, suppress

SIDE = sample(96, 640)
CLASSIFIED = sample(64, 224)
PHOTOS = sample(3, 6)
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_boards")]


def compiled(directory: Path, name: str, side: int, classes: int | None = None) -> Path:
    """Compile a network of the zoo into an .axm."""
    network = zoo.find(name).build(resolution=side, width=1.0 if FULL else 0.25, classes=classes)
    rng = np.random.default_rng(0)
    data = (rng.random((1, 3, side, side), np.float32) for _ in range(2))
    config = compiler.CompilerConfig(model_name=name, output_axm_format=True, resources_used=0.25)
    compiler.compile(compiler.quantize(network, data, config), config, directory / name / "1")
    return next(directory.rglob(f"{name}.axm"))


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("detector"), "yolo11n", SIDE)


@pytest.fixture(scope="module")
def pose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("pose"), "yolov8n-pose", SIDE)


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("segmenter"), "yolov8n-seg", SIDE)


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("turned"), "yolo11n-obb", SIDE, 15)


@pytest.fixture(scope="module")
def nms_free(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("nms-free"), "yolo26n", SIDE)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("classifier"), "resnet50", CLASSIFIED)


def photos() -> list[cv.Image]:
    """Images of other sizes than the input, as OpenCV reads them."""
    rng = np.random.default_rng(4)
    blocks = [rng.integers(0, 256, (6, 8, 3), np.uint8) for _ in range(PHOTOS)]
    return [cv.Image.from_array(np.kron(block, np.ones((20, 25, 1), np.uint8)), "BGR") for block in blocks]


class LowLevel:
    """One instance and the host's part of a model."""

    def __init__(self, model: Path) -> None:
        self._context = Context()
        loaded = self._context.load_model(model)
        self._part = HostPart(loaded)
        self._instance = self._context.device_connect(None, 1).load_model_instance(loaded)

    def __call__(self, tensor: np.ndarray) -> list[np.ndarray]:
        return self._part.run(self._instance, tensor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.release()


def boxed(image: cv.Image) -> tuple[np.ndarray, float, tuple[int, int]]:
    """Letterbox by hand: tensor, scale, offset."""
    pixels = image.convert("RGB").to_numpy()
    scale = min(SIDE / image.width, SIDE / image.height)
    wide, high = round(image.width * scale), round(image.height * scale)
    left, top = (SIDE - wide) // 2, (SIDE - high) // 2
    canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
    canvas[top : top + high, left : left + wide] = op.resize(wide, high)(pixels)
    return chw(canvas) / np.float32(255), scale, (left, top)


def found_by_hand(
    model: Path, images: list[cv.Image], classes: int, least: float, family: str = "yolov8"
) -> list[Detections]:
    """Boxes in pixels of the network's input, of each image."""
    with LowLevel(model) as run:
        found = [decode(run(boxed(image)[0])[:1], classes, family=family, least=least) for image in images]
    return found if family == "yolo26" else [suppress(one) for one in found]


def detected_by_hand(
    model: Path, images: list[cv.Image], classes: int, least: float, family: str = "yolov8"
) -> list[Detections]:
    """Boxes in 0..1 of each image."""
    results = []
    for image, found in zip(images, found_by_hand(model, images, classes, least, family), strict=True):
        _, _, (left, top) = boxed(image)
        wide, high = SIDE - 2 * left, SIDE - 2 * top
        scale = np.array((wide / image.width, high / image.height) * 2, np.float32)
        size = np.array((image.width, image.height) * 2, np.float32)
        corners = (found.boxes - np.array((left, top) * 2, np.float32)) / scale / size
        results.append(replace(found, boxes=corners))
    return results


def same(objects: list[Any], found: Detections) -> None:
    assert len(objects) == len(found) > 0
    np.testing.assert_array_equal(np.float32([one.bbox.xyxy() for one in objects]), found.boxes)
    np.testing.assert_array_equal(np.float32([one.score for one in objects]), found.scores)
    assert [one.class_id for one in objects] == found.classes.tolist()


def detection(model: Path, least: float) -> Any:
    """The form of detection.py, detection_stream.py and detection_batched.py."""
    return op.seq(
        op.color_convert("RGB", src="BGR"),
        op.letterbox(SIDE, SIDE),
        op.to_tensor(),
        op.load(str(model)),
        op.decode_detections(algo="yolo11", num_classes=80, confidence_threshold=least),
        op.nms(),
        op.to_image_space(),
        op.ax_detection(class_id_type=op.CocoClasses),
    ).optimized()


def threshold(model: Path, classes: int, family: str = "yolov8") -> float:
    """A score that some boxes have and most have not: random weights know no sense of proportion."""
    with LowLevel(model) as run:
        scores = decode(run(boxed(photos()[0])[0])[:1], classes, family=family, least=0.0).scores
    return float(scores[min(len(scores) - 1, 60)])


def test_detection_one_by_one_in_a_stream_and_in_a_batch(detector: Path, tmp_path: Path) -> None:
    images, least = photos(), threshold(detector, 80)
    expected = detected_by_hand(detector, images, 80, least)
    pipeline = detection(detector, least)
    with display.App(renderer="none") as app:
        window = app.create_window("detection", (800, 500))
        for image, found in zip(images, expected, strict=True):
            objects = pipeline(image)
            window(image, objects)
            same(objects, found)
        assert window.picture() is not None
    for objects, found in zip(pipeline.batch(images), expected, strict=True):
        same(objects, found)
    import PIL.Image

    for index, image in enumerate(images):
        PIL.Image.fromarray(image.convert("RGB").to_numpy()).save(tmp_path / f"{index}.png")
    with cv.create_source(str(tmp_path)) as source:
        for (image, objects), found in zip(pipeline.stream(source), expected, strict=True):
            assert image.convert("BGR").to_numpy().copy().shape == (120, 200, 3)
            same(objects, found)


def test_a_threshold_changed_between_frames(detector: Path) -> None:
    """The form of detection_vary_confidence.py."""
    (image, *_), least = photos(), threshold(detector, 80)
    pipeline = detection(detector, least)
    first = pipeline(image)
    pipeline.node(cls=op.decode_detections).confidence_threshold = min(1.0, first[0].score + 1e-3)
    assert len(pipeline(image)) < len(first)


def test_poses(pose: Path) -> None:
    """The form of pose_detection.py."""
    images, least = photos(), threshold(pose, 1)
    pipeline = op.seq(
        op.color_convert("RGB", src="BGR"),
        op.letterbox(SIDE, SIDE),
        op.to_tensor(),
        op.load(str(pose)),
        op.decode_pose(algo="yolov8", num_keypoints=17, confidence_threshold=least),
        op.nms(),
        op.to_image_space(keypoint_cols=range(6, 57, 3)),
        op.ax_pose(num_keypoints=17),
    )
    expected = detected_by_hand(pose, images, 1, least)
    for (image, objects), found in zip(pipeline.stream(images), expected, strict=True):
        same(objects, found)
        _, _, (left, _) = boxed(image)
        points = found.rest.reshape(len(found), 17, 3)
        x = (points[:, :, 0] - np.float32(left)) / np.float32((SIDE - 2 * left) / image.width) / image.width
        got = np.float32([[point.x for point in one.keypoints] for one in objects])
        np.testing.assert_array_equal(got, x)
        confidence = np.float32([[point.confidence for point in one.keypoints] for one in objects])
        np.testing.assert_array_equal(confidence, points[:, :, 2])


MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def test_classification(classifier: Path) -> None:
    """The form of classification.py."""
    pipeline = op.seq(
        op.color_convert("RGB", src="BGR"),
        op.resize(size=round(CLASSIFIED * 256 / 224)),
        op.center_crop(CLASSIFIED),
        op.to_tensor(),
        op.normalize(MEAN, DEVIATION),
        op.load(str(classifier)),
        op.softmax(),
        op.ax_classification(class_id_type=op.ImagenetClasses),
        op.top_k(5),
    )
    for image, (found, scores) in zip(photos(), classified_by_hand(classifier, photos()), strict=True):
        best = pipeline(image)
        assert [one.class_id for one in best] == found.tolist()
        np.testing.assert_array_equal(np.float32([one.score for one in best]), scores)


def classified_by_hand(model: Path, images: list[cv.Image]) -> list[tuple[np.ndarray, np.ndarray]]:
    results = []
    with LowLevel(model) as run:
        for image in images:
            pixels = op.resize(size=round(CLASSIFIED * 256 / 224))(image.convert("RGB").to_numpy())
            top, left = ((size - CLASSIFIED) // 2 for size in pixels.shape[:2])
            tensor = chw(pixels[top : top + CLASSIFIED, left : left + CLASSIFIED]) / np.float32(255)
            mean, deviation = (np.float32(values).reshape(1, 3, 1, 1) for values in (MEAN, DEVIATION))
            (logits,) = run((tensor - mean) / deviation)
            powers = np.exp(logits.reshape(-1) - logits.max())
            scores = powers / powers.sum()
            best = np.argsort(-scores, kind="stable")[:5]
            results.append((best, scores[best]))
    return results


def test_a_cascade(detector: Path, classifier: Path) -> None:
    """The form of bottle_demo.py: the objects nearest to the middle are cut out and classified, in a stream."""
    images, least = photos(), threshold(detector, 80)
    second = op.seq(
        op.crop_roi("bbox"),
        op.resize(CLASSIFIED, CLASSIFIED),
        op.to_tensor(),
        op.normalize(MEAN, DEVIATION),
        op.load(str(classifier), core_allocation=1),
        op.softmax(),
        op.ax_classification(),
        op.top_k(1),
    )
    pipeline = op.seq(
        detection(detector, least),
        op.filter(fn=lambda one: one.area > 1e-3 and all(side > 0.01 for side in one.bbox.ltwh()[2:])),
        op.sort_by(by="center_distance", descending=False, top=3),
        op.for_each("classes", second),
    )
    seen = 0
    streamed = list(pipeline.stream(images))
    assert scheduler.current().model_switches == 4  # 3 cores detect, 1 classifies, and nothing moves
    scheduler.current().close()
    with LowLevel(classifier) as run:
        for image, result in streamed:
            for found, (best,) in zip(result.input, result.classes, strict=True):
                x0, y0, x1, y1 = found.bbox.frame_pixels(image.width, image.height)
                part = op.resize(CLASSIFIED, CLASSIFIED)(image.convert("RGB").to_numpy()[y0:y1, x0:x1])
                mean, deviation = (np.float32(values).reshape(1, 3, 1, 1) for values in (MEAN, DEVIATION))
                (logits,) = run((chw(part) / np.float32(255) - mean) / deviation)
                assert best.class_id == logits.reshape(-1).argmax()
                seen += 1
    assert seen == 3 * len(images)


def test_detection_by_a_network_that_chooses_its_boxes_itself(nms_free: Path) -> None:
    """The form of nms_free_detection.py."""
    images, least = photos(), threshold(nms_free, 80, "yolo26")
    pipeline = op.seq(
        op.color_convert("RGB", src="BGR"),
        op.letterbox(SIDE, SIDE),
        op.to_tensor(),
        op.load(str(nms_free)),
        op.decode_detections(algo="yolo26", num_classes=80, confidence_threshold=least),
        op.to_image_space(),
        op.ax_detection(class_id_type=op.CocoClasses),
    )
    expected = detected_by_hand(nms_free, images, 80, least, "yolo26")
    for image, found in zip(images, expected, strict=True):
        same(pipeline(image), found)


def test_segmentation(segmenter: Path) -> None:
    """The form of segmentation.py."""
    images, least = photos(), threshold(segmenter, 80)
    pipeline = op.seq(
        op.color_convert("RGB", src="BGR"),
        op.letterbox(SIDE, SIDE),
        op.to_tensor(),
        op.load(str(segmenter)),
        op.decode_segmentation(algo="yolov8", num_classes=80, confidence_threshold=least),
        op.par(op.seq(op.itemgetter(0), op.nms()), op.itemgetter(1)),
        op.par(op.seq(op.pack(), op.itemgetter(0), op.to_image_space()), op.proto_to_mask()),
        op.ax_segmentation(class_id_type=op.CocoClasses),
    )
    expected = detected_by_hand(segmenter, images, 80, least)
    within = found_by_hand(segmenter, images, 80, least)
    streamed = list(pipeline.stream(images))
    scheduler.current().close()
    seen = 0
    with LowLevel(segmenter) as run:
        planes = [run(boxed(image)[0])[1][0].astype(np.float64) for image in images]
    for (_, objects), found, placed, prototypes in zip(streamed, expected, within, planes, strict=True):
        same(objects, found)
        for one, corners, weights in zip(objects, placed.boxes, placed.rest, strict=True):
            x0, y0, x1, y1 = corners.astype(np.float64) * prototypes.shape[1] / SIDE
            low, high = max(0, int(np.floor(x0))), max(0, int(np.floor(y0)))
            cut = prototypes[:, high : int(np.ceil(y1)), low : int(np.ceil(x1))]
            part = np.tensordot(weights.astype(np.float64), cut, 1)
            assert one.mask.shape == part.shape
            sure = np.abs(part) > 1e-3  # elsewhere the order of sums decides
            np.testing.assert_array_equal((one.mask > 127)[sure], (part > 0)[sure])
            seen += int(sure.sum())
    assert seen > 100


def test_turned_boxes(turned: Path) -> None:
    """The form of obb.py."""
    images, least = photos(), threshold(turned, 15)
    pipeline = op.seq(
        op.color_convert("RGB", ("BGR", "I420")),
        op.letterbox(SIDE, SIDE),
        op.to_tensor(),
        op.load(str(turned)),
        op.decode_obb(num_classes=15, confidence_threshold=least),
        op.nms(box_format="xywhr"),
        op.to_image_space(box_format="xywhr"),
        op.ax_obb(class_id_type=op.DotaClasses),
    )
    with LowLevel(turned) as run:
        heads = [decode(run(boxed(image)[0]), 15, family="yolov8", least=least) for image in images]
    for image, found in zip(images, heads, strict=True):
        objects = pipeline(image)
        there = {*zip(found.scores.tolist(), found.classes.tolist(), found.rest[:, 0].tolist(), strict=True)}
        assert 0 < len(objects) <= len(found)
        assert {(one.score, int(one.class_id), one.angle) for one in objects} <= there
        assert (objects[0].score, objects[0].angle) == (found.scores[0], found.rest[0, 0])


def moving(count: int) -> list[cv.Image]:
    """One photo that moves three pixels a frame."""
    pixels = photos()[0].convert("RGB").to_numpy()
    return [cv.Image.from_array(np.roll(pixels, 3 * step, axis=1), "RGB") for step in range(count)]


def objects_of(found: Detections) -> list[op.DetectedObject]:
    return [
        op.DetectedObject(index, int(number), op.BBox(*map(float, box)), float(score))
        for index, (number, box, score) in enumerate(
            zip(found.classes, found.boxes, found.scores, strict=True)
        )
    ]


def told(tracks: list[op.TrackedObject]) -> list[tuple[Any, ...]]:
    return [(one.track_id, one.bbox, one.score, one.state, one.latest_det_id) for one in tracks]


def test_tracking_by_hand_and_in_a_stream(detector: Path) -> None:
    """The form of tracking.py, and of bottle_demo.py, whose tracker is in the pipeline."""
    images, least = moving(8), threshold(detector, 80)
    detect = op.seq(detection(detector, least), op.filter(min_score=least))
    by_hand = op.tracker(algo="sort", min_hits=1, return_all_states=True)
    expected = []
    for image, found in zip(images, detected_by_hand(detector, images, 80, least), strict=True):
        with op.frame_context(image):
            expected.append(by_hand(objects_of(found)))
    tracker = op.tracker(algo="sort", min_hits=1, return_all_states=True)
    for image, wanted in zip(images, expected, strict=True):
        with op.frame_context(image) as frame:
            tracks = tracker(detect(image))
            assert frame.input is image
        assert told(tracks) == told(wanted)
    whole = op.seq(detect, op.tracker(algo="sort", min_hits=1, return_all_states=True))
    streamed = [tracks for _, tracks in whole.stream(images)]
    assert list(map(told, streamed)) == list(map(told, expected))
    assert {one.state.name for tracks in streamed for one in tracks} >= {"new", "tracked"}


def test_tracks_are_classified(detector: Path, classifier: Path) -> None:
    """The form of tracking_with_classification.py: a track is cut out by its predicted box."""
    images, least = moving(4), threshold(detector, 80)
    wide = op.filter(fn=lambda one: all(side > 0.05 for side in _inside(one.bbox)))
    pipeline = op.seq(
        op.seq(detection(detector, least), wide),
        op.tracker(algo="oc-sort", min_hits=1),
        wide,
        op.for_each(
            "classified",
            op.crop_roi("predicted_bbox"),
            op.resize(CLASSIFIED, CLASSIFIED),
            op.to_tensor(),
            op.normalize(MEAN, DEVIATION),
            op.load(str(classifier)),
            op.softmax(),
            op.ax_classification(class_id_type=op.ImagenetClasses),
            op.top_k(1),
        ),
    )
    streamed = list(pipeline.stream(images))
    scheduler.current().close()
    seen = 0
    with LowLevel(classifier) as run:
        for image, result in streamed:
            for track, (best,) in zip(result.input, result.classified, strict=True):
                x0, y0, x1, y1 = track.predicted_bbox.frame_pixels(image.width, image.height)
                part = op.resize(CLASSIFIED, CLASSIFIED)(image.convert("RGB").to_numpy()[y0:y1, x0:x1])
                mean, deviation = (np.float32(values).reshape(1, 3, 1, 1) for values in (MEAN, DEVIATION))
                (logits,) = run((chw(part) / np.float32(255) - mean) / deviation)
                assert best.class_id == logits.reshape(-1).argmax()
                seen += 1
    assert seen >= len(images)


def _inside(box: op.BBox) -> tuple[float, float]:
    """Width and height of what of a box is in the image."""
    x0, y0, x1, y1 = (min(max(value, 0.0), 1.0) for value in box.xyxy())
    return x1 - x0, y1 - y0


def test_two_networks_on_one_frame(detector: Path, pose: Path) -> None:
    """The form of fruit_demo.py: branches with a model each, after one preparation; the result is shown as it is."""
    images, least, least_pose = photos(), threshold(detector, 80), threshold(pose, 1)
    pipeline = op.seq(
        op.color_convert("RGB", src="BGR"),
        op.letterbox(SIDE, SIDE),
        op.to_tensor(),
        op.par(
            op.seq(
                op.load(str(pose)),
                op.decode_pose("yolov8", 17, confidence_threshold=least_pose),
                op.nms(),
                op.to_image_space(keypoint_cols=range(6, 57, 3)),
                op.ax_pose(),
                op.sort_by(by="area", top=5),
                name="people",
            ),
            op.seq(
                op.load(str(detector)),
                op.decode_detections("yolo11", 80, confidence_threshold=least),
                op.nms(),
                op.to_image_space(),
                op.ax_detection(op.CocoClasses),
                name="things",
            ),
        ),
    )
    streamed = list(pipeline.optimized().stream(images))
    scheduler.current().close()
    with display.App(renderer="none") as app:
        window = app.create_window("fruit", (800, 500), expose_surface=True)
        for image, result in streamed:
            window(image, result)
        assert not window.is_closed
    for (_, result), found in zip(streamed, detected_by_hand(detector, images, 80, least), strict=True):
        same(result.things, found)
    for (_, result), found in zip(streamed, detected_by_hand(pose, images, 1, least_pose), strict=True):
        areas = sorted((one.area for one in objects_of(found)), reverse=True)[:5]
        assert [one.area for one in result.people] == areas


def test_a_first_program_in_ten_lines(detector: Path) -> None:
    """The convenience finds what the pipeline of operators finds."""
    least = threshold(detector, 80)
    info = {"task": "detection", "num_classes": 80, "dataset": "coco", "network": "yolo11n"}
    (detector.parent / "model_info.json").write_text(
        json.dumps(info | {"input_tensor_shape": [1, 3, SIDE, SIDE]})
    )
    expected = detected_by_hand(detector, photos(), 80, least)
    with create_inference_stream(detector, photos(), confidence=least) as stream:
        for frame, found in zip(stream, expected, strict=True):
            same(frame.objects, found)
            assert frame.objects[0].class_id.name in op.CocoClasses.__members__
