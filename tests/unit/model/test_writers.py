"""model.json and manifest.json hold exactly the vendor's known keys, and read back as what was written."""

import json
from pathlib import Path

from axemu.driver import TensorInfo
from axemu.model import MemoryPool, load_compiled_model, manifest_json, model_json

INPUTS = [
    TensorInfo((2, 5, 16, 4), padding=[(0, 0), (0, 0), (0, 3), (0, 1)], scale=0.5, zero_point=-200),
    TensorInfo((640,)),
]
OUTPUTS = [
    TensorInfo((2, 1, 1, 64), padding=[(0, 0)] * 3 + [(0, 1)], scale=0.25, zero_point=3),
    TensorInfo((2, 1, 1, 7)),
]
POOLS = [MemoryPool("ddr_const", 128, "ddr", blob_file="pool_ddr_const.bin"), MemoryPool("l2", 64, "l2")]


def _manifest() -> dict[str, object]:
    return manifest_json(
        INPUTS,
        OUTPUTS,
        input_names=["a", "b"],
        input_shapes_original=[(2, 3, 5, 13), (2, 320)],
        output_shapes_original=[(2, 63), (2, 7)],
        postprocess_graph="post.onnx",
    )


def test_the_manifest_has_the_keys_its_strict_reader_knows() -> None:
    assert set(_manifest()) == {
        "quantized_model_file", "input_shapes", "input_dtypes", "output_shapes", "output_dtypes",
        "input_shapes_original", "output_shapes_original", "quantize_params", "dequantize_params", "input_names",
        "model_lib_file", "model_params_file", "n_padded_ch_inputs", "n_padded_ch_outputs", "input_tensor_layout",
        "preprocess_graph", "postprocess_graph", "model_metadata", "manifest_version",
    }  # fmt: skip


def test_model_json_has_the_known_keys_at_every_level() -> None:
    model = model_json(INPUTS, OUTPUTS, POOLS)
    assert set(model) == {
        "name", "type", "version", "generation", "memory_pools", "inputs", "outputs", "kernels",
    }  # fmt: skip
    assert {frozenset(entry) for entry in (*model["inputs"], *model["outputs"])} == {
        frozenset({"name", "memory_pool", "offset", "size", "shape", "dtype"})
    }
    pool_keys = {"name", "size", "alignment", "memory", "depth"}
    assert [set(pool) for pool in model["memory_pools"]] == [
        pool_keys | {"blob_file"},
        pool_keys,
        pool_keys,
        pool_keys,
    ]
    assert set(model["kernels"][0]) == {"name", "arguments", "pipeline_stage", "source_file", "functions"}


def test_io_pools_hold_every_tensor_aligned() -> None:
    model = model_json(INPUTS, OUTPUTS)
    assert [entry["offset"] for entry in (*model["inputs"], *model["outputs"])] == [0, 640, 0, 128]
    assert [(pool["name"], pool["size"], pool["depth"]) for pool in model["memory_pools"]] == [
        ("ddr_input", 1280, 2),
        ("ddr_output", 192, 2),
    ]


def test_io_pools_that_the_planner_gives_are_taken_as_they_are() -> None:
    pools = [MemoryPool("ddr_input", 4096, "ddr", depth=1), *POOLS]
    names = [pool["name"] for pool in model_json(INPUTS, OUTPUTS, pools)["memory_pools"]]
    assert names == ["ddr_input", "ddr_const", "l2", "ddr_output"]


def test_names_follow_the_vendors_numbering() -> None:
    model = model_json(INPUTS, OUTPUTS)
    assert [entry["name"] for entry in model["inputs"]] == ["var_input_ifd0", "var_input_ifd0_1"]
    assert [entry["name"] for entry in model["outputs"]] == ["output_mmio_var", "output_mmio_var_1"]


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(model_json(INPUTS, OUTPUTS, POOLS)))
    (tmp_path / "manifest.json").write_text(json.dumps(_manifest()))
    (tmp_path / "post.onnx").touch()
    model = load_compiled_model(tmp_path)
    read = [
        (info.shape, info.padding, info.scale, info.zero_point) for info in (*model.inputs, *model.outputs)
    ]
    assert read == [(info.shape, info.padding, info.scale, info.zero_point) for info in (*INPUTS, *OUTPUTS)]
    assert (model.batch, model.postamble_graph) == (2, "post.onnx")
