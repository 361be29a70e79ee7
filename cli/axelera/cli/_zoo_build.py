"""Compile a network of the zoo into the directory tree that applications expect."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from axelera.driver import AxeleraError
from axelera.zoo import Network, count

if TYPE_CHECKING:
    import onnx

CORES = 4
_SYNTHETIC = "synthetic: random numbers, seed 0"


@dataclass(frozen=True, slots=True)
class Job:
    """What to compile.

    Attributes:
        network: the architecture.
        name: the name it was asked for by, which names the directories.
        root: directory that holds the builds.
        cores: cores of one instance, which is its batch.
        weights: ONNX file to compile in place of the synthetic network.
        classes: number of classes of the synthetic network; its own when None.
        images: directory of calibration images; random numbers in [0, 1) when None.
        transform: `file.py:function` that turns an image into an input; stretched and scaled to 0..1 when None.
        samples: number of random calibration samples.
        archive: write an `.axm` archive as well.
    """

    network: Network
    name: str
    root: Path = Path("build")
    cores: int = 1
    weights: Path | None = None
    classes: int | None = None
    images: Path | None = None
    transform: str | None = None
    samples: int = 8
    archive: bool = False

    @property
    def folder(self) -> Path:
        """`build/<name>/<name>`, which holds a directory per batch."""
        return self.root / self.name / self.name

    @property
    def directory(self) -> Path:
        """The compiled model."""
        return self.folder / str(self.cores)

    def difference(self) -> str:
        """Say what the builds of the folder were made of, if that is something else."""
        try:
            info = json.loads((self.folder / "model_info.json").read_text(encoding="utf-8"))
            weights, classes = str(info["weights"]), info["num_classes"]
        except (OSError, ValueError, LookupError, TypeError):
            return ""
        wanted = _SYNTHETIC if self.weights is None else self.weights.name
        if weights != wanted:
            return f"weights: {weights}"
        mine = self.network.classes if self.classes is None else self.classes
        return f"{classes} classes" if self.weights is None and classes != mine else ""


def compile_job(job: Job) -> None:
    """Build or load the network, quantise it, compile it into `job.directory`, describe it.

    Raises:
        AxeleraError: the network has no such number of classes, the file is not a network of this shape, or the
            compiler refuses it.
    """
    from axelera import compiler  # noqa: PLC0415  slow to import
    from axelera.cli._compile_data import load_transform  # noqa: PLC0415

    outdated = job.difference()
    if job.weights is None:
        try:
            model = job.network.build(classes=job.classes)
        except ValueError as error:
            raise AxeleraError(str(error)) from error
    else:
        model = load_weights(job.weights, job.network)
    config = compiler.CompilerConfig(
        model_name=job.name,
        aipu_cores_used=job.cores,
        resources_used=job.cores / CORES,
        output_axm_format=job.archive,
    )
    data = random_images(job.network, job.samples) if job.images is None else job.images
    transform = None if job.transform is None else load_transform(job.transform)
    quantised = compiler.quantize(model, data, config, transform)
    compiler.compile(quantised, config, job.directory)
    if outdated:
        for cores in {*range(1, CORES + 1)} - {job.cores}:
            shutil.rmtree(job.folder / str(cores), ignore_errors=True)
    info = model_info(job, model, quantised.output_shapes)
    _replace(job.folder / "model_info.json", json.dumps(info, indent=2) + "\n")


def model_info(job: Job, model: onnx.ModelProto, output_shapes: Sequence[Sequence[int]]) -> dict[str, object]:
    """What clients want to know about the network, and where its weights come from.

    Args:
        job: what was compiled.
        model: the float network.
        output_shapes: shapes of the float network's outputs.
    """
    network = job.network
    info: dict[str, object] = {
        "name": job.name,
        "network": network.name,
        "task": network.task,
        "dataset": network.dataset,
        "labels": [],
        "input_tensor_shape": [1, 3, *network.resolution],
        "input_tensor_layout": "NCHW",
        "input_color_format": "RGB",
        "source": network.source,
    }
    if job.weights is None:
        counts = count(model)
        info |= {
            "num_classes": network.classes if job.classes is None else job.classes,
            "parameters": counts.parameters,
            "macs": counts.macs,
            "weights": _SYNTHETIC,
            "note": "synthetic weights: times are those of the architecture, values and accuracy mean nothing",
        }
    else:
        # Only a classifier's output tells how many classes the user's network knows.
        classes = output_shapes[0][1] if network.task == "classification" else None
        info |= {
            "num_classes": classes,
            "weights": job.weights.name,
            "note": "graph and weights are those of a file of the user; only its input was compared",
        }
    if job.images is None:
        info["calibration"] = f"{job.samples} samples of random numbers in [0, 1)"
    else:
        way = (
            "stretched and scaled to 0..1" if job.transform is None else f"through {Path(job.transform).name}"
        )
        info["calibration"] = f"images of {job.images.name}, {way}"
    return info


def random_images(network: Network, count: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield images of uniform random numbers in [0, 1), float32 `[1, 3, h, w]`, always the same ones."""
    generator = np.random.default_rng(0)
    for _ in range(count):
        yield generator.random((1, 3, *network.resolution), np.float32)


def load_weights(path: Path, network: Network) -> onnx.ModelProto:
    """Read the user's ONNX file and check that it takes the network's images.

    Raises:
        AxeleraError: it can't be read, or its input has another shape.
    """
    from axelera.compiler.frontend import load_proto  # noqa: PLC0415  slow to import

    model = load_proto(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    expected = (1, 3, *network.resolution)
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise AxeleraError(f"--weights {path}: inputs {names}; expected one image input {list(expected)}")
    dims = inputs[0].type.tensor_type.shape.dim
    known = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    if len(known) != 4 or any(
        size not in (None, wanted) for size, wanted in zip(known, expected, strict=True)
    ):
        raise AxeleraError(
            f"--weights {path}: input {inputs[0].name} is {known}; {network.name} takes {list(expected)}: "
            "export the network at this size, or compile it with axcompile"
        )
    for dim, size in zip(dims, expected, strict=True):
        dim.dim_value = size
    return model


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
