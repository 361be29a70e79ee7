"""Trackers: the matching against SciPy's, the filters against the textbook, and what each algorithm is known for."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from axelera.runtime import InvalidArgument, NotImplemented, op, scheduler  # noqa: A004
from axelera.runtime.op import TrackedObjectState as State
from axelera.runtime.op._tracking import ALGORITHMS
from axelera.runtime.op._tracking._assignment import assign
from axelera.runtime.op._tracking._filter import AreaFilter, Filter, HeightFilter, SizeFilter

EVERY = pytest.mark.parametrize("algo", sorted(ALGORITHMS))
WIDTH, HEIGHT = 640, 480
IMAGE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def found(*boxes: tuple[float, float, float, float], score: float = 0.9) -> list[op.DetectedObject]:
    """Detections of boxes in pixels: centre and size."""
    return [
        op.DetectedObject(index, 0, op.BBox.from_xywh(x / WIDTH, y / HEIGHT, w / WIDTH, h / HEIGHT), score)
        for index, (x, y, w, h) in enumerate(boxes)
    ]


def through(tracker: Any, frames: list[list[op.DetectedObject]]) -> list[list[op.TrackedObject]]:
    with op.frame_context(IMAGE):
        return [tracker(objects) for objects in frames]


def walk(steps: int, start: float = 100, speed: float = 4, **options: Any) -> list[list[op.DetectedObject]]:
    return [found((start + speed * step, 200, 40, 80), **options) for step in range(steps)]


@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 2**32 - 1), st.floats(0, 2))
def test_the_matching_is_the_cheapest(rows: int, columns: int, seed: int, limit: float) -> None:
    costs = np.random.default_rng(seed).random((rows, columns)).round(2)
    pairs = assign(costs, limit)
    assert all(costs[pair] < limit for pair in pairs)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    gains = np.minimum(costs - limit, 0)
    wanted = gains[linear_sum_assignment(gains)].sum()
    assert sum(gains[pair] for pair in pairs) == pytest.approx(wanted)


@pytest.mark.parametrize("kind", [AreaFilter, HeightFilter, SizeFilter])
def test_a_filter_learns_an_even_motion_and_goes_on_with_it(kind: type[Filter]) -> None:
    box, step = np.array([100.0, 100, 140, 180]), np.array([3.0, -1, 3, -1])
    one = kind(box)
    for frame in range(1, 60):
        one.predict()
        one.update(box + frame * step)
    np.testing.assert_allclose(one.box, box + 59 * step, atol=0.5)
    for _ in range(5):
        one.predict()
    np.testing.assert_allclose(one.box, box + 64 * step, atol=2)


@given(st.sampled_from([AreaFilter, HeightFilter, SizeFilter]), st.lists(st.booleans(), max_size=40))
def test_a_filter_stays_a_covariance(kind: type[Filter], measured: list[bool]) -> None:
    one = kind(np.array([10.0, 20, 50, 100]))
    for there in measured:
        one.predict()
        if there:
            one.update(np.array([12.0, 20, 50, 98]), 0.5)
    np.testing.assert_allclose(one._covariance, one._covariance.T, rtol=1e-6, atol=1e-8)
    assert np.linalg.eigvalsh(one._covariance).min() > 0


@EVERY
def test_two_that_cross_keep_their_numbers(algo: str) -> None:
    frames = [found((100 + 5 * step, 200, 40, 80), (500 - 5 * step, 230, 40, 80)) for step in range(80)]
    results = through(op.tracker(algo), frames)
    for objects, tracks in list(zip(frames, results, strict=True))[5:]:
        assert [track.track_id for track in tracks] == [1, 2]
        assert [track.latest_det_id for track in tracks] == [0, 1]
        assert [track.tracked for track in tracks] == objects


@EVERY
def test_a_track_says_what_was_found_and_where_it_is(algo: str) -> None:
    frames = walk(6)
    (track,) = through(op.tracker(algo), frames)[-1]
    assert track.tracked is frames[-1][0]
    assert (track.class_id, track.score) == (0, 0.9)
    assert track.bbox is track.predicted_bbox
    np.testing.assert_allclose(track.bbox.xyxy(), frames[-1][0].bbox.xyxy(), atol=0.01)
    assert track.area == pytest.approx(track.bbox.area)
    assert op.filter(class_ids=[0], min_score=0.5)([track]) == [track]


@EVERY
def test_what_is_first_reported_is_new_then_tracked_then_lost_then_removed_once(algo: str) -> None:
    patience = {"bytetrack": {"track_buffer": 5}, "tracktrack": {"max_time_lost": 5}}.get(
        algo, {"max_age": 5}
    )
    tracker = op.tracker(algo, return_all_states=True, **patience)
    results = through(tracker, [*walk(10), *([[]] * 10)])
    states = [[track.state for track in tracks] for tracks in results]
    assert states[0] == [State.new]
    assert states[1:10] == [[State.tracked]] * 9
    assert states[10:15] == [[State.lost]] * 5
    assert states[15:] == [[State.removed], [], [], [], []]
    assert {track.latest_det_id for tracks in results[10:] for track in tracks} == {-1}


@EVERY
def test_lost_and_removed_tracks_come_only_when_asked_for(algo: str) -> None:
    results = through(op.tracker(algo), [*walk(10), *([[]] * 40)])
    assert all(results[:10])
    assert not any(results[10:])


@EVERY
def test_what_comes_back_in_time_has_its_number_again(algo: str) -> None:
    frames = walk(40)
    frames[20:28] = [[]] * 8
    numbers = [[track.track_id for track in tracks] for tracks in through(op.tracker(algo), frames)]
    assert numbers[19] == numbers[-1] == [1]
    assert numbers[20:28] == [[]] * 8


@EVERY
def test_what_is_seen_once_is_a_chance(algo: str) -> None:
    frames = walk(20)
    frames[10] = frames[10] + found((500, 100, 40, 80))
    results = through(op.tracker(algo), frames)
    assert {track.track_id for tracks in results for track in tracks} == {1}


def test_bytetrack_keeps_tracks_with_unsure_detections_and_begins_none() -> None:
    tracker = op.tracker()
    results = through(tracker, [*walk(5), *walk(5, start=120, score=0.2)])
    assert [[track.track_id for track in tracks] for tracks in results] == [[1]] * 10
    assert results[-1][0].score == 0.2
    assert through(op.tracker(), walk(5, score=0.2)) == [[]] * 5


def test_bytetrack_waits_in_seconds() -> None:
    frames = [*walk(10), *([[]] * 40), *walk(5, start=100 + 4 * 50)]
    assert through(op.tracker(frame_rate=30), frames)[-1][0].track_id == 2
    assert through(op.tracker(frame_rate=60), frames)[-1][0].track_id == 1


def test_sort_reports_after_hits_in_a_row() -> None:
    frames = [[found((500, 300, 40, 40))[0]] for _ in range(5)]
    late = [one + two for one, two in zip(walk(20), [[]] * 10 + frames * 2, strict=True)]
    results = through(op.tracker("sort", min_hits=4), late)
    assert [len(tracks) for tracks in results] == [1] * 13 + [2] * 7


def test_oc_sort_filters_again_what_it_finds_again() -> None:
    """While it was unseen it turned round: the way between both sightings counts, not what was predicted."""
    there = walk(20, start=100, speed=2)
    back = [found((134 - 2 * step, 200, 40, 80)) for step in range(4)]
    frames = [*there, *([[]] * 3), *back]
    track, plain = (
        through(op.tracker(algo, return_all_states=True), frames)[23][0] for algo in ("oc-sort", "sort")
    )
    assert track.track_id == plain.track_id == 1
    ((dx, *_), (plain_dx, *_)) = (one.bbox.xywh() for one in (track, plain))
    assert abs(dx - 134 / WIDTH) < abs(plain_dx - 134 / WIDTH)


def test_tracktrack_begins_no_track_upon_another() -> None:
    """Track-aware initialisation: of two boxes on one thing the surer makes a track."""
    double = [found((100 + 4 * step, 200, 40, 80), (103 + 4 * step, 202, 40, 80)) for step in range(10)]
    for frame in double:
        frame[1].score = 0.7
    results = through(op.tracker("tracktrack"), double)
    assert [[track.latest_det_id for track in tracks] for tracks in results] == [[0]] * 10
    assert [len(tracks) for tracks in through(op.tracker("tracktrack", tai_thr=0.95), double)][-1] == 2


def test_tracktrack_reports_no_tiny_box() -> None:
    tiny = [found((100, 100, 9, 9))] * 5
    assert through(op.tracker("tracktrack"), tiny) == [[]] * 5
    assert all(through(op.tracker("tracktrack", min_box_area=50), tiny))


@EVERY
def test_a_crowd_keeps_its_numbers(algo: str) -> None:
    """Twelve that walk evenly, seen with errors of a pixel or two, one in twenty missed, a false one in most frames."""
    rng = np.random.default_rng(3)
    starts = np.stack([np.arange(12) * 50.0 + 40, 60 + 33.0 * np.arange(12)], axis=1)
    speeds = rng.uniform(-1.5, 1.5, (12, 2))
    truth: dict[int, list[int]] = {}
    tracker = op.tracker(algo)
    for step in range(100):
        boxes = [
            (*(starts[index] + step * speeds[index] + rng.normal(0, 1.5, 2)), 30.0, 60.0)
            for index in range(12)
        ]
        there = [index for index in range(12) if rng.random() > 0.05]
        objects = found(
            *(boxes[index] for index in there), (rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), 20, 20)
        )
        for (track,) in zip(through(tracker, [objects])[0], strict=True):
            if track.latest_det_id < len(there):
                truth.setdefault(there[track.latest_det_id], []).append(track.track_id)
    assert len(truth) == 12
    agreeing = sum(max(map(numbers.count, set(numbers))) for numbers in truth.values())
    # The least share of all four on six seeds.
    assert agreeing >= 0.93 * sum(map(len, truth.values()))


PUBLISHED: dict[str, dict[str, Any]] = {
    "bytetrack": {"frame_rate": 30, "track_buffer": 30},
    "sort": {"max_age": 30, "min_hits": 3, "iou_threshold": 0.3},
    "oc-sort": {
        "max_age": 30, "min_hits": 3, "iou_threshold": 0.3, "det_thresh": 0.0, "delta": 3, "inertia": 0.2,
        "w_assoc_emb": 0.75, "alpha_fixed_emb": 0.95, "max_id": 0, "aw_enabled": False, "aw_param": 0.5,
        "cmc_enabled": False, "enable_id_recovery": False, "rec_image_rect_margin": 20,
        "rec_track_min_time_since_update_at_boundary": 6, "rec_track_min_time_since_update_inside": 300,
        "rec_track_min_age": 30, "rec_track_merge_lap_thresh": 0.09, "rec_track_memory_capacity": 1000,
        "rec_track_memory_max_age": 54000,
    },
    "tracktrack": {
        "det_thr": 0.6, "init_thr": 0.6, "match_thr": 0.8, "tai_thr": 0.55, "penalty_p": 0.2, "penalty_q": 0.4,
        "reduce_step": 0.05, "max_time_lost": 30, "min_len": 3, "min_box_area": 100, "alpha": 0.95,
        "use_cmc": True, "use_aflink": False, "aflink_model": "", "dataset_type": "MOT",
    },
}  # fmt: skip
"""The vendor's tracker page, release 1.7."""


