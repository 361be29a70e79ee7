"""Reading what an Ultralytics model says about itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from axelera.compiler.config import CompilerConfig
from axelera.compiler.config.model_specific import extract_ultralytics_metadata


def network(**entries: str) -> onnx.ModelProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [value],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph)
    helper.set_model_props(model, entries)
    return model


EXPORTED = {
    "task": "pose",
    "names": "{0: 'person', 1: 'dog'}",
    "stride": "32",
    "imgsz": "[640, 480]",
    "kpt_shape": "[17, 3]",
    "author": "Ultralytics",
}
EXPECTED: dict[str, Any] = {
    "task": "pose",
    "names": {"0": "person", "1": "dog"},
    "stride": 32,
    "imgsz": [640, 480],
    "kpt_shape": [17, 3],
}


def test_the_entries_of_an_exported_onnx_model_become_json_values() -> None:
    assert extract_ultralytics_metadata(network(**EXPORTED)) == EXPECTED


def test_a_path_works_like_the_model(tmp_path: Path) -> None:
    onnx.save(network(**EXPORTED), tmp_path / "m.onnx")
    assert extract_ultralytics_metadata(tmp_path / "m.onnx") == EXPECTED


def test_a_pytorch_model_gives_the_largest_stride_of_its_heads() -> None:
    inner = SimpleNamespace(stride=np.array([8.0, 16.0, 32.0]), names={0: "person"})
    assert extract_ultralytics_metadata(SimpleNamespace(task="detect", model=inner)) == {
        "task": "detect",
        "names": {"0": "person"},
        "stride": 32,
    }


def test_the_result_is_accepted_as_model_metadata() -> None:
    assert (
        CompilerConfig(model_metadata=extract_ultralytics_metadata(network(**EXPORTED))).model_metadata
        == EXPECTED
    )


def test_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="no Ultralytics metadata"):
        extract_ultralytics_metadata(network(stride="32"))


@pytest.mark.parametrize("text", ["__import__('os').getpid()", "{", "(" * 10_000, "0" * 70_000, "{1, 2}"])
def test_an_entry_is_data_and_never_code(text: str) -> None:
    with pytest.raises(ValueError, match=r"names|JSON"):
        extract_ultralytics_metadata(network(names=text))
