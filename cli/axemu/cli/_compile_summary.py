"""What `axcompile` says at its end: where the model lies, how fast, how accurate, what the host has to do, what comes next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx

from axelera.compiler import CompilerConfig
from axelera.compiler.quantisation import session, to_array, transformed
from axelera.compiler.quantized_model import AxeleraQuantizedModel
from axelera.compiler.report import add_times, measure_outputs
from axemu.cli._compile_data import Samples
from axemu.driver import AxeleraError

if TYPE_CHECKING:
    from axemu.studies import Scenario, Target

__all__ = [
    "accuracy",
    "add_operator_times",
    "best_scheme",
    "decibels",
    "facts",
    "summary_lines",
    "worst_ratio",
]


def accuracy(model: AxeleraQuantizedModel, network: onnx.ModelProto, samples: Samples) -> dict[str, Any]:
    """Compare the quantised network with the float one on samples that calibration did not see.

    Args:
        model: the quantised network.
        network: the float network, as it was compiled.
        samples: items for it.

    Returns:
        `samples`, and for each output its `name`, `sqnr_db`, `largest_error`, `kinds` and, where an output is a row of
        scores, how often the largest is the `same_maximum`.
    """
    runner = session(network, model.name)
    expected: list[list[npt.NDArray[Any]]] = []
    found: list[list[npt.NDArray[Any]]] = []
    for number, item in enumerate(samples):
        value = item if samples.transform is None else transformed(samples.transform, item, number)
        inputs = _inputs(model, value)
        feeds = dict(zip(model.input_names, inputs, strict=True))
        expected.append([np.asarray(one) for one in runner.run(list(model.output_names), feeds)])
        found.append(model.run_frame(inputs))
    outputs = measure_outputs(expected, found, model.output_names)
    for entry, shape in zip(outputs, model.output_shapes, strict=True):
        if sum(size > 1 for size in shape[1:]) != 1:
            del entry["same_maximum"]
    return {"samples": len(expected), "outputs": outputs}


def _inputs(model: AxeleraQuantizedModel, value: Any) -> list[npt.NDArray[np.float32]]:
    if isinstance(value, Mapping):
        arrays: Sequence[Any] = [value[name] for name in model.input_names]
    else:
        arrays = value if isinstance(value, tuple | list) else (value,)
    return [
        to_array(array, name).reshape(shape)
        for name, shape, array in zip(model.input_names, model.input_shapes, arrays, strict=True)
    ]


def worst_ratio(measured: Mapping[str, Any]) -> float | None:
    """Return the lowest SQNR of any output, or of any kind of channels in one, in dB; None where there is no error."""
    ratios = [one["sqnr_db"] for entry in measured["outputs"] for one in (entry["kinds"] or [entry])]
    return min((ratio for ratio in ratios if ratio is not None), default=None)


def facts(folder: Path, model: AxeleraQuantizedModel, config: CompilerConfig, board: str) -> dict[str, Any]:
    """Return what the end of a run tells of a compiled model.

    Args:
        folder: the compiled model.
        model: the quantised network it was made from.
        config: how it was compiled.
        board: kind of board that rates are predicted for.
    """
    host = model.report.get("host_operators", [])
    return {
        "cores": config.aipu_cores_used,
        "bytes": sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
        "prediction": _prediction(folder, board),
        "host": {
            where: [entry["operator"] for entry in host if entry["runs_on"] == f"host, {where}"]
            for where in ("before", "after")
        },
        "preamble": "preprocess_graph.onnx" if model.preamble is not None else None,
        "postamble": "postprocess_graph.onnx" if model.postamble is not None else None,
    }


def _prediction(folder: Path, board: str) -> dict[str, Any]:
    """Predict the rate, and add to the model's report how long each operator takes."""
    from axemu.studies import Scenario, load_target, predict  # noqa: PLC0415  slow to import

    try:
        scenario = Scenario(folder, board=board)
        target = load_target(folder)
        found = predict(scenario, target)
    except AxeleraError as error:  # a board that is too small, say: the model is good all the same
        return {"problem": str(error)}
    add_operator_times(folder, scenario, target)
    return {
        "board": found.board,
        "host": found.host,
        "host_fps": found.host_fps,
        "band": list(found.band),
        "lone_latency_ms": found.lone_latency_ms,
        "bound_by": found.bound_by,
        "model_version": found.model_version,
        "calibration_id": found.calibration_id,
    }


