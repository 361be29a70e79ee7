"""What a property is said to do here is what the compiler does with it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from axelera import compiler
from axelera.compiler.config import CompilerConfig, Effect, here_of

ROOT = Path(__file__).resolve().parents[4]
MODELLED = {
    n for n, f in CompilerConfig.model_fields.items() if here_of(f.metadata).effect is Effect.MODELLED
}
# Modelled, but not read while an ONNX network is quantised and compiled.
BY_THE_CONFIGURATION_ITSELF = {"multicore_mode"}
BY_AXCOMPILE = {"compiler_mode", "randomize_onnx_model", "save_error_artifact"}
BY_TORCH_EXPORT = {"onnx_opset_version"}


class Recording(CompilerConfig):
    """A configuration that knows which properties were read."""

    def __getattribute__(self, name: str) -> Any:
        if name in CompilerConfig.model_fields:
            READ.add(name)
        return super().__getattribute__(name)


READ: set[str] = set()


def network() -> ModelProto:
    weight = numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w"], ["scores"])],
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4, 8, 8])],
        [weight],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def read_while_compiling(config: CompilerConfig) -> set[str]:
    READ.clear()
    sample = np.linspace(-1, 1, 192, dtype=np.float32).reshape(1, 3, 8, 8)
    compiler.compile(compiler.quantize(network(), [sample], config), config, None)
    return set(READ)


def test_the_compiler_reads_the_modelled_properties_and_no_others(tmp_path: Path) -> None:
    config = Recording(output_dir=tmp_path / "model", output_axm_format=True, model_name="net")
    assert (
        read_while_compiling(config) | BY_THE_CONFIGURATION_ITSELF | BY_AXCOMPILE | BY_TORCH_EXPORT
        == MODELLED
    )


def test_every_property_that_code_reads_is_modelled() -> None:
    read = set()
    for path in [*ROOT.glob("compiler/**/*.py"), *ROOT.glob("cli/**/*.py")]:
        if "config" not in path.parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            read |= {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("config")
            }
    assert read & CompilerConfig.model_fields.keys() | BY_THE_CONFIGURATION_ITSELF == MODELLED


@pytest.mark.parametrize(
    "settings",
    [
        {"dfs_search_constraint": 1, "split_buffer_promotion": True},
        {
            "enable_icr": False,
            "use_list_scheduler": True,
            "profiling_levels": ["[B]"],
            "stream_tasklist": False,
        },
    ],
)
def test_settings_without_effect_change_no_file_but_the_configuration(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    files = []
    for name, config in (("default", CompilerConfig()), ("changed", CompilerConfig(**settings))):
        compiler.compile(
            compiler.quantize(network(), [np.ones((1, 3, 8, 8), np.float32)], config), config, tmp_path / name
        )
        files.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
        assert set(config.settings_without_effect()) == (set() if name == "default" else set(settings))
        files[-1].pop("compile_config.json")
    assert files[0] == files[1]


def test_an_archive_lies_beside_the_model_whatever_the_network_is_called(tmp_path: Path) -> None:
    model = network()
    model.graph.name = "../../elsewhere"
    config = CompilerConfig(output_axm_format=True)
    quantised = compiler.quantize(model, [np.ones((1, 3, 8, 8), np.float32)], config)
    compiler.compile(quantised, config, tmp_path / "a" / "b" / "model")
    (archive,) = tmp_path.rglob("*.axm")
    assert archive.parent == tmp_path / "a" / "b"
