"""A compiled model is read with suspicion: what is sound loads, what is not is named."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axemu.driver import IncompatibleDevice, InvalidArgument, TensorInfo
from axemu.model import load_compiled_model

Contents = dict[str, dict[str, Any]]
Write = Callable[[], Path]


def test_model_and_manifest_are_joined_by_index(write: Write) -> None:
    model = load_compiled_model(write())
    assert model.inputs == (
        TensorInfo(
            (1, 10, 16, 4), np.int8, "var_input_ifd0", [(0, 0), (1, 1), (1, 7), (0, 1)], 0.0039213, -130
        ),
    )
    assert model.outputs == (
        TensorInfo((1, 1, 1, 64), np.int8, "output_mmio_var", [(0, 0), (0, 0), (0, 0), (0, 54)], 0.1, 5),
    )
    assert (model.name, model.batch, model.l2_pools) == ("net", 1, (("l2", 4096), ("l2_const", 100)))


def test_the_json_file_its_directory_and_text_paths_mean_the_same(write: Write) -> None:
    directory = write()
    models = [load_compiled_model(path) for path in (directory, directory / "model.json", str(directory))]
    assert models[0] == models[1] == models[2]


def test_a_build_for_n_cores_is_called_after_the_model(write: Write) -> None:
    directory = write()
    (directory / "4").mkdir()
    for name in ("model.json", "manifest.json"):
        (directory / name).rename(directory / "4" / name)
    assert load_compiled_model(directory / "4" / "model.json").name == "net"


def test_what_axcompile_wrote_is_called_after_the_directory_around_it(write: Write) -> None:
    directory = write()
    (directory / "compiled_model").mkdir()
    for name in ("model.json", "manifest.json"):
        (directory / name).rename(directory / "compiled_model" / name)
    for path in (directory / "compiled_model", directory / "compiled_model" / "model.json"):
        assert load_compiled_model(path).name == "net"
        assert load_compiled_model(path).properties["name"] == "net"


def test_the_directory_around_it_is_refused_with_where_to_look(write: Write) -> None:
    directory = write()
    inside = directory / "compiled_model"
    inside.mkdir()
    (directory / "model.json").rename(inside / "model.json")
    with pytest.raises(InvalidArgument, match=f"give {inside}"):
        load_compiled_model(directory)


def test_without_a_manifest_quantisation_and_padding_take_their_defaults(
    write: Write, contents: Contents
) -> None:
    del contents["manifest.json"]
    (info,) = load_compiled_model(write()).inputs
    assert (info.scale, info.zero_point, info.padding) == (1.0, 0, [])


def test_null_entries_of_the_manifest_take_their_defaults(write: Write, contents: Contents) -> None:
    contents["manifest.json"] = dict.fromkeys(contents["manifest.json"])
    contents["manifest.json"]["n_padded_ch_inputs"] = [None]
    (info,) = load_compiled_model(write()).inputs
    assert (info.scale, info.zero_point, info.padding) == (1.0, 0, [])


def test_the_older_file_name_is_found(write: Write) -> None:
    directory = write()
    (directory / "model.json").rename(directory / "model_resnet.json")
    (directory / "model_info.json").write_text("[]")
    assert load_compiled_model(directory).batch == 1


def test_several_older_files_need_a_choice(write: Write) -> None:
    directory = write()
    content = (directory / "model.json").read_text()
    (directory / "model.json").unlink()
    for name in ("model_a.json", "model_b.json"):
        (directory / name).write_text(content)
    with pytest.raises(InvalidArgument, match=r"several models \(model_a\.json, model_b\.json\)"):
        load_compiled_model(directory)
    assert load_compiled_model(directory / "model_b.json").batch == 1


@pytest.mark.parametrize("version", ["4.0", "5.0", "5.3", "4.0.1"])
def test_known_versions_load(write: Write, contents: Contents, version: str) -> None:
    contents["model.json"]["version"] = version
    assert load_compiled_model(write()).properties["version"] == version


@pytest.mark.parametrize("version", ["3.9", "6.0", "0.1", "40.0"])
def test_other_versions_are_incompatible(write: Write, contents: Contents, version: str) -> None:
    contents["model.json"]["version"] = version
    with pytest.raises(
        IncompatibleDevice, match=f"Unsupported model version: {version}, expected 4.x or 5.x"
    ):
        load_compiled_model(write())


def test_batch_is_the_leading_dimension(write: Write, contents: Contents) -> None:
    _reshape(contents, [4, 10, 16, 4])
    assert load_compiled_model(write()).batch == 4


def test_a_batch_no_board_can_hold_is_incompatible(write: Write, contents: Contents) -> None:
    _reshape(contents, [5, 10, 16, 4])
    with pytest.raises(IncompatibleDevice, match="batch 5 needs 5 cores"):
        load_compiled_model(write())


def test_a_second_flat_input_repeats_the_first_ones_quantisation(write: Write, contents: Contents) -> None:
    _add_flat_input(contents)
    first, second = load_compiled_model(write()).inputs
    assert (second.shape, second.scale, second.zero_point, second.padding) == ((640,), first.scale, -130, [])


def test_a_second_flat_input_may_be_spelled_out_too(write: Write, contents: Contents) -> None:
    _add_flat_input(contents)
    contents["manifest.json"]["quantize_params"].append([0.5, 1])
    contents["manifest.json"]["n_padded_ch_inputs"].append([0, 0, 1, 1, 1, 7, 0, 1])
    second = load_compiled_model(write()).inputs[1]
    assert (second.scale, second.zero_point, second.padding) == (0.5, 1, [])


@pytest.mark.parametrize(
    "spelling", ["post.onnx", "build/x/post.onnx", "/home/someone/out/post.onnx", "b\\post.onnx"]
)
@pytest.mark.parametrize("key", ["postprocess_graph", "postamble_graph"])
def test_a_graph_is_found_beside_the_manifest_however_it_was_spelled(
    write: Write, contents: Contents, spelling: str, key: str
) -> None:
    contents["manifest.json"][key] = spelling
    directory = write()
    (directory / "post.onnx").write_bytes(b"")
    model = load_compiled_model(directory)
    assert (model.postamble_graph, model.preamble_graph) == ("post.onnx", "")
    assert model.properties["postamble_graph"] == "post.onnx"


@pytest.mark.parametrize(
    "spelling", ["../../etc/passwd", "/etc/passwd", "..", "/", "a/..", "nul\0byte", "missing.onnx"]
)
def test_a_graph_elsewhere_is_refused(write: Write, contents: Contents, spelling: str) -> None:
    contents["manifest.json"]["preprocess_graph"] = spelling
    with pytest.raises(InvalidArgument, match="preprocess_graph"):
        load_compiled_model(write())


def test_a_link_out_of_the_directory_is_refused(write: Write, contents: Contents, tmp_path: Path) -> None:
    contents["manifest.json"]["postprocess_graph"] = "post.onnx"
    directory = write()
    (tmp_path / "secret").write_text("x")
    (directory / "post.onnx").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidArgument, match=r"post\.onnx is a link to a place outside"):
        load_compiled_model(directory)


def test_missing_paths_say_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"no such file or directory; give a model\.json"):
        load_compiled_model(tmp_path / "nothing")
    with pytest.raises(InvalidArgument, match=r"holds no model\.json"):
        load_compiled_model(tmp_path)


@pytest.mark.parametrize("name", ["model.json", "manifest.json"])
def test_every_truncation_of_a_file_is_a_clear_error(write: Write, name: str) -> None:
    path = write() / name
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InvalidArgument, match=name):
            load_compiled_model(path.parent)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe{}", b"[]", b"null", b'"x"', b"[" * 100_000, b'{"a": NaN}', b"1" * 5000]
)
@pytest.mark.parametrize("name", ["model.json", "manifest.json"])
def test_files_that_are_no_json_object_are_named(write: Write, name: str, content: bytes) -> None:
    path = write() / name
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match=name):
        load_compiled_model(path.parent)


def test_an_endless_file_is_not_read_to_its_end(write: Write) -> None:
    path = write() / "model.json"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    with pytest.raises(InvalidArgument, match="larger than 16777216 B"):
        load_compiled_model(path.parent)


@pytest.mark.parametrize("name", ["model.json", "manifest.json"])
def test_a_named_pipe_is_not_waited_for(write: Write, name: str) -> None:
    path = write() / name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InvalidArgument, match=rf"{name}: not a regular file"):
        load_compiled_model(path.parent)


@pytest.mark.parametrize("name", ["model.json", "manifest.json"])
def test_a_device_is_no_file(write: Write, name: str) -> None:
    path = write() / name
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(InvalidArgument, match=rf"{name}: not a regular file"):
        load_compiled_model(path.parent)


def test_a_manifest_that_leads_nowhere_is_not_taken_for_a_missing_one(write: Write) -> None:
    path = write() / "manifest.json"
    path.unlink()
    path.symlink_to("gone.json")
    with pytest.raises(InvalidArgument, match=r"manifest\.json: cannot be read: No such file"):
        load_compiled_model(path.parent)


def test_files_that_are_links_into_a_cache_belong_to_the_directory_of_the_links(
    write: Write, tmp_path: Path
) -> None:
    """Download caches and build systems lay out models that way."""
    directory = write()
    plain = load_compiled_model(directory)
    (tmp_path / "cache").mkdir()
    for number, path in enumerate(sorted(directory.iterdir())):
        path.rename(tmp_path / "cache" / f"{number}")
        path.symlink_to(tmp_path / "cache" / f"{number}")
    assert load_compiled_model(directory / "model.json") == plain


@pytest.mark.parametrize("name", ["model.json", "manifest.json"])
def test_a_key_that_occurs_twice_is_refused(write: Write, name: str) -> None:
    """Every parser believes another of the two."""
    path = write() / name
    path.write_text(path.read_text().replace("{", '{"extra": 1, "extra": 2, ', 1))
    with pytest.raises(InvalidArgument, match=rf"{name}: .*key 'extra' occurs twice"):
        load_compiled_model(path.parent)


@pytest.mark.parametrize("text", ["a\x1b[2J", "a\nb", "x" * 1025])
def test_names_that_would_spoil_a_message_are_refused(write: Write, contents: Contents, text: str) -> None:
    contents["model.json"]["inputs"][0]["name"] = text
    with pytest.raises(InvalidArgument, match="1024 printable characters") as caught:
        load_compiled_model(write())
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("length", [300, 5000])
def test_paths_too_long_for_any_file_are_refused(write: Write, contents: Contents, length: int) -> None:
    contents["manifest.json"]["postprocess_graph"] = "x" * length
    with pytest.raises(InvalidArgument, match="postprocess_graph"):
        load_compiled_model(write())
    with pytest.raises(InvalidArgument, match="no such file or directory"):
        load_compiled_model("x" * length)


@pytest.mark.skipif(
    sys.getfilesystemencoding() != "utf-8", reason="no such directory can exist: names are ASCII here"
)
def test_names_of_any_script_load(write: Write, contents: Contents) -> None:
    contents["model.json"]["inputs"][0]["name"] = "entrée 入力"
    directory = write().rename(write().parent / "réseau 網")
    model = load_compiled_model(directory)
    assert (model.name, model.inputs[0].name) == ("réseau 網", "entrée 入力")


ODDITIES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1 << 70,
    10**400,
    "",
    "x",
    [],
    {},
    [[]],
    [{}],
    [None],
    [[1]],
    [-1],
    ["a"],
    [1 << 70],
]


@pytest.mark.parametrize("name", ["model.json", "manifest.json"])
def test_any_value_anywhere_loads_or_is_refused_by_name(write: Write, contents: Contents, name: str) -> None:
    """Every place of a file in turn holds every oddity; nothing but documented errors may come of it."""
    path = write() / name
    whole = contents[name]
    refusals = []
    for place in _places(whole):
        for oddity in ODDITIES:
            path.write_text(json.dumps(_changed(whole, place, oddity)))
            try:
                model = load_compiled_model(path.parent)
            except (InvalidArgument, IncompatibleDevice) as error:
                refusals.append(str(error))
            else:
                assert sum(info.size for info in (*model.inputs, *model.outputs)) < 1 << 31
    assert len(refusals) > 100
    assert [message for message in refusals if str(path) not in message] == []


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("inputs", 0, "shape"), [1, 1 << 30, 16, 4], "a tensor of at most"),
        (("inputs", 0, "shape"), [1, 0, 16, 4], "positive integers"),
        (("inputs", 0, "size"), 641, "640, the bytes of shape"),
        (("inputs", 0, "dtype"), "uint8", '"int8"'),
        (("inputs", 0, "memory_pool"), "nowhere", "one of memory_pools"),
        (("inputs", 0, "offset"), 64, "room for 640 B within the 640 B of pool ddr_input"),
        (("inputs",), [], "at least one tensor"),
        (("memory_pools", 0, "memory"), "sram", '"ddr" or "l2"'),
        (("memory_pools", 0, "blob_file"), "../x.bin", "beside model.json"),
        (("version",), "new", "a version such as"),
    ],
)
def test_contradictions_of_model_json_name_place_and_expectation(
    write: Write, contents: Contents, place: tuple[Any, ...], value: Any, message: str
) -> None:
    contents["model.json"] = _changed(contents["model.json"], place, value)
    with pytest.raises(InvalidArgument) as caught:
        load_compiled_model(write())
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("quantize_params", [[0.0, 1]], "positive float32 scale"),
        ("quantize_params", [[1e-300, 1]], "positive float32 scale"),
        ("quantize_params", [[10**400, 1]], "positive float32 scale"),
        ("quantize_params", [[0.1, 10**400]], "32-bit integer zero point"),
        ("quantize_params", [[0.1, 0.5]], "32-bit integer zero point"),
        ("quantize_params", [[0.1, 1], [0.1, 1]], "2 given for the 1 tensors"),
        ("n_padded_ch_inputs", [[1, 2, 3, 4]], "4 numbers; its 4 dimensions need 8"),
        ("n_padded_ch_inputs", [[0, 0, 9, 9, 0, 0, 0, 0]], "does not fit"),
        ("n_padded_ch_inputs", [[0, 0, 5, 5, 0, 0, 0, 0]], "leaves nothing"),
        ("n_padded_ch_inputs", [[1, 2, 3]], "even number"),
        ("input_tensor_layout", "NCHW", '"NHWC"'),
    ],
)
def test_contradictions_of_the_manifest_name_place_and_expectation(
    write: Write, contents: Contents, key: str, value: Any, message: str
) -> None:
    contents["manifest.json"][key] = value
    with pytest.raises(InvalidArgument) as caught:
        load_compiled_model(write())
    assert message in str(caught.value)


def _reshape(contents: Contents, shape: list[int]) -> None:
    model = contents["model.json"]
    model["inputs"][0]["shape"] = shape
    model["inputs"][0]["size"] = model["memory_pools"][2]["size"] = int(np.prod(shape))


def _add_flat_input(contents: Contents) -> None:
    model = contents["model.json"]
    model["inputs"].append({**model["inputs"][0], "name": "var_input_ifd0_1", "shape": [640], "offset": 640})
    model["memory_pools"][2]["size"] = 1280


def _places(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*so_far, key) for key, _ in inside] + [
        place for key, item in inside for place in _places(item, (*so_far, key))
    ]


def _changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    copy = value.copy()
    copy[place[0]] = new if len(place) == 1 else _changed(value[place[0]], place[1:], new)
    return copy


def test_half_a_character_is_no_text(write: Write, contents: Contents) -> None:
    contents["model.json"]["inputs"][0]["name"] = "\ud800"
    with pytest.raises(InvalidArgument, match="surrogates not allowed"):
        load_compiled_model(write())