def add_operator_times(folder: Path, scenario: Scenario, target: Target) -> None:
    """Add to the report of a compiled model how long each operator takes."""
    from axemu.emulator.metis import MODEL_VERSION  # noqa: PLC0415
    from axemu.studies import layer_rows  # noqa: PLC0415

    board = scenario.machine_boards()[0]
    times = {row.name: row.time_us for row in layer_rows(scenario, target, board)}
    timing = f"model {MODEL_VERSION}, calibration {board.calibration.identity}, board {scenario.board}"
    add_times(folder, times, timing)


def summary_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the end of a run as text."""
    folder = Path(summary["output"]) / "compiled_model"
    cores = summary["cores"]
    spans = f"{cores} core{'s' if cores > 1 else ''}, {cores} frame{'s' if cores > 1 else ''} per call"
    yield f"model     {folder} ({summary['bytes'] / 1e6:.1f} MB; {spans})"
    speed = summary["prediction"]
    if "problem" in speed:
        yield f"speed     not predicted: {speed['problem']}"
    else:
        low, high = speed["band"]
        yield (
            f"speed     {speed['host_fps']:.0f} FPS on four cores of a {speed['board']} board (80 % band {low:.0f} to "
            f"{high:.0f}), {speed['lone_latency_ms']:.2f} ms a frame alone; simulated ({speed['model_version']}, "
            f"{speed['calibration_id']}), {speed['host']}"
        )
    yield from _accuracy_lines(summary.get("accuracy"))
    if schemes := summary.get("schemes"):
        told = ", ".join(f"{name} {decibels(ratio)}" for name, ratio in schemes.items())
        yield f"schemes   lowest SQNR: {told}; {best_scheme(schemes)} was taken"
    yield from _host_lines(summary)
    yield f"report    {folder / 'report.html'}"
    yield f"next      axemu run axrunmodel {shlex.quote(str(folder))} --seconds 1"


def best_scheme(ratios: Mapping[str, float | None]) -> str:
    """Return the first of the schemes that leave the least error, by what `worst_ratio` says of each."""
    return max(ratios, key=lambda name: (ratios[name] is None, ratios[name] or 0.0))


def decibels(ratio: float | None) -> str:
    """Return an SQNR in words."""
    return "no error" if ratio is None else f"{ratio:.1f} dB"


def _accuracy_lines(measured: Mapping[str, Any] | None) -> Iterator[str]:
    if measured is None or "problem" in measured:
        reason = "there is no float network to compare with" if measured is None else measured["problem"]
        yield f"accuracy  not measured: {reason}"
        return
    count = measured["samples"]
    yield f"accuracy  int8 against float on {count} samples, {measured['source']}"
    for entry in measured["outputs"]:
        ranked = entry.get("same_maximum")
        same = "" if ranked is None else f", the same answer for {ranked} of {count}"
        ratio = "no error" if entry["sqnr_db"] is None else f"SQNR {entry['sqnr_db']:.1f} dB"
        yield f"          {entry['name']}: {ratio}{same}"
        for kind in entry["kinds"]:
            value = "no error" if kind["sqnr_db"] is None else f"SQNR {kind['sqnr_db']:.1f} dB"
            yield f"            {kind['channels']} channels of {kind['kind']}: {value}"


def _host_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    for where, part in (("before", "preamble"), ("after", "postamble")):
        operators = summary["host"][where]
        if summary[part] is None:
            continue
        kinds = ", ".join(_counted(operators))
        yield f"HOST      {len(operators)} operators run on the host {where} the chip: {kinds}"
    if summary["preamble"] or summary["postamble"]:
        files = " and ".join(str(name) for name in (summary["preamble"], summary["postamble"]) if name)
        yield f"          your program runs {files} (ONNX Runtime), or lets axemu.host.HostPart do it;"
        yield "          the chip's own inputs and outputs are not those of the network"


def _counted(names: Iterable[str]) -> list[str]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return [name if count == 1 else f"{count} {name}" for name, count in counts.items()]