@EVERY
def test_parameters_are_the_published_ones_and_attributes(algo: str) -> None:
    tracker = op.tracker(algo=algo, **PUBLISHED[algo])
    plain = op.tracker(algo)
    for name, value in PUBLISHED[algo].items():
        assert getattr(tracker, name) == getattr(plain, name) == value
    assert {*tracker._names} == {*PUBLISHED[algo]}
    assert (plain.algo, plain.return_all_states, plain.reid) == (algo, False, None)
    with pytest.raises(InvalidArgument, match=f"{algo} has no parameter mood; it has {tracker._names[0]}"):
        op.tracker(algo, mood=1)


@pytest.mark.parametrize("name", ["oc-sort", "ocsort", "oc_sort", "OC-SORT", "OCSort"])
def test_algorithms_are_found_in_any_spelling(name: str) -> None:
    assert op.tracker(name).algo == "oc-sort"
    assert State.NEW is State.new


def test_a_parameter_changed_between_calls_counts() -> None:
    tracker = op.tracker("sort")
    through(tracker, walk(5))
    tracker.max_age = 0
    assert through(tracker, [[], *walk(1, start=120)]) == [[], []]


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"algo": "deepsort"}, InvalidArgument),
        ({"reid": object()}, NotImplemented),
        ({"algo": "oc-sort", "cmc_enabled": True}, NotImplemented),
        ({"algo": "oc-sort", "enable_id_recovery": True}, NotImplemented),
        ({"algo": "tracktrack", "use_aflink": True}, NotImplemented),
        ({"algo": "tracktrack", "reduce_step": 0}, ValueError),
    ],
)
def test_what_is_not_published_is_refused(parameters: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="tracker: "):
        op.tracker(**parameters)


