"""`compile`: from a quantised model to a compiled-model directory."""

from __future__ import annotations

import re
from pathlib import Path

from axelera.compiler._errors import ConfigurationError, MemoryPlanError, ModelError
from axelera.compiler.config import CompilerConfig
from axelera.compiler.defects import defects
from axelera.compiler.packaging import COMPILED_MODEL, replacing, write_compiled_model, write_json
from axelera.compiler.pipeline import PLAN
from axelera.compiler.planning import DoesNotFit, Plan, PlanOptions
from axelera.compiler.quantized_model import AxeleraQuantizedModel
from axelera.compiler.report import compiled_report, write_html
from axemu.driver import path_errors
from axemu.model import write_axm


def compile(  # noqa: A001  the documented name
    model: AxeleraQuantizedModel, config: CompilerConfig, output_dir: str | Path | None = None
) -> None:
    """Write the compiled model of a quantised one.

    The directory appears whole or not at all; an earlier compiled model in its place is replaced in one step.

    Args:
        model: what `quantize` returned.
        config: cores, resources and output options.
        output_dir: the directory to write; None means the configuration's `output_dir`.

    Raises:
        ConfigurationError: `config` is no configuration, no directory was given, it holds something that is no compiled model or that was added to
            one (see `remove_output_dir`), or it cannot be written.
        ModelError: `model` is not a quantised one.
        MemoryPlanError: the program does not fit the memories.
        InternalError: a defect of the compiler; what was raised is the cause.
    """
    if not isinstance(model, AxeleraQuantizedModel):
        raise ModelError(f"model is {type(model).__name__}, expected what quantize() returned")
    if not isinstance(config, CompilerConfig):
        raise ConfigurationError(f"config is {type(config).__name__}, expected CompilerConfig")
    target = output_dir if output_dir is not None else config.output_dir
    if target is None:
        raise ConfigurationError("no output directory: pass output_dir or set it in the configuration")
    folder = Path(target)
    with defects(f"compiling model {model.name!r}"):
        _compile(model, config, folder)


def _compile(model: AxeleraQuantizedModel, config: CompilerConfig, folder: Path) -> None:
    layout = _plan(model, config)
    report = compiled_report(model, layout, config)
    with (
        path_errors(ConfigurationError, f"output directory {folder}", "cannot be written"),
        replacing(folder, COMPILED_MODEL, added_too=config.remove_output_dir) as fresh,
    ):
        write_compiled_model(fresh, model, layout, config, config.aipu_cores_used)
        write_json(fresh / "report.json", report)
        write_html(fresh / "report.html", report)
        write_json(fresh / "compile_config.json", config.model_dump(mode="json"))
    if config.output_axm_format:
        name = re.sub(r"[^\w.-]", "_", config.model_name or model.name)  # a graph's name may hold a path
        archive = folder.parent / f"{name}.axm"
        with path_errors(ConfigurationError, f"archive {archive}", "cannot be written"):
            write_axm(folder, archive)


def _plan(model: AxeleraQuantizedModel, config: CompilerConfig) -> Plan:
    options = PlanOptions(
        cores=config.aipu_cores_used,
        resources=config.resources_used,
        tiling_depth=config.tiling_depth,
        double_buffer=config.double_buffer,
    )
    try:
        return PLAN(model.program, options)
    except DoesNotFit as error:
        raise MemoryPlanError(
            f"model {model.name!r}: Could not find a tiling factor that fits the memory constraints "
            f"l1_constraint={options.l1_bytes} l2_constraint={options.l2_bytes}: {error}"
        ) from error
