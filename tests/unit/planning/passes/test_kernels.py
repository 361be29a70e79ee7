"""In-core replication: what is loaded, what is fed, how often the array fires."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from axelera.compiler.planning.passes import Kernel, Window, best_copies, dense_kernels, image_kernel

WINDOWS = st.builds(
    Window,
    inputs=st.integers(1, 24),
    outputs=st.integers(1, 24),
    kernel=st.sampled_from([(1, 1), (3, 3), (5, 5), (7, 7), (1, 7)]),
    stride=st.integers(1, 2),
    height=st.integers(1, 160),
    width=st.integers(1, 160),
)


def cycles(window: Window) -> int:
    """Cycles to load and run all of a convolution, as R3 counts them."""
    return sum(
        kernel.load_cycles + 8 * window.height * kernel.groups * kernel.instructions
        for kernel in dense_kernels(window)
    )


def size(window: Window) -> int:
    return sum(kernel.size for kernel in dense_kernels(window))


@pytest.mark.parametrize(
    ("window", "copies", "instructions", "kib"),
    [
        (Window(1, 1, (3, 3), 1, 80, 80), 6, 3, 576),
        (Window(1, 1, (3, 3), 1, 40, 40), 3, 2, 180),
        (Window(1, 1, (1, 1), 1, 160, 160), 4, 1, 128),
        (Window(1, 2, (3, 3), 2, 40, 40), 2, 2, 240),
        (Window(3, 1, (1, 1), 1, 80, 80), 5, 2, 300),
        (Window(4, 1, (3, 3), 1, 20, 20), 2, 6, 384),
    ],
)
def test_kernels_of_the_published_yolov8n(window: Window, copies: int, instructions: int, kib: int) -> None:
    (kernel,) = dense_kernels(window)
    assert (kernel.copies, kernel.instructions, kernel.size) == (copies, instructions, kib << 10)


def test_one_word_to_one_word_is_fed_two_words_per_pixel() -> None:
    (kernel,) = dense_kernels(Window(1, 1, (1, 1), 1, 80, 80))
    (wider,) = dense_kernels(Window(1, 2, (1, 1), 1, 80, 80))
    assert kernel.fed == 2 * kernel.copies
    assert wider.fed == wider.copies


@given(WINDOWS)
def test_weights_are_never_fewer_than_the_layer_has(window: Window) -> None:
    tall, wide = window.kernel
    assert size(window) >= tall * wide * window.inputs * window.outputs * 4096


@given(WINDOWS)
def test_what_is_loaded_at_once_fits_the_sets(window: Window) -> None:
    for kernel in dense_kernels(window):
        assert kernel.outputs <= 8
        assert kernel.instructions <= 4 * (8 // kernel.outputs)
        assert kernel.size <= 1 << 20


@given(WINDOWS)
def test_groups_of_outputs_cover_all_outputs_once(window: Window) -> None:
    by_depth: dict[int, int] = {}
    kernels = dense_kernels(window)
    fed = sum(kernel.fed * kernel.outputs // kernel.copies for kernel in kernels)
    (copies,) = {kernel.copies for kernel in kernels}
    if copies == 1 and window.kernel != (1, 1):
        assert fed == window.kernel[0] * window.kernel[1] * window.inputs * window.outputs
    for kernel in kernels:
        by_depth[kernel.fed] = by_depth.get(kernel.fed, 0) + kernel.outputs // kernel.copies
    assert sum(by_depth.values()) >= window.outputs


@given(WINDOWS, st.integers(1, 8))
def test_no_other_number_of_copies_is_cheaper(window: Window, copies: int) -> None:
    """Checked against a count of its own: rows of the array as the window slides, in full blocks of 8."""
    kernels = dense_kernels(window)
    assume(len(kernels) == 1 and copies * window.outputs <= 8)
    tall, wide = window.kernel
    rows = tall * (wide + (copies - 1) * window.stride) * window.inputs
    assume((tall * wide, window.inputs, window.outputs) != (1, 1, 1))
    blocks = -(-rows // 8)
    assume(blocks <= 4 * (8 // (copies * window.outputs)))
    slots = window.height * -(-window.width // copies) * blocks
    assert cycles(window) <= 64 * rows * copies * window.outputs + 8 * slots


@given(WINDOWS, st.sampled_from(["inputs", "outputs", "height", "width"]))
def test_more_work_never_takes_fewer_cycles(window: Window, what: str) -> None:
    """Of kernels that the array holds; leaving out the 1x1 kernel of one word that is fed twice."""
    more = Window(
        **{**{name: getattr(window, name) for name in Window.__slots__}, what: getattr(window, what) + 1}
    )
    assume(len(dense_kernels(more)) == 1)
    assume((window.kernel, window.inputs, window.outputs) != ((1, 1), 1, 1))
    assert cycles(more) >= cycles(window)


@given(WINDOWS)
def test_cutting_over_inputs_moves_no_fewer_weights(window: Window) -> None:
    assume(len(dense_kernels(window)) > 1)
    over_inputs = dense_kernels(window, "inputs")
    assert sum(kernel.size for kernel in over_inputs) == size(window)
    assert all(kernel.size <= 1 << 20 for kernel in over_inputs)


def test_no_copies_where_the_sets_are_too_small() -> None:
    assert best_copies(lambda copies: 300 * copies, 1, 8, 8) is None


@pytest.mark.parametrize(
    ("window", "row", "expected"),
    [
        # YOLOv8n's stem: rows of 656 pixels of 4 bytes are 41 words, a group of 8 outputs steps by one.
        (
            Window(1, 1, (3, 3), 2, 320, 320),
            656 * 4,
            Kernel(copies=8, fed=6, outputs=8, groups=41, size=192 << 10, commands=1),
        ),
        # PointNet's selections: a group steps by half a word, so the kernel is there twice; one group has outputs.
        (
            Window(1, 1, (1, 1), 1, 255, 1),
            64,
            Kernel(copies=8, fed=2, outputs=8, groups=1, size=128 << 10, commands=2),
        ),
    ],
)
def test_kernels_over_an_image(window: Window, row: int, expected: Kernel) -> None:
    assert image_kernel(window, row, 4) == expected


def test_without_phases_an_image_kernel_is_stored_once() -> None:
    kernel = image_kernel(Window(1, 1, (1, 1), 1, 255, 1), 64, 4, phases=False)
    assert kernel is not None
    assert (kernel.size, kernel.commands) == (64 << 10, 1)