def test_objects_need_boxes() -> None:
    with pytest.raises(TypeError, match="a Classification has no bbox"):
        op.tracker()([op.Classification(1, 0.5)])


@pytest.mark.parametrize("kind", ["pose", "segment", "oriented"])
def test_anything_with_a_box_is_followed(kind: str) -> None:
    box = op.BBox(0.1, 0.1, 0.3, 0.5)
    one = {
        "pose": op.PoseObject(0, [], box, 0.9, 0),
        "segment": op.SegmentedObject(0, 0, None, box, 0.9),
        "oriented": op.OrientedObject(0, 0, 0.2, 0.3, 0.2, 0.4, 0.0, 0.9),
    }[kind]
    (track,) = op.tracker()([one])
    assert track.tracked is one
    np.testing.assert_allclose(track.bbox.xyxy(), box.xyxy(), atol=1e-6)


def test_a_copy_of_a_pipeline_has_tracks_of_its_own() -> None:
    pipeline = op.seq(op.tracker())
    assert pipeline(found((100, 100, 40, 80)))[0].track_id == 1
    assert pipeline.optimized()(found((400, 100, 40, 80)))[0].track_id == 1
    assert pipeline(found((400, 100, 40, 80))) == []


def test_frames_of_a_stream_reach_a_tracker_in_their_order() -> None:
    delays = np.random.default_rng(2).uniform(0, 0.004, 60)

    def late(number: int) -> list[op.DetectedObject]:
        time.sleep(delays[number])
        return walk(60, speed=8)[number]

    streamed = [tracks for _, tracks in op.seq(late, op.tracker()).stream(range(60), max_in_flight=8)]
    alone = op.tracker()
    expected = [alone(objects) for objects in walk(60, speed=8)]
    assert streamed == expected


