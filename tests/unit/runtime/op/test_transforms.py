"""Transforms, against ONNX's own resize and closed forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from axelera.runtime import NotImplemented, op  # noqa: A004
from axelera.runtime.cv import Image, create_source
from axemu.host import letterbox

RNG = np.random.default_rng(11)


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, channels), np.uint8)


def resized_by_onnx(image: np.ndarray, height: int, width: int, mode: str) -> np.ndarray:
    sizes = onnx.numpy_helper.from_array(np.array([1, image.shape[2], height, width], np.int64), "sizes")
    node = onnx.helper.make_node(
        "Resize", ["x", "", "", "sizes"], ["y"], mode=mode, coordinate_transformation_mode="half_pixel",
        cubic_coeff_a=-0.75,
    )  # fmt: skip
    infos = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in "xy"]
    graph = onnx.helper.make_graph([node], "g", infos[:1], infos[1:], [sizes])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    (result,) = ReferenceEvaluator(model).run(
        None, {"x": image.transpose(2, 0, 1)[np.newaxis].astype(np.float32)}
    )
    return np.clip(result[0].transpose(1, 2, 0), 0, 255)


@pytest.mark.parametrize(("mode", "interpolation"), [("linear", "bilinear"), ("cubic", "bicubic")])
@pytest.mark.parametrize("size", [(5, 9), (23, 14), (40, 7)])
def test_resize_is_onnx_with_half_pixels(mode: str, interpolation: str, size: tuple[int, int]) -> None:
    image = picture(17, 12)
    got = op.resize(size[1], size[0], interpolation=interpolation)(image)
    assert np.abs(got - resized_by_onnx(image, *size, mode)).max() <= 0.5 + 1e-3


@given(height=st.integers(1, 40), width=st.integers(1, 40), value=st.integers(0, 255))
def test_a_plain_image_stays_plain_at_any_size(height: int, width: int, value: int) -> None:
    image = np.full((7, 5, 3), value, np.uint8)
    for interpolation in ("nearest", "bilinear", "bicubic", "lanczos"):
        got = op.resize(width, height, interpolation=interpolation)(image)
        assert got.shape == (height, width, 3)
        assert (got == value).all()


def test_size_is_the_shorter_side_and_keeps_the_proportions() -> None:
    """The vendor's example: 1080x1920 at 256 is 256x455."""
    assert op.resize(size=256)(np.zeros((1080, 1920, 3), np.uint8)).shape == (256, 455, 3)


@pytest.mark.parametrize(
    "parameters",
    [{}, {"width": 3}, {"width": 3, "height": 3, "size": 3}, {"size": 3, "half_pixel_centers": False}],
)
def test_resize_refuses_what_does_not_exist(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="resize"):
        op.resize(**parameters)


def test_a_pair_is_height_and_width() -> None:
    """Lines of the vendor's documents, which its signature does not cover."""
    image = np.zeros((30, 50, 3), np.uint8)
    for resize in (op.resize((8, 12)), op.resize(size=(8, 12)), op.resize(size=[8, 12]), op.resize(12, 8)):
        assert resize(image).shape == (8, 12, 3)


def test_center_crop_takes_the_middle() -> None:
    image = picture(7, 9)
    np.testing.assert_array_equal(op.center_crop(3)(image), image[2:5, 3:6])
    np.testing.assert_array_equal(op.centercrop((1, 5))(image), image[3:4, 2:7])
    with pytest.raises(ValueError, match="8x8 does not fit into an image of 9x7"):
        op.center_crop(8)(image)


@given(width=st.integers(1, 60), height=st.integers(1, 60))
def test_a_letterboxed_box_comes_back(width: int, height: int) -> None:
    """What the letterbox does to points, `to_image_space` undoes, up to the rounding of the inner image's size."""
    image = np.zeros((height, width, 3), np.uint8)
    corners = np.array([[0, 0, 32, 24, 1, 0]], np.float32)
    with op.frame_context(image) as frame:
        boxed = op.letterbox(32, 24, fill_color=(9, 9, 9))(image)
        inner = np.argwhere((boxed == 0).all(axis=2))
        corners[0, :4] = (*inner.min(axis=0)[::-1], *(inner.max(axis=0)[::-1] + 1))
        back = op.to_image_space()(corners)
    assert boxed.shape == (24, 32, 3)
    assert frame.saved is not None
    np.testing.assert_allclose(back[0, :4], [0, 0, 1, 1], atol=1e-6)
    inside = (corners[0, 2] - corners[0, 0], corners[0, 3] - corners[0, 1])
    assert 32 in inside or 24 in inside


