"""Calibration data: iterators, loaders, directories of images, random data, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CalibrationError, CompilerConfig
from axelera.compiler.quantisation import length_of, random_data, samples_of

SHAPES = {"x": (1, 3, 8, 10)}


def drawn(dataset, transform=None) -> list[np.ndarray]:
    return [sample["x"] for sample in samples_of(dataset, transform, SHAPES)]


def test_items_may_be_arrays_frames_batches_mappings_or_labelled_pairs() -> None:
    frames = np.arange(2 * 240, dtype=np.float32).reshape(2, 3, 8, 10)
    expected = [frames[:1], frames[1:]]
    for dataset in (
        [frames[:1], frames[1:]],
        [frames[0], frames[1]],
        [frames],
        [(frames, np.array([3, 4]))],
        [{"x": frames, "label": 7}],
        [frames.astype(np.float64).tolist()],
    ):
        for actual, wanted in zip(drawn(iter(dataset)), expected, strict=True):
            np.testing.assert_array_equal(actual, wanted)
            assert actual.dtype == np.float32


def test_transform_turns_items_into_inputs() -> None:
    def transform(image: Image.Image) -> np.ndarray:
        return np.asarray(image, np.float32).transpose(2, 0, 1)[None] / 255

    images = [Image.new("RGB", (10, 8), (255, 0, 51))]
    assert drawn(images, transform)[0][0, :, 0, 0].tolist() == pytest.approx([1.0, 0.0, 0.2])


def test_directory_of_images_is_read_in_order_and_stretched(tmp_path: Path) -> None:
    for name, value in (("b.png", 255), ("a.jpg", 0), ("notes.txt", None)):
        if value is None:
            (tmp_path / name).write_text("not an image")
        else:
            Image.new("RGB", (30, 20), (value,) * 3).save(tmp_path / name)
    first, second = drawn(tmp_path)
    assert first.shape == second.shape == SHAPES["x"]
    assert (float(first.max()), float(second.min())) == (0.0, 1.0)


def test_greys_of_sixteen_bits_are_scaled_not_cut_off(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 80).astype(np.uint16).reshape(8, 10)
    Image.fromarray(grey).save(tmp_path / "a.png")
    np.testing.assert_allclose(drawn(tmp_path)[0][0, 0], grey / 65535, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_images_of_every_kind_become_inputs(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (7, 5), 1 if mode in ("1", "L", "P", "I;16") else None).save(tmp_path / "a.png")
    assert drawn(tmp_path)[0].shape == SHAPES["x"]


def test_files_that_systems_hide_are_no_images(tmp_path: Path) -> None:
    (tmp_path / ".ipynb_checkpoints").mkdir()
    for name in ("._a.png", ".ipynb_checkpoints/a.png"):
        (tmp_path / name).write_bytes(b"no image")
    Image.new("RGB", (7, 5)).save(tmp_path / "a.png")
    assert len(drawn(tmp_path)) == length_of(tmp_path) == 1


def test_random_data_depends_on_the_seed_only() -> None:
    first, second, other = (list(random_data(SHAPES, 2, seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a["x"], b["x"]) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0]["x"], other[0]["x"])


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (np.zeros((1, 3, 8, 9), np.float32), "expected"),
        ("image.jpg", "transform_fn"),
        ([object()], "transform_fn"),
        ({"y": np.zeros(3)}, "lacks the inputs"),
    ],
)
def test_items_that_do_not_fit_say_which_and_why(item, words: str) -> None:
    with pytest.raises(CalibrationError, match=f"calibration item 1.*{words}"):
        drawn([np.zeros((1, 3, 8, 10), np.float32), item])


class Broken:
    """A data set whose third item cannot be had."""

    def __iter__(self) -> Iterator[np.ndarray]:
        yield from [np.zeros(SHAPES["x"], np.float32)] * 2
        raise OSError("disk gone")


def test_a_transform_that_raises_is_named_with_the_item_and_its_exception() -> None:
    def centred(item: int) -> np.ndarray:
        return np.full(SHAPES["x"], 1 // (2 - item), np.float32)

    with pytest.raises(
        CalibrationError, match="item 2: transform 'centred' raised ZeroDivisionError"
    ) as caught:
        drawn(range(4), centred)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_data_set_that_raises_is_named_with_the_item_and_its_exception() -> None:
    def generated() -> Iterator[np.ndarray]:
        yield from Broken()

    for dataset, name in ((Broken(), "Broken"), (generated(), "generated")):
        with pytest.raises(CalibrationError, match=f"item 2: '{name}' raised OSError.*disk gone") as caught:
            drawn(dataset)
        assert isinstance(caught.value.__cause__, OSError)


def test_interrupting_a_transform_interrupts() -> None:
    def interrupted(item: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drawn([0], interrupted)


def test_no_data_at_all_is_refused(tmp_path: Path) -> None:
    net = Net((1, 3, 8, 8))
    model = net.model(net.conv("x", 3, 4))
    for dataset in (iter(()), tmp_path):
        with pytest.raises(CalibrationError):
            compiler.quantize(model, dataset, CompilerConfig())


def test_calibration_streams_instead_of_collecting() -> None:
    """At most the first sixteen samples are held back; a later one is drawn only when the earlier were used."""
    net = Net((1, 3, 8, 8))
    alive: list[int] = []

    class Sample(np.ndarray):
        def __del__(self) -> None:
            alive.pop()

    def endless() -> Iterator[np.ndarray]:
        for sample in data((1, 3, 8, 8), 60):
            alive.append(1)
            assert len(alive) <= 20
            yield sample.view(Sample)

    compiler.quantize(net.model(net.conv("x", 3, 4)), endless(), CompilerConfig())


def test_the_order_of_the_data_does_not_matter_beyond_the_first_samples() -> None:
    net = Net((1, 3, 8, 8))
    model = net.model(net.conv(net.add("Relu", net.conv("x", 3, 8)), 8, 4))
    samples = data((1, 3, 8, 8), 24)
    first = compiler.quantize(model, iter(samples), CompilerConfig()).program
    second = compiler.quantize(model, iter([*samples[:16], *samples[:15:-1]]), CompilerConfig()).program
    assert first.tensors == second.tensors


def test_the_length_is_known_where_somebody_knows_it(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)
    assert length_of(tmp_path) == 2
    assert length_of([1, 2, 3]) == length_of(iter([1, 2, 3])) == 3
    assert length_of(item for item in (1, 2)) is None

    class Stream:
        def __iter__(self) -> Iterator[int]:
            yield 1

        def __len__(self) -> int:
            raise TypeError("a stream has no length")

    assert length_of(Stream()) is None
