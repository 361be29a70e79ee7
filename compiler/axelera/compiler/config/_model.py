"""The one configuration object of the compiler.

Names, defaults and ranges are the documented ones. Each property carries a `Here`: what a value does in *this*
compiler. The reference page docs/reference/compiler-configuration.md is generated from this file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    ValidationError,
    model_validator,
)

from axelera.compiler._errors import ConfigurationError
from axelera.compiler.config._choices import (
    CompilerMode,
    DpuAllocation,
    GraphCleanerCondition,
    GraphCleanerNode,
    HomeMemory,
    InstructionHome,
    MemoryPool,
    MulticoreMode,
    ProfilingLevel,
    QuantizationScheme,
)
from axelera.compiler.config._messages import explain, shown
from axelera.compiler.config._property import Effect, Here, modelled, refused, without_effect
from axemu.chip import CORES

__all__ = ["ALIASES", "CompilerConfig", "here_of", "spell_out"]

ALIASES: Mapping[str, str] = {
    "ptq_scheme": "quantization_scheme",
    "aipu_cores": "aipu_cores_used",
    "resources": "resources_used",
}
"""Older spelling -> property."""

_DUMP = re.compile(r"\w[\w.-]{0,95}\.onnx")
_KIB = 1024
_MIB = 1024 * _KIB
_GIB = 1024 * _MIB

Positive = Annotated[StrictInt, Field(ge=1)]
Size = Annotated[StrictInt, Field(ge=0)]

_SCHEDULING = without_effect("an order of work; results stay the same, and simulated times do not show it")
_TILING = without_effect("a way to cut up work; results stay the same, and simulated times do not show it")
_REPLICATION = without_effect("the chip model replicates by its own rule; results stay the same")
_HOMES = without_effect("the memory plan finds each buffer's home by itself")
_LIMITS = refused("the memory plan takes its limits from resources_used only")
_SIZES = refused("the memory sizes are those of the chip model; resources_used sets the share")
_REGISTERS = without_effect("vector-unit code is not generated here")
_HOST_MEMORY = without_effect("no task list is linked here, so there is nothing to place")


def spell_out(given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` with older spellings replaced by today's.

    Raises:
        ValueError: one property is given twice, with different values.
    """
    properties = dict(given)
    for alias, name in ALIASES.items():
        if alias in properties:
            value = properties.pop(alias)
            if properties.setdefault(name, value) != value:
                raise ValueError(
                    f"{alias} = {shown(value)} and {name} = {shown(properties[name])} are one property"
                )
    if "quantize_only" in properties:
        only = properties.pop("quantize_only")
        if not isinstance(only, bool):
            raise ValueError(f"quantize_only = {shown(only)} is not true or false")
        if only and properties.setdefault("compiler_mode", "quantize_only") != "quantize_only":
            raise ValueError("quantize_only = true contradicts compiler_mode")
    return properties


def _name(name: str) -> str:
    """Names become file names, and configurations come from strangers."""
    if len(name) > 200 or not name.isprintable() or any(separator in name for separator in "/\\"):
        raise ValueError("a name has at most 200 printable characters and no path separators")
    return name


def _dump(name: str) -> str:
    """A configuration may come from a stranger, and must not say which file on this machine is overwritten."""
    if not _DUMP.fullmatch(name):
        raise ValueError(
            "expected a file name that ends in .onnx, without a directory: it is written into graph_cleaner/ in the "
            "output directory"
        )
    return name