def test_geometry_goes_through_resize_and_crop() -> None:
    image = picture(100, 200)
    with op.frame_context(image):
        op.seq(op.resize(size=50), op.center_crop(40))(image)
        back = op.to_image_space()(np.array([[0.0, 0, 40, 40, 1, 0]]))
    np.testing.assert_allclose(back[0, :4], [0.3, 0.1, 0.7, 0.9])


def test_branches_begin_with_the_same_geometry() -> None:
    image = picture(100, 200)
    boxes = op.constant(np.array([[0.0, 0, 10, 10, 1, 0]]))
    first, second = op.seq(
        op.par(
            op.seq(op.resize(10, 10), boxes, op.to_image_space()),
            op.seq(op.resize(20, 20), boxes, op.to_image_space()),
        )
    )(image)
    np.testing.assert_allclose(first[0, :4], [0, 0, 1, 1])
    np.testing.assert_allclose(second[0, :4], [0, 0, 0.5, 0.5])


def test_to_image_space_needs_a_frame_and_a_geometry() -> None:
    rows = np.zeros((1, 6))
    with pytest.raises(TypeError, match=r"op\.frame_context"):
        op.to_image_space()(rows)
    with op.frame_context(picture(4, 4)), pytest.raises(ValueError, match="no letterbox"):
        op.to_image_space()(rows)


def test_tensors_are_planes_in_0_to_1() -> None:
    image = picture(3, 4)
    tensor = op.to_tensor()(image)
    assert tensor.dtype == np.float32
    np.testing.assert_array_equal(tensor, image.transpose(2, 0, 1).astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(op.to_image_tensor()(image), image.transpose(2, 0, 1))
    assert op.to_dtype(scale=True)(np.array([-32768], np.int16)) == -1
    assert op.todtype(np.float64)(image).dtype == np.float64


def test_normalize_works_on_either_layout() -> None:
    tensor = RNG.random((3, 4, 5), np.float32)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    got = op.normalize(mean, std)(tensor)
    np.testing.assert_allclose(
        got, (tensor - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1)), rtol=1e-5
    )
    other = op.normalize(mean, std, layout="HWC")(tensor.transpose(1, 2, 0))
    np.testing.assert_array_equal(other.transpose(2, 0, 1), got)
    np.testing.assert_allclose(op.linear_scaling([2.0], [1.0])(tensor), tensor / 2 + 1)
    with pytest.raises(ValueError, match="layout"):
        op.normalize(mean, std, layout="CWH")(tensor)


def test_contrast_normalize_stretches() -> None:
    assert op.contrast_normalize()(np.array([2.0, 4, 3])).tolist() == [0, 1, 0.5]
    assert op.contrast_normalize()(np.array([2.0, 2])).tolist() == [0, 0]


def test_crop_roi_cuts_the_objects_box_and_becomes_the_image() -> None:
    image = picture(100, 200)
    found = op.DetectedObject(0, 0, op.BBox(0.25, 0.5, 0.75, 1.0), 1.0)
    with op.frame_context(image) as frame:
        result = op.for_each(op.crop_roi("bbox"), op.identity)([found])
        assert frame.image is image
    np.testing.assert_array_equal(result.output[0], image[50:100, 50:150])


def test_crop_roi_of_columns_is_in_pixels_of_the_input() -> None:
    image = picture(100, 200)
    with op.frame_context(image):
        op.letterbox(100, 100)(image)
        cut = op.crop_roi(indices=(0, 1, 2, 3))(np.array([0.0, 25, 50, 75, 1, 0]))
    np.testing.assert_array_equal(cut, image[:, :100])


def test_crop_roi_refuses_what_is_no_box() -> None:
    empty = op.DetectedObject(0, 0, op.BBox(0.5, 0.5, 0.5, 0.9), 1.0)
    with pytest.raises(TypeError, match=r"op\.frame_context"):
        op.crop_roi("bbox")(empty)
    with op.frame_context(picture(10, 10)), pytest.raises(ValueError, match="covers no pixel"):
        op.crop_roi("bbox")(empty)
    with op.frame_context(picture(10, 10)), pytest.raises(TypeError, match=r"int\.bbox is no BBox"):
        op.crop_roi("bbox")(3)


def test_a_box_turned_by_a_right_angle_is_cut_out_upright() -> None:
    image = picture(40, 40)
    turned = op.OrientedObject(0, 0, 0.5, 0.5, 0.5, 0.25, np.pi / 2, 1.0)
    with op.frame_context(image):
        cut = op.crop_rotated_roi()(turned)
    np.testing.assert_array_equal(cut, np.rot90(image[10:30, 15:25]))


