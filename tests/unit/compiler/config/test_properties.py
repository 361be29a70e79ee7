"""The configuration object: documented names, defaults, ranges, spellings, and rules over several properties."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axelera import compiler
from axelera.compiler.config import CompilerConfig, Effect, MulticoreMode, here_of
from axemu.driver import AxeleraError

# Property and default, as the public documentation of release 1.5 and 1.6 lists them.
DOCUMENTED: dict[str, Any] = {
    "compiler_mode": "quantize_and_lower",
    "model_name": "",
    "output_dir": None,
    "compiler_dir": None,
    "runtime_dir": None,
    "device_dir": None,
    "model_debug_save_dir": None,
    "remove_output_dir": False,
    "quantization_scheme": "per_tensor_histogram",
    "quantize_dw_channel_wise": False,
    "quantization_debug": False,
    "quantized_graph_export": True,
    "remove_io_quantization": False,
    "onnx_opset_version": 17,
    "apply_pword_padding": True,
    "rewrite_concat_to_resadd": True,
    "rewrite_dense_to_conv2d": True,
    "remove_io_padding_and_layout_transform": True,
    "remove_layout_transform_from_preamble": False,
    "apply_arithmetic_simplification": True,
    "simplify_mac_before_after_lut": True,
    "validate_operators": True,
    "run_graph_cleaner": True,
    "graph_cleaner_split_pre_post_processing": True,
    "graph_cleaner_condition": None,
    "graph_cleaner_node": None,
    "graph_cleaner_threshold": 0,
    "graph_cleaner_dump_core_onnx": None,
    "graph_cleaner_dump_full_opt_onnx": None,
    "pipeline_spatial_tiles": True,
    "pipeline_channel_tiles": True,
    "inter_operator_async": True,
    "use_hw_tokens": True,
    "use_list_scheduler": False,
    "unroll_prologue_epilogue": False,
    "group_ifdw_tasks": False,
    "double_buffer": True,
    "max_memplan_attempts": 5,
    "max_tiling_attempts": 8,
    "force_h_tiling": None,
    "force_oc_tiling": None,
    "tiling_depth": 1,
    "dfs_search_constraint": None,
    "enable_buffer_promotion": True,
    "split_buffer_promotion": False,
    "io_memory_pool": "global.ddr",
    "constant_memory_pool": "global.ddr",
    "workspace_memory_pool": "global.ddr",
    "l1_constraint": None,
    "l2_constraint": None,
    "ddr_constraint": None,
    "use_sysdma": False,
    "ignore_weight_buffers": True,
    "dma_dual_channel": True,
    "dpu_constants_home": "global.l2",
    "dpu_instructions_home": "default",
    "dwpu_instructions_home": "default",
    "page_memory": True,
    "elf_in_ddr": True,
    "stream_tasklist": True,
    "mvm_utilization_limit": 1.0,
    "enable_icr": True,
    "enable_swicr": True,
    "icrx_force": -1,
    "icrx_parallel_block_threshold": 4,
    "icrx_max_factor": 8,
    "imc_double_buffer_pipeline": False,
    "imc_double_buffer_sequential": False,
    "dpu_allocation_algorithm": "try_all",
    "softmax_neutral_value": -100000,
    "frequency": 800_000_000,
    "aipu_cores_used": 1,
    "resources_used": 1.0,
    "multicore_mode": "multiprocess",
    "l1_size_used": 4_194_304,
    "l1_size_reserved": 524_288,
    "l2_size_used": 33_554_432,
    "l2_size_reserved": 1_245_184,
    "l2_size_reserved_tasklist": 1_048_576,
    "ddr_size_max": 2**30,
    "ddr_size_used": 2**30,
    "ddr_size_reserved": 32 * 2**20,
    "l1_virtual_address": 206175207424,
    "l1_core0_physical_address": 402653184,
    "host_processes_used": 1,
    "input_dmabuf": False,
    "output_dmabuf": False,
    "trace_tvm_passes": False,
    "propagate_span_information": True,
    "profiling_levels": [],
    "profiling_drop_percentile": 0.25,
    "randomize_onnx_model": True,
    "save_error_artifact": False,
}
# Seen in configuration files without being in the documented table, and one of ours.
EXTRA = {
    "output_axm_format": False,
    "model_metadata": None,
    "aipu_cores_max": 4,
    "allow_host_segments": False,
}

RANGES = [
    ("onnx_opset_version", 17, 16),
    ("max_memplan_attempts", 1, 0),
    ("max_tiling_attempts", 1, 0),
    ("tiling_depth", 1, 0),
    ("icrx_force", -1, -2),
    ("icrx_parallel_block_threshold", 1, 0),
    ("icrx_parallel_block_threshold", 4, 5),
    ("icrx_max_factor", 2, 1),
    ("icrx_max_factor", 8, 9),
    ("aipu_cores_used", 1, 0),
    ("aipu_cores_used", 4, 5),
    ("resources_used", 0.25, 0.0),
    ("resources_used", 1.0, 1.25),
    ("profiling_drop_percentile", 0.0, -0.1),
    ("graph_cleaner_threshold", 0, -1),
]


def test_every_documented_property_has_its_documented_default() -> None:
    assert CompilerConfig().model_dump(mode="json") == DOCUMENTED | EXTRA


def test_the_name_is_public_in_both_places() -> None:
    assert compiler.CompilerConfig is CompilerConfig


@pytest.mark.parametrize(("name", "inside", "outside"), RANGES)
def test_a_range_ends_where_it_is_documented(name: str, inside: float, outside: float) -> None:
    assert getattr(CompilerConfig(**{name: inside}), name) == inside
    with pytest.raises(ValueError, match=name):
        CompilerConfig(**{name: outside})


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [
        ("ptq_scheme", "quantization_scheme", "per_tensor_min_max"),
        ("aipu_cores", "aipu_cores_used", 4),
        ("resources", "resources_used", 0.25),
        ("quantize_only", "compiler_mode", True),
    ],
)
def test_an_older_spelling_sets_todays_property(alias: str, name: str, value: Any) -> None:
    expected = "quantize_only" if value is True else value
    assert getattr(CompilerConfig(**{alias: value}), name) == expected


def test_an_older_spelling_reads_and_assigns_todays_property() -> None:
    config = CompilerConfig(aipu_cores_used=2)
    assert config.aipu_cores == 2
    config.resources = 0.5
    assert config.resources_used == 0.5


def test_both_spellings_with_different_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"aipu_cores = 4 and aipu_cores_used = 2 are one property"):
        CompilerConfig(aipu_cores=4, aipu_cores_used=2)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tiling_dept", "tiling_depth"),
        ("resource_used", "resources_used"),
        ("quantisation_scheme", "quantization_scheme"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(written: str, meant: str) -> None:
    with pytest.raises(AxeleraError, match=rf"unknown property '{written}'; did you mean '{meant}'\?"):
        CompilerConfig(**{written: 1})


def test_an_unknown_choice_is_refused_with_all_choices_and_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=r"expected one of 'per_tensor_histogram'.*did you mean 'per_tensor_min_max'\?"
    ):
        CompilerConfig(quantization_scheme="per_tensor_minmax")


def test_all_problems_are_listed_at_once() -> None:
    with pytest.raises(ValueError, match="problem") as caught:
        CompilerConfig(tiling_depth=0, icrx_max_factor=1, nonsense=True)
    message = str(caught.value)
    assert message.startswith("3 problem(s)")
    assert all(name in message for name in ("tiling_depth", "icrx_max_factor", "nonsense"))


@pytest.mark.parametrize("name", ["../model", "a/b", "a\\b", "a\nb", "a\0", "x" * 201])
def test_a_model_name_is_no_path(name: str) -> None:
    with pytest.raises(ValueError, match="model_name"):
        CompilerConfig(model_name=name)


def test_the_guide_shows_the_message_users_see() -> None:
    guide = Path(__file__).resolve().parents[4] / "docs" / "how-to" / "configure-the-compiler.md"
    shown = guide.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0].strip()
    with pytest.raises(ValueError, match="problem") as caught:
        CompilerConfig(quantization_scheme="per_tensor_minmax", resources=0.3, tiling_dept=6)
    assert str(caught.value) == shown


@pytest.mark.parametrize("value", [1, "yes", "true", 0])
def test_a_number_or_a_word_is_not_a_boolean(value: object) -> None:
    with pytest.raises(ValueError, match="double_buffer"):
        CompilerConfig(double_buffer=value)


def test_an_assignment_is_checked_and_a_bad_one_changes_nothing() -> None:
    config = CompilerConfig(resources_used=0.25)
    with pytest.raises(ValueError, match=r"at least 1\.0"):
        config.aipu_cores_used = 4
    with pytest.raises(ValueError, match="did you mean"):
        config.tiling_deph = 6
    assert config == CompilerConfig(resources_used=0.25)


def test_a_frozen_property_takes_no_other_value() -> None:
    with pytest.raises(ValueError, match="aipu_cores_max"):
        CompilerConfig(aipu_cores_max=2)
    with pytest.raises(ValueError, match="frozen"):
        CompilerConfig().aipu_cores_max = 2


@given(cores=st.integers(1, 4), quarters=st.integers(1, 4))
def test_resources_cover_a_quarter_of_the_board_per_core(cores: int, quarters: int) -> None:
    arguments = {"aipu_cores_used": cores, "resources_used": quarters / 4}
    if quarters >= cores:
        assert CompilerConfig(**arguments).resources_used == quarters / 4
    else:
        with pytest.raises(ValueError, match="a quarter per core"):
            CompilerConfig(**arguments)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_resources_are_a_positive_multiple_of_a_quarter(value: float) -> None:
    if value in (0.25, 0.5, 0.75, 1.0):
        assert CompilerConfig(resources_used=value).resources_used == value
    else:
        with pytest.raises(ValueError, match="resources_used"):
            CompilerConfig(resources_used=value)


def test_several_cores_are_a_batch_unless_told_otherwise() -> None:
    assert CompilerConfig(aipu_cores_used=4).multicore_mode is MulticoreMode.BATCH


@pytest.mark.parametrize("mode", ["multiprocess", "multithread"])
def test_modes_of_single_core_copies_refuse_several_cores(mode: str) -> None:
    assert CompilerConfig(multicore_mode=mode).multicore_mode == mode
    with pytest.raises(ValueError, match="needs multicore_mode = 'batch'"):
        CompilerConfig(multicore_mode=mode, aipu_cores_used=4)


@pytest.mark.parametrize("mode", ["cooperative", "pipeline"])
def test_modes_nobody_runs_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="is refused"):
        CompilerConfig(multicore_mode=mode)


OTHER: dict[str, Any] = {
    "graph_cleaner_condition": "maximum_weight_tensor_size",
    "graph_cleaner_node": "Gemm",
    "softmax_neutral_value": 0.0,
    "mvm_utilization_limit": 0.5,
    "frequency": 400_000_000,
}
REFUSED = [
    name
    for name, field in CompilerConfig.model_fields.items()
    if here_of(field.metadata).effect is Effect.REFUSED and not field.frozen
]


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_property_refuses_a_valid_value_other_than_its_default(name: str) -> None:
    default = CompilerConfig.model_fields[name].default
    value = OTHER.get(name, not default if isinstance(default, bool) else 1)
    with pytest.raises(ValueError, match=f"{name} = .* is refused: "):
        CompilerConfig(**{name: value})
    assert getattr(CompilerConfig(**{name: default}), name) == default


def test_copies_are_equal_and_independent() -> None:
    config = CompilerConfig(aipu_cores_used=2, model_metadata={"a": [1]})
    for other in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):  # noqa: S301  our own bytes
        assert other == config
        other.tiling_depth = 6
        assert config.tiling_depth == 1


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "quantization_scheme": st.sampled_from(["per_tensor_histogram", "hybrid_per_tensor_per_channel"]),
            "resources_used": st.sampled_from([0.25, 0.5, 0.75, 1.0]),
            "profiling_levels": st.lists(st.sampled_from(["[?]", "[B]", "[T]"])),
            "io_memory_pool": st.sampled_from(["global.l2", "l1", "ddr"]),
            "dfs_search_constraint": st.none() | st.integers(1, 2**40),
            "model_metadata": st.none()
            | st.dictionaries(st.text(), st.integers() | st.text() | st.booleans()),
            "output_dir": st.none() | st.just("build/model"),
        },
    )
)
def test_a_dumped_configuration_loads_as_itself(properties: dict[str, Any]) -> None:
    config = CompilerConfig(**properties)
    assert CompilerConfig.model_validate_json(config.model_dump_json()) == config
    assert CompilerConfig(**config.model_dump()) == config