class CompilerConfig(BaseModel):
    """Everything the compiler can be told, checked when it is built and when a property is assigned.

    Raises:
        ConfigurationError: unknown names, values out of range, values this compiler refuses, or properties
            that contradict each other. The message lists every problem and names the nearest valid spelling.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, validate_default=True)

    # --- stages and places -------------------------------------------------------------------------------
    compiler_mode: Annotated[CompilerMode, modelled("chooses the stages that run")] = (
        CompilerMode.QUANTIZE_AND_LOWER
    )
    model_name: Annotated[
        str, AfterValidator(_name), modelled("name in logs, reports and of the `.axm` archive; no path")
    ] = ""
    output_dir: Annotated[
        Path | None, modelled("where the compiled model goes when no directory is given")
    ] = None
    compiler_dir: Annotated[Path | None, without_effect("no intermediate compiler files are written")] = None
    runtime_dir: Annotated[Path | None, without_effect("the runtime needs no files besides the model")] = None
    device_dir: Annotated[Path | None, without_effect("no device binaries are built")] = None
    model_debug_save_dir: Annotated[Path | None, without_effect("no debug dumps are written")] = None
    remove_output_dir: Annotated[
        StrictBool,
        modelled(
            "files somebody added to an earlier compiled model are removed with it; a directory that is no compiled "
            "model is never removed"
        ),
    ] = False
    output_axm_format: Annotated[StrictBool, modelled("writes `<model_name>.axm` as well")] = False
    model_metadata: Annotated[
        dict[str, JsonValue] | None, modelled("copied into the manifest's `model_metadata`")
    ] = None

    # --- quantisation ------------------------------------------------------------------------------------
    quantization_scheme: Annotated[
        QuantizationScheme, modelled("how activation ranges are found; weights are always per channel")
    ] = QuantizationScheme.PER_TENSOR_HISTOGRAM
    quantize_dw_channel_wise: Annotated[
        StrictBool,
        modelled(
            "channels that a depthwise operator reads are balanced by their ranges, which the histogram and the hybrid "
            "scheme do anyway"
        ),
    ] = False
    quantization_debug: Annotated[StrictBool, without_effect("the report always holds the figures")] = False
    quantized_graph_export: Annotated[StrictBool, modelled("writes the graph `quantized_model.onnx`")] = True
    remove_io_quantization: Annotated[
        StrictBool, refused("inputs and outputs of a program are always int8")
    ] = False
    onnx_opset_version: Annotated[
        StrictInt,
        Field(ge=17),
        modelled("opset a PyTorch module is exported with; an ONNX file brings its own"),
    ] = 17

    # --- graph -------------------------------------------------------------------------------------------
    apply_pword_padding: Annotated[
        StrictBool, refused("the chip's layout needs channels padded to a multiple of 64")
    ] = True
    rewrite_concat_to_resadd: Annotated[
        StrictBool, without_effect("a concatenation gives the same integers either way")
    ] = True
    rewrite_dense_to_conv2d: Annotated[
        StrictBool, without_effect("a dense layer gives the same integers either way")
    ] = True
    remove_io_padding_and_layout_transform: Annotated[
        StrictBool, refused("padding and layout of inputs and outputs are always the host's work")
    ] = True
    remove_layout_transform_from_preamble: Annotated[
        StrictBool, refused("the preamble always takes NCHW")
    ] = False
    apply_arithmetic_simplification: Annotated[
        StrictBool, refused("the simplifications are part of the numerics and cannot be left out")
    ] = True
    simplify_mac_before_after_lut: Annotated[
        StrictBool, refused("the simplifications are part of the numerics and cannot be left out")
    ] = True
    validate_operators: Annotated[
        StrictBool,
        modelled(
            "off: every operator that has an integer form is tried on the chip, whatever the matrix says"
        ),
    ] = True
    run_graph_cleaner: Annotated[StrictBool, refused("the program is made from the cleaned graph only")] = (
        True
    )
    graph_cleaner_split_pre_post_processing: Annotated[
        StrictBool, modelled("off: operators that would go to the host are errors instead")
    ] = True
    graph_cleaner_condition: Annotated[
        GraphCleanerCondition | None, refused("the split follows the operator matrix, not a weight size")
    ] = None
    graph_cleaner_node: Annotated[
        GraphCleanerNode | None, refused("the split follows the operator matrix, not one kind of node")
    ] = None
    graph_cleaner_threshold: Annotated[
        Size, without_effect("belongs to graph_cleaner_condition, which is refused")
    ] = 0
    graph_cleaner_dump_core_onnx: Annotated[
        Annotated[str, AfterValidator(_dump)] | None,
        modelled(
            "file name, no path: the float graph of the chip's part goes to `graph_cleaner/` in the output"
        ),
    ] = None
    graph_cleaner_dump_full_opt_onnx: Annotated[
        Annotated[str, AfterValidator(_dump)] | None,
        modelled("file name, no path: the whole cleaned float graph goes to `graph_cleaner/` in the output"),
    ] = None
    allow_host_segments: Annotated[
        StrictBool,
        modelled("ours: operators in the middle of the network may run on the host (they do not on a card)"),
    ] = False

    # --- scheduling --------------------------------------------------------------------------------------
    pipeline_spatial_tiles: Annotated[StrictBool, _SCHEDULING] = True
    pipeline_channel_tiles: Annotated[StrictBool, _SCHEDULING] = True
    inter_operator_async: Annotated[StrictBool, _SCHEDULING] = True
    use_hw_tokens: Annotated[StrictBool, _SCHEDULING] = True
    use_list_scheduler: Annotated[StrictBool, _SCHEDULING] = False
    unroll_prologue_epilogue: Annotated[StrictBool, _SCHEDULING] = False
    group_ifdw_tasks: Annotated[StrictBool, _SCHEDULING] = False
    double_buffer: Annotated[
        StrictBool, modelled("depth of the input and output pools: 2, or 1 when off")
    ] = True

    # --- tiling and memory -------------------------------------------------------------------------------
    max_memplan_attempts: Annotated[Positive, without_effect("the memory plan is found in one pass")] = 5
    max_tiling_attempts: Annotated[Positive, without_effect("the memory plan is found in one pass")] = 8
    force_h_tiling: Annotated[Positive | None, _TILING] = None
    force_oc_tiling: Annotated[Positive | None, _TILING] = None
    tiling_depth: Annotated[
        Positive, modelled("operators that may be made tile by tile together, depth first")
    ] = 1
    dfs_search_constraint: Annotated[Positive | None, _TILING] = None
    enable_buffer_promotion: Annotated[StrictBool, _HOMES] = True
    split_buffer_promotion: Annotated[StrictBool, _HOMES] = False
    io_memory_pool: Annotated[MemoryPool, _HOMES] = MemoryPool.DDR
    constant_memory_pool: Annotated[MemoryPool, _HOMES] = MemoryPool.DDR
    workspace_memory_pool: Annotated[MemoryPool, _HOMES] = MemoryPool.DDR
    l1_constraint: Annotated[Positive | None, _LIMITS] = None
    l2_constraint: Annotated[Positive | None, _LIMITS] = None
    ddr_constraint: Annotated[Positive | None, _LIMITS] = None
    use_sysdma: Annotated[StrictBool, _SCHEDULING] = False
    ignore_weight_buffers: Annotated[StrictBool, _SCHEDULING] = True
    dma_dual_channel: Annotated[StrictBool, _SCHEDULING] = True
    dpu_constants_home: Annotated[HomeMemory, _REGISTERS] = HomeMemory.L2
    dpu_instructions_home: Annotated[InstructionHome, _REGISTERS] = InstructionHome.DEFAULT
    dwpu_instructions_home: Annotated[InstructionHome, _REGISTERS] = InstructionHome.DEFAULT
    page_memory: Annotated[StrictBool, _HOST_MEMORY] = True
    elf_in_ddr: Annotated[StrictBool, _HOST_MEMORY] = True
    stream_tasklist: Annotated[StrictBool, _HOST_MEMORY] = True

    # --- matrix unit -------------------------------------------------------------------------------------
    mvm_utilization_limit: Annotated[
        float, Field(ge=0.125, le=1.0), refused("set the limit on the board, with configure_device")
    ] = 1.0
    enable_icr: Annotated[StrictBool, _REPLICATION] = True
    enable_swicr: Annotated[StrictBool, _REPLICATION] = True
    icrx_force: Annotated[Literal[-1] | Annotated[StrictInt, Field(ge=1, le=8)], _REPLICATION] = -1
    icrx_parallel_block_threshold: Annotated[StrictInt, Field(ge=1, le=4), _REPLICATION] = 4
    icrx_max_factor: Annotated[StrictInt, Field(ge=2, le=8), _REPLICATION] = 8
    imc_double_buffer_pipeline: Annotated[
        StrictBool, without_effect("the chip model loads weights before vectors; results stay the same")
    ] = False
    imc_double_buffer_sequential: Annotated[
        StrictBool, without_effect("the chip model loads weights before vectors; results stay the same")
    ] = False
    dpu_allocation_algorithm: Annotated[DpuAllocation, _REGISTERS] = DpuAllocation.TRY_ALL
    softmax_neutral_value: Annotated[
        float, Field(allow_inf_nan=False), refused("softmax pads nothing here, so it has no neutral value")
    ] = -100000.0
    frequency: Annotated[
        int,
        Field(ge=20_000_000, le=800_000_000),
        refused("set the clock on the board, with configure_device"),
    ] = 800_000_000

    # --- cores and memories ------------------------------------------------------------------------------
    aipu_cores_max: Annotated[Literal[4], Field(frozen=True), refused("frozen: the chip has four cores")] = 4
    aipu_cores_used: Annotated[
        StrictInt, Field(ge=1, le=CORES), modelled("cores of one instance = its batch")
    ] = 1
    resources_used: Annotated[
        float,
        Field(gt=0, le=1.0, multiple_of=0.25),
        modelled("share of L2 that one instance may use; weights that do not fit go to DDR"),
    ] = 1.0
    multicore_mode: Annotated[
        MulticoreMode,
        modelled(
            "more than one core always works as a batch",
            cooperative="no compiler release runs it",
            pipeline="no compiler release runs it",
        ),
    ] = MulticoreMode.MULTIPROCESS
    l1_size_used: Annotated[Size, _SIZES] = 4 * _MIB
    l1_size_reserved: Annotated[Size, _SIZES] = 512 * _KIB
    l2_size_used: Annotated[Size, _SIZES] = 32 * _MIB
    l2_size_reserved: Annotated[Size, _SIZES] = 1_245_184
    l2_size_reserved_tasklist: Annotated[Size, _SIZES] = 1 * _MIB
    ddr_size_max: Annotated[Size, without_effect("the board's memory counts, not the compiler's")] = 1 * _GIB
    ddr_size_used: Annotated[Size, without_effect("the board's memory counts, not the compiler's")] = 1 * _GIB
    ddr_size_reserved: Annotated[Size, without_effect("the board's memory counts, not the compiler's")] = (
        32 * _MIB
    )
    l1_virtual_address: Annotated[Size, _HOST_MEMORY] = 206_175_207_424
    l1_core0_physical_address: Annotated[Size, _HOST_MEMORY] = 402_653_184

    # --- host, traces, errors ----------------------------------------------------------------------------
    host_processes_used: Annotated[Positive, without_effect("the compiler is one process")] = 1
    input_dmabuf: Annotated[StrictBool, without_effect("an instance chooses when it is loaded")] = False
    output_dmabuf: Annotated[StrictBool, without_effect("an instance chooses when it is loaded")] = False
    trace_tvm_passes: Annotated[StrictBool, without_effect("this compiler does not use TVM")] = False
    propagate_span_information: Annotated[StrictBool, without_effect("reports name ONNX nodes always")] = True
    profiling_levels: Annotated[
        tuple[ProfilingLevel, ...], without_effect("timing comes from the simulation, not from the model")
    ] = ()
    profiling_drop_percentile: Annotated[
        float, Field(ge=0, le=1), without_effect("timing comes from the simulation, not from the model")
    ] = 0.25
    randomize_onnx_model: Annotated[
        StrictBool, modelled("the network in error_artifact.zip has random weights in place of its own")
    ] = True
    save_error_artifact: Annotated[
        StrictBool,
        modelled(
            "a failed `axcompile` leaves error_artifact.zip: network, options, report and log, to be sent with a question"
        ),
    ] = False

    if not TYPE_CHECKING:  # the checker keeps the typed signature pydantic gives it

        def __init__(self, **properties: Any) -> None:
            try:
                super().__init__(**properties)
            except ValidationError as error:
                raise ConfigurationError(explain(error, type(self))) from None

        def __setattr__(self, name: str, value: Any) -> None:
            before = dict(self.__dict__)
            try:
                super().__setattr__(ALIASES.get(name, name), value)
            except ValidationError as error:
                self.__dict__.update(before)  # rules over several properties run after the assignment
                raise ConfigurationError(explain(error, type(self))) from None

        def __getattr__(self, name: str) -> Any:
            if name in ALIASES:
                return getattr(self, ALIASES[name])
            return super().__getattr__(name)

    def settings_without_effect(self) -> dict[str, str]:
        """Properties with a value other than the default that nothing here depends on, and why."""
        return {
            name: here_of(field.metadata).note
            for name, field in type(self).model_fields.items()
            if here_of(field.metadata).effect is Effect.WITHOUT_EFFECT
            and getattr(self, name) != field.default
        }

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, given: Any) -> Any:
        return spell_out(given) if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.aipu_cores_used > 1 and "multicore_mode" not in self.model_fields_set:
            self.__dict__["multicore_mode"] = MulticoreMode.BATCH
        problems = []
        for name, field in type(self).model_fields.items():
            here = here_of(field.metadata)
            value = getattr(self, name)
            reason = here.refuses.get(str(value))
            if here.effect is Effect.REFUSED and value != field.default:
                reason = here.note
            if reason is not None:
                problems.append(f"{name} = {shown(value)} is refused: {reason}")
        if self.aipu_cores_used > 1 and self.multicore_mode in (
            MulticoreMode.MULTIPROCESS,
            MulticoreMode.MULTITHREAD,
        ):
            problems.append(
                f"aipu_cores_used = {self.aipu_cores_used} needs multicore_mode = 'batch'; "
                f"{self.multicore_mode.value!r} starts one-core copies, so use aipu_cores_used = 1 with it"
            )
        core, whole = self.graph_cleaner_dump_core_onnx, self.graph_cleaner_dump_full_opt_onnx
        if core is not None and core == whole:
            problems.append(
                f"graph_cleaner_dump_core_onnx and graph_cleaner_dump_full_opt_onnx are both {core!r}"
            )
        if self.resources_used < self.aipu_cores_used / self.aipu_cores_max:
            problems.append(
                f"resources_used = {self.resources_used} is too little for aipu_cores_used = {self.aipu_cores_used}: "
                f"at least {self.aipu_cores_used / self.aipu_cores_max} (a quarter per core)"
            )
        if problems:
            raise ValueError("\n".join(problems))
        return self


def here_of(metadata: list[Any]) -> Here:
    """The `Here` among a field's annotations."""
    return next(item for item in metadata if isinstance(item, Here))