def test_colours_are_known_or_said() -> None:
    rgb = picture(2, 2)
    image = Image.from_array(rgb, "RGB")
    np.testing.assert_array_equal(op.color_convert("bgr")(image).to_numpy(), rgb[:, :, ::-1])
    np.testing.assert_array_equal(op.color_convert("RGB", src="BGR")(image).to_numpy(), rgb)  # src is ignored
    np.testing.assert_array_equal(op.color_convert("RGB", src="BGR")(rgb).to_numpy(), rgb[:, :, ::-1])
    with pytest.raises(ValueError, match="PACKED cannot be converted to RGB"):
        op.color_convert("RGB")(rgb)


def test_what_is_cut_out_has_the_colours_that_the_frame_was_converted_to() -> None:
    bgr = picture(4, 4)
    found = [op.DetectedObject(0, 0, op.BBox(0, 0, 1, 1), 1.0)]
    pipeline = op.seq(
        op.color_convert("RGB", src="BGR"), op.constant(found), op.for_each(op.crop_roi("bbox"))
    )
    np.testing.assert_array_equal(pipeline(bgr).output[0].to_numpy(), bgr[:, :, ::-1])


@pytest.mark.parametrize("colours", ["RGB", "BGR", "RGBA", "BGRA"])
def test_colours_go_forth_and_back(colours: str) -> None:
    rgb = Image.from_array(picture(3, 3), "RGB")
    assert rgb.convert("RGB") is rgb
    np.testing.assert_array_equal(rgb.convert(colours).convert("RGB").to_numpy(), rgb.to_numpy())
    grey = np.abs(
        rgb.convert(colours).convert("GRAY").to_numpy()[..., 0] - rgb.to_numpy() @ [0.299, 0.587, 0.114]
    )
    assert grey.max() <= 0.51


def test_images_of_what_is_not_here_are_refused_by_name() -> None:
    image = Image.from_array(np.zeros((4, 4, 3), np.uint8), "BGR")
    assert (image.color_range, image.color_matrix) == (None, None)
    for make in (Image.from_gst, Image.from_videobuffer):
        with pytest.raises(NotImplemented, match=f"Image.{make.__name__}: .*use from_array"):
            make(object())


def test_images_are_read_only_views() -> None:
    array = picture(3, 4)
    image = Image.from_array(array, "BGR")
    assert (image.width, image.height, image.shape, image.ndim, image.nbytes) == (4, 3, (3, 4, 3), 3, 36)
    assert np.shares_memory(image.to_numpy(), array)
    with pytest.raises(ValueError, match="read-only"):
        image.to_numpy()[0, 0] = 0
    for wrong in (array.astype(np.float32), array[:, :, :2], np.zeros((0, 3, 3), np.uint8)):
        with pytest.raises(ValueError, match="an image"):
            Image.from_array(wrong)
    with pytest.raises(TypeError, match="a str is no image"):
        Image.from_any("x")


def test_sources_of_images_and_directories(tmp_path: Path) -> None:
    pictures = [picture(3, 4) for _ in range(3)]
    for index, pixels in enumerate(pictures):
        PIL.Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    (tmp_path / "notes.txt").write_text("no image")
    with create_source(tmp_path) as source:
        assert source.frame_count == 3
        for image, pixels in zip(source, pictures, strict=True):
            np.testing.assert_array_equal(image.convert("RGB").to_numpy(), pixels)
    with create_source(str(tmp_path / "1.png")) as source:
        assert len(list(source)) == 1
    results = op.seq(lambda image: image.source).stream(str(tmp_path))
    assert [Path(result).name for _, result in results] == ["0.png", "1.png", "2.png"]


def test_sources_refuse_what_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        create_source(tmp_path / "nowhere.png")
    with pytest.raises(ValueError, match="holds no image"):
        create_source(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with (
        create_source(tmp_path) as source,
        pytest.raises(RuntimeError, match=r"broken\.png: cannot be decoded"),
    ):
        list(source)


def test_an_image_whose_orientation_is_damaged_is_refused_by_name(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(picture(3, 4)).save(tmp_path / "a.webp", exif=exif)
    content = (tmp_path / "a.webp").read_bytes()
    assert content.count(b"MM\0*") == 1
    (tmp_path / "a.webp").write_bytes(content.replace(b"MM\0*", b"MX\0*"))
    with pytest.raises(RuntimeError, match=r"a\.webp: cannot be decoded"):
        list(create_source(tmp_path))


def test_greys_of_16_bits_are_scaled(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16)).save(tmp_path / "deep.png")
    (image,) = create_source(tmp_path)
    assert image.convert("RGB").to_numpy()[0, :, 0].tolist() == [0, 1, 128, 255]
    with PIL.Image.open(tmp_path / "deep.png") as deep:
        assert letterbox(deep, 4, 1).pixels[0, :, 0].tolist() == [0, 1, 128, 255]