def test_a_frame_that_fails_or_passes_a_tracker_by_keeps_nobody_waiting() -> None:
    tracker = op.tracker()

    def sometimes(number: int) -> Any:
        if number == 11:
            raise ZeroDivisionError("frame 11")
        return tracker(walk(20)[number]) if number % 3 else []

    stream = op.seq(sometimes).stream(range(20), max_in_flight=4)
    assert [len(next(stream)[1]) for _ in range(11)] == [0, 1, 1] * 3 + [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(stream)


@pytest.mark.parametrize("how", ["leave", "close"])
def test_a_stream_that_ends_early_leaves_no_frame_waiting_for_its_turn(how: str) -> None:
    """A frame that is never begun would be waited for by the one after it, in another worker."""
    held = threading.Event()

    def the_fifth_is_slow(number: int) -> list[op.DetectedObject]:
        if number == 4:
            held.wait(20)
        return walk(12)[number]

    with scheduler.create(num_workers=4) as own:
        stream = op.seq(the_fifth_is_slow, op.tracker()).stream(range(12), max_in_flight=12)
        refused: list[str] = []

        def consume() -> None:
            try:
                list(stream)
            except InvalidArgument as error:
                refused.append(str(error))

        thread = threading.Thread(target=consume)
        if how == "close":
            thread.start()
            time.sleep(0.05)
            threading.Timer(0.05, held.set).start()
            own.close()
            thread.join(20)
            assert "was closed" in refused[0]
        else:
            next(stream)
            threading.Timer(0.1, held.set).start()
            stream.close()
