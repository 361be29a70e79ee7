"""Compile a network of the zoo into the directory tree that applications expect."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from axemu import faces
from axemu.chip import CORES, PROGRAMS
from axemu.driver import AxeleraError
from axemu.driver.bounded import JSON_TEXT, parse_json, read_bounded
from axemu.model import replacing

if TYPE_CHECKING:
    import onnx

    from axemu.zoo import Network

_SYNTHETIC = "synthetic: random numbers, seed 0"


@dataclass(frozen=True, slots=True)
class ZooBuild:
    """A network of the zoo to compile, and where to.

    Attributes:
        network: the architecture.
        name: the name it was asked for by, which names the directories.
        root: directory that holds the builds.
        cores: cores of one instance, which is its batch.
        weights: ONNX file to compile in place of the synthetic network.
        classes: number of classes of the synthetic network; its own when None.
        images: directory of calibration images; random numbers in [0, 1) when None.
        transform: turns a Pillow image into an input; stretched and scaled to 0..1 when None.
        transform_name: what the description of the build calls it; the function's own name when None.
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
    transform: Callable[[Any], Any] | None = None
    transform_name: str | None = None
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

    @property
    def archive_file(self) -> Path:
        """Where the archive is written."""
        return self.folder / f"{self.name}.axm"

    @property
    def calibration(self) -> str:
        """What the calibration data are, in words."""
        if self.images is None:
            return f"{self.samples} samples of random numbers in [0, 1)"
        name = self.transform_name
        if name is None and self.transform is not None:
            name = getattr(self.transform, "__qualname__", type(self.transform).__qualname__)
        way = "stretched and scaled to 0..1" if name is None else f"through {name}"
        return f"images of {self.images.name}, {way}"

    def difference(self) -> str:
        """Say what the builds of the folder were made of, if that is something else.

        Raises:
            AxeleraError: the file of weights cannot be read.
        """
        if not any(self.folder.glob("*/model.json")):
            return ""
        try:
            info = parse_json(read_bounded(self.folder / "model_info.json", JSON_TEXT))
            weights, classes, calibration = (info[key] for key in ("weights", "num_classes", "calibration"))
            digest = info.get("weights_sha256")
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return "unknown content (model_info.json is missing or damaged)"
        if self.weights is None:
            mine = self.network.classes if self.classes is None else self.classes
            if weights != _SYNTHETIC:
                return f"weights: {weights}"
            if classes != mine:
                return f"{classes} classes"
        elif weights == _SYNTHETIC or digest != sha256(self.weights):
            return f"{'other ' if weights == self.weights.name else ''}weights: {weights}"
        return "" if calibration == self.calibration else f"calibration: {calibration}"


def compile_zoo(build: ZooBuild) -> Path:
    """Build or load the network, quantise it, compile it into `build.directory`, describe it.

    Builds of something else in the same folder are removed; `build.difference()` tells of them.

    Returns:
        The `model.json` of the compiled model.

    Raises:
        AxeleraError: the network has no such number of classes, the file is not a network of this shape, or the
            compiler refuses it.
    """
    faces.check("axelera.compiler")
    from axelera import compiler  # noqa: PLC0415  slow to import

    outdated = build.difference()
    if build.weights is None:
        try:
            model = build.network.build(classes=build.classes)
        except ValueError as error:
            raise AxeleraError(str(error)) from error
    else:
        model = load_weights(build.weights, build.network)
    config = compiler.CompilerConfig(
        model_name=build.name,
        aipu_cores_used=build.cores,
        resources_used=build.cores / CORES,
        tiling_depth=int(PROGRAMS.batch_tiling_depth) if build.cores == CORES else 1,
        output_axm_format=build.archive,
    )
    data = random_images(build.network, build.samples) if build.images is None else build.images
    quantised = compiler.quantize(model, data, config, build.transform)
    info = model_info(build, model, quantised.output_shapes)
    if outdated:  # what is there must not be taken for what it was, should this end early
        (build.folder / "model_info.json").unlink(missing_ok=True)
        build.archive_file.unlink(missing_ok=True)
    compiler.compile(quantised, config, build.directory)
    if outdated:
        for cores in {*range(1, CORES + 1)} - {build.cores}:
            shutil.rmtree(build.folder / str(cores), ignore_errors=True)
    with replacing(build.folder / "model_info.json") as temporary:
        temporary.write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
    return build.directory / "model.json"


def publish(build: ZooBuild) -> Path:
    """Put the compiled model also where the vendor's quick start looks for it: `build/<name>/model.json`.

    The files are links to those of the build. What was there before is replaced; of several builds the last one stays.
    """
    place = build.root / build.name
    files = sorted(build.directory.iterdir(), key=lambda path: path.name == "model.json")
    for file in files:
        with replacing(place / file.name) as temporary:
            temporary.unlink(missing_ok=True)
            try:
                temporary.hardlink_to(file)
            except OSError:  # a file system without links
                shutil.copy2(file, temporary)
    return place / "model.json"


def model_info(
    build: ZooBuild, model: onnx.ModelProto, output_shapes: Sequence[Sequence[int]]
) -> dict[str, object]:
    """What clients want to know about the network, and where its weights come from.

    Args:
        build: what was compiled.
        model: the float network.
        output_shapes: shapes of the float network's outputs.
    """
    network = build.network
    info: dict[str, object] = {
        "name": build.name,
        "network": network.name,
        "task": network.task,
        "dataset": network.dataset,
        "labels": [],
        "input_tensor_shape": [1, 3, *network.resolution],
        "input_tensor_layout": "NCHW",
        "input_color_format": "RGB",
        "source": network.source,
    }
    if build.weights is None:
        from axemu.zoo import count  # noqa: PLC0415  onnx is slow to import

        counts = count(model)
        info |= {
            "num_classes": network.classes if build.classes is None else build.classes,
            "parameters": counts.parameters,
            "macs": counts.macs,
            "weights": _SYNTHETIC,
            "note": "synthetic weights: times are those of the architecture, values and accuracy mean nothing",
        }
    else:
        # Only a classifier's output tells how many classes the user's network knows.
        shape = output_shapes[0] if network.task == "classification" else ()
        info |= {
            "num_classes": shape[1] if len(shape) > 1 else None,
            "weights": build.weights.name,
            "weights_sha256": sha256(build.weights),
            "note": "graph and weights are those of a file of the user; only its input was compared",
        }
    return info | {"calibration": build.calibration}


def sha256(path: Path) -> str:
    """Return the digest of an ONNX file followed by the files that it keeps its weights in, if any.

    Raises:
        AxeleraError: it can't be read.
    """
    from axelera.compiler.frontend import read_onnx  # noqa: PLC0415  slow to import

    read_onnx(path, external=True)  # refuses weights outside the file's directory
    outside = {
        entry.value
        for tensor in read_onnx(path).graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    digest = hashlib.sha256()
    for file in (path, *(path.parent / name for name in sorted(outside))):
        digest.update(file.read_bytes())
    return digest.hexdigest()


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
        raise AxeleraError(f"weights {path}: inputs {names}; expected one image input {list(expected)}")
    dims = inputs[0].type.tensor_type.shape.dim
    known = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    if len(known) != 4 or any(
        size not in (None, wanted) for size, wanted in zip(known, expected, strict=True)
    ):
        raise AxeleraError(
            f"weights {path}: input {inputs[0].name} is {known}; {network.name} takes {list(expected)}: "
            "export the network at this size, or compile it with axcompile"
        )
    for dim, size in zip(dims, expected, strict=True):
        dim.dim_value = size
    return model
