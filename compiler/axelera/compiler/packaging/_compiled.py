"""Writing the compiled-model directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from axelera.compiler._parts import QuantisedParts
from axelera.compiler.config import CompilerConfig
from axelera.compiler.packaging._batched import batched
from axelera.compiler.packaging._blobs import write_blobs
from axelera.compiler.packaging._graph import viewer_graph
from axelera.compiler.packaging._replace import Contents
from axelera.compiler.planning import Plan
from axemu.model import MemoryPool, manifest_json, model_json
from axemu.model.program import write_program

PREAMBLE = "preprocess_graph.onnx"
POSTAMBLE = "postprocess_graph.onnx"
VIEW = "quantized_model.onnx"
DUMPS = "graph_cleaner"
COMPILED_MODEL = Contents(
    "compiled model",
    ("model.json", "manifest.json"),
    (
        "model.json", "manifest.json", "program.json", "program.bin", "pool_*_const.bin", "kernel_function*",
        "quantized_model.*", PREAMBLE, POSTAMBLE, DUMPS, "report.json", "report.html", "compile_config.json",
    ),
)  # fmt: skip
"""What `compile` writes; names that only the vendor's compiler writes may be replaced too."""


def write_compiled_model(
    directory: Path, model: QuantisedParts, plan: Plan, config: CompilerConfig, batch: int
) -> None:
    """Write everything but the report into an empty directory; the same model gives the same bytes."""
    write_host_graphs(directory, model, batch)
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
    write_program(directory, replace(model.program, batch=batch, core=plan.core))


def write_host_graphs(directory: Path, model: QuantisedParts, batch: int = 1) -> None:
    """Write preamble and postamble, where the network has them, and the float graphs somebody asked to see.

    Those of a model for several frames at once take any number of frames.
    """
    for name, graph in ((PREAMBLE, model.preamble), (POSTAMBLE, model.postamble)):
        if graph is not None:
            write_onnx(directory / name, graph if batch == 1 else batched(graph))
    for name, graph in model.dumps.items():
        (directory / DUMPS).mkdir(exist_ok=True)
        write_onnx(directory / DUMPS / name, graph)


def write_onnx(path: Path, model: onnx.ModelProto) -> None:
    """Write an ONNX file whose bytes depend on the model alone."""
    path.write_bytes(model.SerializeToString(deterministic=True))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a stable layout."""
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
