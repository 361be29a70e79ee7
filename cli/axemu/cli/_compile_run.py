"""The stages of `axcompile`, its output directory and what its report says."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from rich.console import Console

from axelera import compiler
from axelera.compiler import CompilerConfig, CompilerError, ConfigurationError
from axelera.compiler.config import CompilerMode, QuantizationScheme
from axelera.compiler.defects import defects
from axelera.compiler.frontend import load_proto, normalise
from axelera.compiler.pipeline import dump_after, watched
from axelera.compiler.quantized_model import AxeleraQuantizedModel
from axemu.cli._compile_artifact import ARTIFACT, write_artifact
from axemu.cli._compile_data import HELD_BACK, Samples, calibration_samples, held_back_samples
from axemu.cli._compile_options import MANIFEST, Options
from axemu.cli._compile_output import Outcome, write_json, write_report
from axemu.cli._compile_summary import accuracy, best_scheme, decibels, facts, worst_ratio
from axemu.driver import InternalError

__all__ = ["run"]

_QUANTISED = frozenset({"QuantizeLinear", "DequantizeLinear", "ConvInteger", "MatMulInteger"})
_READING = "LOWER_FRONTEND_ERROR"
_BY_SPECIFICATION = 2
_log = logging.getLogger("axemu.cli.axcompile")


def run(options: Options, config: CompilerConfig, folder: Path, console: Console) -> Outcome:
    """Go through the stages, writing into `folder`; the report is written whatever happens.

    Args:
        options: what the command line asked for.
        config: the checked configuration.
        folder: an empty directory.
        console: where progress is shown when it is a terminal.
    """
    without_effect = config.settings_without_effect()
    reached = _Reached(ConfigurationError.status)
    try:
        dump = dump_after(options.dump_after, folder / "dump")
        with defects(f"compiling {options.input}"), watched(dump):
            summary = _stages(options, config, folder, console, reached)
        for name in options.dump_after:
            if name not in dump.written:
                _log.warning("--dump-after %s: this pass did not run", name)
        outcome = Outcome("SUCCEEDED", None, without_effect, summary)
    except CompilerError as error:
        # A damaged quantised model is a ModelError too, but no fault of an ONNX graph.
        outcome = Outcome(_READING if reached.status == _READING else error.status, error, without_effect)
    except InternalError as error:
        _log.error("A defect of the compiler", exc_info=error)
        outcome = Outcome(reached.status, error, without_effect)
    except Exception as error:  # noqa: BLE001  a full disk, say: the report is for whatever comes up
        _log.debug("unexpected", exc_info=error)
        outcome = Outcome(reached.status, error, without_effect)
    if outcome.error is not None:
        shutil.rmtree(folder / "compiled_model", ignore_errors=True)
    write_report(outcome, folder)
    if outcome.error is not None and config.save_error_artifact:
        write_artifact(folder, options.input, random_weights=config.randomize_onnx_model)
        _log.info("Everything about this failure: %s", options.output / ARTIFACT)
    return outcome


@dataclass(slots=True)
class _Reached:
    """The stage a run is in, by the status that the report gives a failure nobody foresaw."""

    status: str


def _stages(
    options: Options, config: CompilerConfig, folder: Path, console: Console, reached: _Reached
) -> dict[str, Any]:
    """Compile; return what the end of the run tells, nothing where no model is written."""
    write_json(folder / "cli_args.json", options.model_dump(mode="json", exclude_none=True))
    write_json(folder / "conf.json", config.model_dump(mode="json"))
    for name, reason in config.settings_without_effect().items():
        _log.warning("%s has no effect here: %s", name, reason)
    network = None
    schemes: dict[str, float | None] = {}
    if options.input.name == MANIFEST:
        _log.info("Reading the quantised model %s", options.input)
        reached.status = _READING
        quantised = AxeleraQuantizedModel.load(options.input.parent)
    else:
        reached.status = "ONNX_GRAPH_CLEANER_ERROR"
        network = model, shapes = _read_model(options, config, folder)
        reached.status = "TOP_LEVEL_QUANTIZE_ERROR"
        samples = calibration_samples(options, shapes)
        if options.choose_scheme:
            config, schemes = _best_scheme(options, config, network, samples)
            write_json(folder / "conf.json", config.model_dump(mode="json"))
        quantised = compiler.quantize(model, samples, config, samples.transform)
    reached.status = "GRAPH_EXPORTER_ERROR"
    quantised.export(folder / "quantized_model")
    if config.compiler_mode is CompilerMode.QUANTIZE_ONLY:
        return {}
    reached.status = "TOP_LEVEL_LOWER_ERROR"
    _log.info("Lowering %s for %d core(s)", config.model_name or quantised.name, config.aipu_cores_used)
    with console.status("Planning memory and writing the compiled model"):
        compiler.compile(quantised, config, folder / "compiled_model")
    with console.status("Comparing with the float network"):
        summary = facts(folder / "compiled_model", quantised, config, options.board)
        summary |= {"output": str(options.output), "schemes": schemes}
        if network is None:
            return summary
        try:
            # Two when each frame takes seconds.
            wanted = _BY_SPECIFICATION if quantised.by_specification else HELD_BACK
            held_back, words = held_back_samples(options, network[1], wanted)
            measured = accuracy(quantised, network[0], held_back) | {"source": words}
        except CompilerError as error:  # an image that cannot be read: the model is good all the same
            measured = {"problem": str(error)}
        return summary | {"accuracy": measured}


def _best_scheme(
    options: Options,
    config: CompilerConfig,
    network: tuple[onnx.ModelProto, dict[str, tuple[int, ...]]],
    samples: Samples,
) -> tuple[CompilerConfig, dict[str, float | None]]:
    """Return the configuration whose scheme leaves the worst output the least error, and the SQNR of each, in dB."""
    model, shapes = network
    found: dict[str, float | None] = {}
    for scheme in QuantizationScheme:
        tried = config.model_copy(update={"quantization_scheme": scheme})
        quantised = compiler.quantize(model, samples, tried, samples.transform)
        wanted = _BY_SPECIFICATION if quantised.by_specification else HELD_BACK
        held_back, _ = held_back_samples(options, shapes, wanted)
        found[scheme.value] = worst_ratio(accuracy(quantised, model, held_back))
        _log.info("%s: the worst output has %s", scheme.value, decibels(found[scheme.value]))
    best = QuantizationScheme(best_scheme(found))
    return config.model_copy(update={"quantization_scheme": best}), found


def _read_model(
    options: Options, config: CompilerConfig, folder: Path
) -> tuple[onnx.ModelProto, dict[str, tuple[int, ...]]]:
    """The network with fixed input shapes, kept in the output directory as it is compiled."""
    _log.info("Reading %s", options.input)
    model = load_proto(options.input)
    quantised = any(
        node.op_type in _QUANTISED or node.op_type.startswith("QLinear") for node in model.graph.node
    )
    if config.compiler_mode is CompilerMode.LOWER_ONLY and not quantised:
        raise ConfigurationError(
            f"compiler_mode = 'lower_only' takes a network that is quantised already; {options.input} is not: use "
            "'quantize_and_lower'"
        )
    constants = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in constants]
    wanted = {}
    if options.input_shape is not None:
        if len(names) != 1:
            raise ConfigurationError(
                f"--input-shape is for networks with one input; {options.input} has {', '.join(names) or 'none'}"
            )
        if options.input_shape[0] != 1:
            raise ConfigurationError(
                f"--input-shape has batch {options.input_shape[0]}; only batch 1 is supported: "
                "more cores take a frame each (--aipu-cores), the network itself stays one frame"
            )
        wanted = {names[0]: options.input_shape}
    model = normalise(model, config.model_name, wanted)
    (folder / "input_model").mkdir()
    onnx.save(model, folder / "input_model" / "fp32_model.onnx")
    return model, {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in model.graph.input
    }
