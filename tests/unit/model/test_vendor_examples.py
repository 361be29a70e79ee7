"""Two directories of the vendor's compiler, re-made from their published figures, load as metadata."""

import json
from pathlib import Path
from typing import Any

from axemu.model import load_compiled_model


def _pool(name: str, size: int, memory: str, depth: int = 1, **more: str) -> dict[str, Any]:
    return {"name": name, "size": size, "alignment": 64, "memory": memory, "depth": depth, **more}


def _tensor(name: str, pool: str, offset: int, *shape: int) -> dict[str, Any]:
    size = 1
    for extent in shape:
        size *= extent
    return {
        "name": name,
        "memory_pool": pool,
        "offset": offset,
        "size": size,
        "shape": list(shape),
        "dtype": "int8",
    }


def _write(directory: Path, model: dict[str, Any], manifest: dict[str, Any]) -> Path:
    kernel = {
        "name": "kernel_function",
        "arguments": [],
        "pipeline_stage": 0,
        "source_file": "kernel_function.c",
        "functions": {},
    }
    head = {
        "name": "kernel_function",
        "type": "default",
        "version": "4.0",
        "generation": "omega",
        "kernels": [kernel],
    }
    (directory / "model.json").write_text(json.dumps(head | model))
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def test_a_detector_with_six_outputs(tmp_path: Path) -> None:
    outputs, offset = [], 0
    for index, side in enumerate([80, 80, 40, 40, 20, 20]):
        outputs.append(_tensor(f"output_mmio_var_{index}", "ddr_output", offset, 1, side, side, 64))
        offset += side * side * 64
    assert offset == 1_075_200
    model = {
        "memory_pools": [
            _pool("ddr_const", 18_083_840, "ddr", blob_file="pool_ddr_const.bin"),
            _pool("ddr_input", 1_684_608, "ddr", 2),
            _pool("ddr_output", 1_075_200, "ddr", 2),
            _pool("l2", 6_553_600, "l2"),
            _pool("l2_const", 673_024, "l2", blob_file="pool_l2_const.bin"),
        ],
        "inputs": [_tensor("var_input_ifd0", "ddr_input", 0, 1, 642, 656, 4)],
        "outputs": outputs,
    }
    manifest = {
        "quantize_params": [[0.0039213, -130]],
        "dequantize_params": [[0.08, zero] for zero in (-10, -10, -24, 106, 104, 87)],
        "n_padded_ch_inputs": [[0, 0, 1, 1, 1, 15, 0, 1]],
        "n_padded_ch_outputs": [[0, 0, 0, 0, 0, 0, 0, pad] for pad in (0, 61, 0, 61, 0, 61)],
        "postprocess_graph": "build/detector/postprocess_graph.onnx",
        "preprocess_graph": None,
        "manifest_version": "1.1",
    }
    (tmp_path / "postprocess_graph.onnx").touch()
    loaded = load_compiled_model(_write(tmp_path, model, manifest))
    assert loaded.inputs[0].unpadded_shape == (1, 640, 640, 3)
    assert loaded.inputs[0].zero_point == -130
    assert [info.unpadded_shape[-1] for info in loaded.outputs] == [64, 3, 64, 3, 64, 3]
    assert sum(size for _, size in loaded.l2_pools) == 6_553_600 + 673_024
    assert loaded.postamble_graph == "postprocess_graph.onnx"


def test_a_point_network_with_a_second_flat_input(tmp_path: Path) -> None:
    model = {
        "memory_pools": [_pool("ddr_input", 32_640, "ddr", 2), _pool("ddr_output", 64, "ddr", 2)],
        "inputs": [
            _tensor("var_input_ifd0", "ddr_input", 16_320, 1, 255, 16, 4),
            _tensor("var_input_ifd0_1", "ddr_input", 0, 16_320),
        ],
        "outputs": [_tensor("output_mmio_var", "ddr_output", 0, 1, 1, 1, 64)],
    }
    manifest = {
        "quantize_params": [[0.39918, -69]],
        "dequantize_params": [[0.39634, -74]],
        "n_padded_ch_inputs": [[0, 0, 0, 0, 0, 15, 0, 0]],
        "n_padded_ch_outputs": [[0, 0, 0, 0, 0, 0, 0, 56]],
        "manifest_version": "1.0",
    }
    loaded = load_compiled_model(_write(tmp_path, model, manifest))
    assert [info.unpadded_shape for info in loaded.inputs] == [(1, 255, 1, 4), (16_320,)]
    assert [info.zero_point for info in loaded.inputs] == [-69, -69]
    assert loaded.inputs[0].size == loaded.inputs[1].size
    assert loaded.outputs[0].unpadded_shape == (1, 1, 1, 8)
