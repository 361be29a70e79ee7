"""Writing the compiled-model directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from axelera.compiler.config import CompilerConfig
from axelera.compiler.packaging._blobs import write_blobs
from axelera.compiler.packaging._graph import viewer_graph
from axelera.compiler.planning import Plan
from axelera.compiler.quantized_model import AxeleraQuantizedModel
from axelera.model import MemoryPool, manifest_json, model_json
from axelera.model.program import write_program

PREAMBLE = "preprocess_graph.onnx"
POSTAMBLE = "postprocess_graph.onnx"
VIEW = "quantized_model.onnx"


def write_compiled_model(
    directory: Path, model: AxeleraQuantizedModel, plan: Plan, config: CompilerConfig, batch: int
) -> None:
    """Write everything but the report into an empty directory; the same model gives the same bytes."""
    write_host_graphs(directory, model)
    if config.quantized_graph_export:
        write_onnx(directory / VIEW, viewer_graph(model.program))
    inputs = [port.info(batch) for port in model.inputs]
    outputs = [port.info(batch) for port in model.outputs]
    pools = [
        MemoryPool(pool.name, pool.size, pool.memory, pool.alignment, pool.depth, pool.blob)
        for pool in plan.pools
    ]
    write_json(directory / "model.json", model_json(inputs, outputs, pools))
    write_json(
        directory / "manifest.json",
        manifest_json(
            inputs,
            outputs,
            input_names=model.input_names,
            input_shapes_original=[(batch, *port.nchw[1:]) for port in model.inputs],
            output_shapes_original=[(batch, *port.nchw[1:]) for port in model.outputs],
            quantized_model_file=VIEW if config.quantized_graph_export else None,
            preprocess_graph=PREAMBLE if model.preamble is not None else None,
            postprocess_graph=POSTAMBLE if model.postamble is not None else None,
            model_metadata=config.model_metadata,
        ),
    )
    write_blobs(directory, model.program, plan)
    write_program(directory, replace(model.program, batch=batch, tasks=plan.tasks))


def write_host_graphs(directory: Path, model: AxeleraQuantizedModel) -> None:
    """Write preamble and postamble, where the network has them."""
    for name, graph in ((PREAMBLE, model.preamble), (POSTAMBLE, model.postamble)):
        if graph is not None:
            write_onnx(directory / name, graph)


def write_onnx(path: Path, model: onnx.ModelProto) -> None:
    """Write an ONNX file whose bytes depend on the model alone."""
    path.write_bytes(model.SerializeToString(deterministic=True))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a stable layout."""
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
