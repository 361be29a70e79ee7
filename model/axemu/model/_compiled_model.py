"""A compiled model as a loader finds it: a directory, its model.json, or an `.axm` archive of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from axemu.driver import (
    IncompatibleDevice,
    InvalidArgument,
    ModelFiles,
    Scratch,
    TensorInfo,
    path_errors,
)
from axemu.model._archive import read_axm
from axemu.model._limits import MAX_BATCH
from axemu.model._manifest_json import ManifestJson, read_manifest_json, tensor_infos
from axemu.model._model_json import IOBuffer, read_model_json


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """What the files of a compiled model say, checked; nothing of its program is read yet.

    `batch` is the leading dimension of its inputs, one core each. `l2_pools` are (name, bytes),
    `ddr_bytes` is what all DDR pools take, each as deep as declared. `preamble_graph` and `postamble_graph` are names of ONNX files in `directory`, or empty.
    `quantized_model` is the name of the file the int8 core is described in; it need not be there.
    `file` is the name of its model.json there.
    """

    directory: Path
    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    batch: int
    l2_pools: tuple[tuple[str, int], ...] = ()
    ddr_bytes: int = 0
    preamble_graph: str = ""
    postamble_graph: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    generation: str = "omega"
    quantized_model: str = ""
    file: str = "model.json"
    _unpacked: _Unpacked | None = field(default=None, repr=False, compare=False)

    @property
    def files(self) -> ModelFiles:
        """The part a driver needs."""
        return ModelFiles(
            directory=self.directory,
            name=self.name,
            inputs=self.inputs,
            outputs=self.outputs,
            batch=self.batch,
            l2_pools=self.l2_pools,
            ddr_bytes=self.ddr_bytes,
            file=self.file,
            version=self.properties.get("version", ""),
        )


def load_compiled_model(path: str | Path) -> CompiledModel:
    """Load the metadata of a compiled model.

    Args:
        path: a model.json (older compilers: model_<name>.json), its directory, or an .axm archive. An archive is
            unpacked into a temporary directory that lives as long as the returned object.

    Raises:
        InvalidArgument: the path or a file is missing, damaged, or says something impossible.
        IncompatibleDevice: the model is of a version this SDK does not know.
    """
    path = Path(path)
    with path_errors(InvalidArgument, path):
        return _load_any(path)


def _load_any(path: Path) -> CompiledModel:
    # os.path answers False where a Path raises: names too long, directories that may not be entered.
    if os.path.isdir(path):  # noqa: PTH112
        return _load(_model_file(path), _label(path))
    if not os.path.isfile(path):  # noqa: PTH113
        raise InvalidArgument(
            f"{path}: no such file or directory; give a model.json, its directory or an .axm archive"
        )
    if path.suffix == ".onnx":
        raise InvalidArgument(
            f"{path}: is a network, not a compiled model; compile it: axcompile --input {path} --output {path.stem}"
        )
    if path.suffix == ".axm":
        unpacked = _Unpacked(path)
        return _load(_model_file(unpacked.root), path.stem, unpacked)
    return _load(path, _label(path.parent))


class _Unpacked:
    """The temporary directory of an archive, removed with this object."""

    __slots__ = ("_scratch", "root")

    def __init__(self, archive: Path) -> None:
        with path_errors(InvalidArgument, archive, "cannot be unpacked"):
            self._scratch = Scratch("axemu-model-")
        directory = self._scratch.path
        read_axm(archive, directory)
        inner = list(directory.iterdir())
        self.root = inner[0] if len(inner) == 1 and inner[0].is_dir() else directory


def _load(model_file: Path, name: str, unpacked: _Unpacked | None = None) -> CompiledModel:
    directory = model_file.parent.resolve()  # where the name is, should the file be a link into a cache
    model = read_model_json(model_file)
    manifest_file = directory / "manifest.json"
    manifest = read_manifest_json(manifest_file) if os.path.lexists(manifest_file) else ManifestJson()
    batch = _batch(model.inputs, model_file)
    return CompiledModel(
        directory=directory,
        name=name,
        inputs=tensor_infos(model.inputs, manifest.inputs, f"{manifest_file}: inputs"),
        outputs=tensor_infos(model.outputs, manifest.outputs, f"{manifest_file}: outputs"),
        batch=batch,
        l2_pools=tuple((pool.name, pool.size) for pool in model.pools if pool.memory == "l2"),
        ddr_bytes=sum(pool.size * pool.depth for pool in model.pools if pool.memory == "ddr"),
        preamble_graph=manifest.preamble_graph,
        postamble_graph=manifest.postamble_graph,
        properties=MappingProxyType(
            {
                "name": name,
                "version": model.version,
                "generation": model.generation,
                "batch": str(batch),
                "preamble_graph": manifest.preamble_graph,
                "postamble_graph": manifest.postamble_graph,
                "input_tensor_layout": manifest.input_tensor_layout,
            }
        ),
        generation=model.generation,
        quantized_model=manifest.quantized_model,
        file=model_file.name,
        _unpacked=unpacked,
    )


def _model_file(directory: Path) -> Path:
    if os.path.lexists(directory / "model.json"):
        return directory / "model.json"
    older = sorted(set(directory.glob("model_*.json")) - {directory / "model_info.json"})
    if len(older) == 1:
        return older[0]
    if older:
        names = ", ".join(path.name for path in older)
        raise InvalidArgument(f"{directory}: holds several models ({names}); give the path of one of them")
    inside = directory / "compiled_model"
    where = str(inside) if os.path.lexists(inside) else "the directory of a compiled model"
    raise InvalidArgument(f"{directory}: holds no model.json; give {where}")


def _batch(inputs: tuple[IOBuffer, ...], where: Path) -> int:
    """Return the common leading dimension; a flat copy of another input has none."""
    batches = {buffer.shape[0] for buffer in inputs if len(buffer.shape) > 1} or {1}
    if len(batches) > 1:
        raise InvalidArgument(
            f"{where}: inputs disagree on the batch, their leading dimension: {sorted(batches)}"
        )
    (batch,) = batches
    if batch > MAX_BATCH:
        raise IncompatibleDevice(
            f"{where}: batch {batch} needs {batch} cores; a board has {MAX_BATCH}, so recompile for at most {MAX_BATCH}"
        )
    return batch


def _label(directory: Path) -> str:
    """Name a model after its directory, `build/<network>/<model>/<cores>/` and `<model>/compiled_model/` after <model>."""
    directory = directory.resolve()
    if directory.name == "compiled_model" and directory.parent.name:
        directory = directory.parent
    return directory.parent.name if directory.name.isdigit() and directory.parent.name else directory.name
