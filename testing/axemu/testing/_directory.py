"""A compiled-model directory around a program written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from axemu.driver import TensorInfo
from axemu.model import MemoryPool, manifest_json, model_json
from axemu.model.passes import Action, CoreProgram, Pass, Step, Tile, Units
from axemu.model.program import Program, write_program


def write_directory(
    directory: Path,
    program: Program,
    *,
    l2: int = 4096,
    infos: tuple[Sequence[TensorInfo], Sequence[TensorInfo]] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Write model.json, manifest.json and the program files into an existing directory.

    What a core does there is a pass of the vector unit over one word: such models are for values, not for times.

    Args:
        directory: where.
        program: the program; its own `core` is not used.
        l2: bytes of L2 it declares.
        infos: descriptions of inputs and outputs; by default those of the program's tensors, without padding.
        changes: keys of model.json that are to have other values.
    """
    inputs, outputs = infos or (_infos(program, program.inputs), _infos(program, program.outputs))
    model = model_json(inputs, outputs, [MemoryPool("l2", l2, "l2")]) | dict(changes or {})
    manifest = manifest_json(
        inputs,
        outputs,
        input_names=list(program.inputs),
        input_shapes_original=[_nchw(info) for info in inputs],
        output_shapes_original=[_nchw(info) for info in outputs],
    )
    (directory / "model.json").write_text(json.dumps(model), encoding="utf-8")
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    write_program(directory, replace(program, core=_core(program.name)))


def _infos(program: Program, names: Sequence[str]) -> list[TensorInfo]:
    tensors = [program.tensors[name] for name in names]
    return [
        TensorInfo((program.batch, *t.shape), name=t.name, scale=t.scale, zero_point=t.zero_point)
        for t in tensors
    ]


def _nchw(info: TensorInfo) -> tuple[int, ...]:
    batch, height, width, channels = info.unpadded_shape
    return batch, channels, height, width


def _core(name: str) -> CoreProgram:
    one = Pass("all", "lut", Tile(0, 1, 0, 1), Units(feed=1, vector=1, drain=1), 1, 1)
    return CoreProgram(name, (one,), (), (Step((Action("run", 0, 1),)),), {}, 0, ())
