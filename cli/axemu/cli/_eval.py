"""`axemu eval`: accuracy on one's own pictures, float against int8."""

from __future__ import annotations

import hashlib
import json
import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

import typer

from axemu.cli._errors import exit_on_error
from axemu.cli._options import AsJson
from axemu.driver import InvalidArgument

if TYPE_CHECKING:
    from axemu.cli._compile_options import Options
    from axemu.studies.evaluation import Evaluation, FloatSide, Int8Side, Interval, Picture, Task

app = typer.Typer(add_completion=False)
T = TypeVar("T")

SHOWN = 5
"""Files that a message names."""
DIVIDE, LEAST, OVERLAP = 255, 0.001, 0.7
"""Of detection, where no option says otherwise."""

Model = Annotated[
    Path,
    typer.Argument(help="What axcompile wrote, or a compiled model (then --onnx names its float network)."),
]
Images = Annotated[Path, typer.Argument(help="Directory of images, which were not used for calibration.")]


@dataclass(frozen=True, slots=True)
class Given:
    """The options of one evaluation."""

    model: Path
    images: Path
    onnx: Path | None
    labels: Path | None
    names: Path | None
    annotations: Path | None
    metric: str | None
    transform: str | None
    family: str | None
    classes: int | None
    divide: float
    bgr: bool
    least: float
    overlap: float


@app.command("eval")
def evaluate_command(
    model: Model,
    images: Images,
    *,
    onnx: Annotated[Path | None, typer.Option(help="The float network; axcompile keeps it.")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Classification: file with a line image,class. Default: a directory per class."),
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="File with a line per class, in the order of the network's outputs.")
    ] = None,
    annotations: Annotated[Path | None, typer.Option(help="Detection: annotations in COCO's format.")] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.py[:FUNC]",
            help="A metric of your own: from outputs and path to a number, or numbers by name.",
        ),
    ] = None,
    transform: Annotated[
        str | None,
        typer.Option(
            help="From image to input, as in axcompile; default: what the model was calibrated with."
        ),
    ] = None,
    family: Annotated[str | None, typer.Option(help="Detection: yolov5, yolov8, yolo11, yolox, …")] = None,
    classes: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Detection: classes of the network.")
    ] = None,
    divide: Annotated[
        float, typer.Option(min=1e-6, max=1e6, help="Detection: what pixels of 0 to 255 are divided by.")
    ] = DIVIDE,
    bgr: Annotated[bool, typer.Option("--bgr", help="Detection: the network takes BGR.")] = False,
    least: Annotated[float, typer.Option(min=0, max=1, help="Detection: lowest score.")] = LEAST,
    overlap: Annotated[
        float, typer.Option(min=0, max=1, help="Detection: overlap above which boxes are one.")
    ] = OVERLAP,
    limit: Annotated[
        int | None,
        typer.Option(min=1, max=10_000_000, help="So many images, drawn at random (always the same)."),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="File that results go to; an interrupted evaluation goes on with it.")
    ] = None,
    leave_out_calibration: Annotated[
        bool, typer.Option("--leave-out-calibration", help="Leave images out that were used for calibration.")
    ] = False,
    resamples: Annotated[int, typer.Option(min=20, max=100_000, help="Draws for the intervals.")] = 500,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    as_json: AsJson = False,
) -> None:
    """Say how accurate a compiled network is, in float and in int8, on images of your own.

    Classification (top-1 and top-5), detection (mAP, with --annotations) or a metric of your own (--metric). Both networks see
    the same images; intervals come from drawing these again.
    """
    from axemu.studies.evaluation import evaluate  # noqa: PLC0415  only this command needs it

    given = Given(
        model, images, onnx, labels, names, annotations, metric, transform, family, classes, divide, bgr, least, overlap
    )  # fmt: skip
    if misplaced := _misplaced(given):
        raise typer.BadParameter(misplaced)
    with exit_on_error("axemu eval"), _Networks(given) as networks:
        task, pictures = _task(given, networks)
        if limit is not None and limit < len(pictures):
            pictures = sorted(random.Random(0).sample(pictures, limit), key=lambda one: one.name)  # noqa: S311
        pictures, compared = _unseen(networks.compiled, pictures, task, leave_out=leave_out_calibration)
        result = evaluate(
            task,
            pictures,
            networks.int8,
            networks.float_,
            journal=journal,
            identity={
                "networks": networks.identity,
                "images": str(images.resolve()),
                "truth": _truth(given, networks.compiled),
            },
            counted=lambda items: _counted(items, len(pictures), "Evaluating"),
            resamples=resamples,
            confidence=confidence,
        )
        document = _document(result, networks, compared)
        print(json.dumps(document, indent=2) if as_json else "\n".join(_lines(result, compared)))


def _misplaced(given: Given) -> str:
    """Say which option another one leaves without effect; nothing where each has one."""
    detection, own = given.annotations is not None, given.metric is not None
    defaults = {"divide": DIVIDE, "bgr": False, "least": LEAST, "overlap": OVERLAP}
    for name, default in {"family": None, "classes": None, **defaults}.items():
        if not detection and getattr(given, name) != default:
            return f"--{name} is of detection, which needs --annotations"
    for name, without in {
        "metric": detection, "labels": detection or own, "names": own, "transform": detection,
    }.items():  # fmt: skip
        if without and getattr(given, name) is not None:
            return f"--{name} has no effect with --{'annotations' if detection else 'metric'}; leave it out"
    return ""


class _Networks:
    """Both networks of an evaluation; a context manager that gives the board back."""

    def __init__(self, given: Given) -> None:
        from axemu.studies.evaluation import FloatSide, Int8Side  # noqa: PLC0415

        run = given.model if (given.model / "compiled_model" / "model.json").is_file() else None
        self.compiled = given.model / "compiled_model" / "model.json" if run else _model_json(given.model)
        self.onnx = given.onnx or (run / "input_model" / "fp32_model.onnx" if run else None)
        self.options = _options(run)
        self.float_: FloatSide | None = None if self.onnx is None else FloatSide(self.onnx)
        self.int8: Int8Side = Int8Side(self.compiled)

    @property
    def identity(self) -> str:
        """Digest of both networks."""
        found = hashlib.sha256()
        folder = self.compiled.parent
        files = [self.compiled, *sorted(folder.glob("program.*")), *sorted(folder.glob("*.onnx"))]
        for path in (*files, *([] if self.onnx is None else [self.onnx])):
            found.update(path.read_bytes())
        return found.hexdigest()[:16]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.int8.__exit__(None, None, None)


def _model_json(path: Path) -> Path:
    return path / "model.json" if path.is_dir() else path


def _options(run: Path | None) -> Options:
    """Return the options that a model was compiled with, or the defaults."""
    from axemu.cli._compile_options import Options  # noqa: PLC0415

    saved = run / "cli_args.json" if run else None
    if saved is None or not saved.is_file():
        return Options(input=Path("network"), output=Path("build"))
    return Options.read({}, str(saved))[0]


def _task(given: Given, networks: _Networks) -> tuple[Task, list[Picture]]:
    """Return what is to be judged, and the pictures with what is true of them."""
    from axemu.studies.evaluation import (  # noqa: PLC0415
        Classification,
        Detection,
        UserMetric,
        coco_pictures,
        labelled_pictures,
        pictures_in,
    )

    names = _names(given, networks.compiled)
    if given.annotations is not None:
        pictures, classes = coco_pictures(given.images, given.annotations, given.classes, names)
        shape = networks.int8.input_shape
        if len(shape) != 4 or shape[1] != 3 or min(shape[2:]) < 1:
            raise InvalidArgument(
                f"the network takes {shape}; detection feeds images of (1, 3, height, width)"
            )
        size = (shape[2], shape[3])
        return (
            Detection(classes, size, given.family, given.divide, given.bgr, given.least, given.overlap),
            pictures,
        )
    transform, identity = _transform(given, networks)
    if given.metric is not None:
        from axemu.cli._compile_data import load_function  # noqa: PLC0415

        metric = load_function("--metric", given.metric, "metric")
        described = f"{identity} {given.metric} {_file_digest(given.metric)}"
        return UserMetric(transform, metric, described), pictures_in(given.images)
    import numpy as np  # noqa: PLC0415

    size_of_output = networks.int8(
        np.zeros([max(1, size) for size in networks.int8.input_shape], np.float32)
    )[0].size
    return (
        Classification(transform, size_of_output, identity),
        labelled_pictures(given.images, size_of_output, names, given.labels),
    )


def _transform(given: Given, networks: _Networks) -> tuple[Callable[[Any], Any], str]:
    """Return what makes the networks' input of an RGB image, and what tells it apart from others."""
    import numpy as np  # noqa: PLC0415

    from axemu.cli._compile_choices import ImageReader  # noqa: PLC0415
    from axemu.cli._compile_data import in_colours, transform_of  # noqa: PLC0415

    options = networks.options
    if given.transform is not None:
        options = options.model_copy(update={"transform": given.transform})
    transform = transform_of(options, {"image": networks.int8.input_shape})
    arrays = options.imreader_backend is ImageReader.OPENCV

    def apply(image: Any) -> Any:
        converted = in_colours(image, options.color_format)
        value = np.asarray(transform(np.asarray(converted) if arrays else converted), np.float32)
        return value if value.ndim == len(networks.int8.input_shape) else value[np.newaxis]

    described = [options.transform, options.color_format, options.input_data_layout, options.imreader_backend]
    return apply, " ".join([*map(str, described), _file_digest(options.transform)])


def _file_digest(text: str | None) -> str:
    path = Path((text or "").rpartition(":")[0] if ":" in (text or "") else text or "")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else str(text)


def _truth(given: Given, compiled: Path) -> str:
    """Digest of what is true of the pictures, beside the directories that they lie in."""
    found = hashlib.sha256(repr(_names(given, compiled)).encode())
    for path in filter(None, (given.labels, given.annotations)):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _names(given: Given, compiled: Path) -> tuple[str, ...]:
    """Return names of classes, from the option or from model_info.json."""
    from axemu.driver import path_errors  # noqa: PLC0415
    from axemu.host import model_info  # noqa: PLC0415

    if given.names is None:
        try:
            labels = model_info(compiled).get("labels", ())
        except ValueError as error:
            raise InvalidArgument(f"model_info.json of {compiled}: {error}") from error
        return tuple(map(str, labels)) if isinstance(labels, Sequence) and not isinstance(labels, str) else ()
    with path_errors(InvalidArgument, f"--names {given.names}"):
        return tuple(
            line.strip() for line in given.names.read_text(encoding="utf-8").splitlines() if line.strip()
        )


def _unseen(
    compiled: Path, pictures: list[Picture], task: Task, *, leave_out: bool
) -> tuple[list[Picture], dict[str, Any]]:
    """Refuse or leave out pictures that the network was calibrated with; say what they were compared with."""
    from axemu.studies.evaluation import calibration_of, overlapping  # noqa: PLC0415

    calibration = calibration_of(compiled)
    if calibration is None:
        print(
            "axemu eval: the model does not say what it was calibrated with, so images were not compared with that",
            file=sys.stderr,
        )
        return pictures, {"calibration_samples": None, "left_out": 0}
    counted = _counted(pictures, len(pictures), "Comparing with the calibration images")
    found = list(overlapping(calibration, counted, task))
    used = [picture.name for picture, known in found if known]
    if used and not leave_out:
        shown = ", ".join(used[:SHOWN]) + (", …" if len(used) > SHOWN else "")
        raise InvalidArgument(
            f"{len(used)} of {len(found)} images were used to calibrate this network (by content): {shown}. Accuracy on them says "
            "little of other images: give others, or --leave-out-calibration"
        )
    rest = [picture for picture, known in found if not known]
    if not rest:
        raise InvalidArgument("every image was used to calibrate this network; give others")
    return rest, {"calibration_samples": calibration.count, "left_out": len(used)}


def _counted(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Show a bar on stderr, when it is a terminal, while items are gone through."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import track  # noqa: PLC0415

    console = Console(stderr=True)
    yield from track(items, what, total, console=console, transient=True, disable=not console.is_terminal)


def _document(result: Evaluation, networks: _Networks, compared: Mapping[str, Any]) -> dict[str, Any]:
    def interval(one: Interval | None) -> dict[str, float | None] | None:
        if one is None:
            return None
        return {key: value if math.isfinite(value) else None for key, value in asdict(one).items()}

    return {
        "model": str(networks.compiled),
        "float_network": None if networks.onnx is None else str(networks.onnx),
        "pictures": result.pictures,
        "resumed": result.resumed,
        "confidence": result.confidence,
        **compared,
        "metrics": {
            one.name: {
                "float": interval(one.float_),
                "int8": interval(one.int8),
                "difference": interval(one.difference),
            }
            for one in result.figures
        },
    }


def _lines(result: Evaluation, compared: Mapping[str, Any]) -> Iterator[str]:
    """Yield the result for people, within 80 columns."""
    yield f"{'':10}{'float':>22}{'int8':>22}{'int8 - float':>25}"
    for one in result.figures:
        real, whole = _shown(one.float_), _shown(one.int8)
        yield f"{one.name[:10]:10}{real:>22}{whole:>22}{_shown(one.difference, '+'):>25}"
    yield ""
    again = f", {result.resumed} of them from the journal" if result.resumed else ""
    yield f"{result.pictures} images{again}; {result.confidence:.0%} intervals of images drawn again."
    count = compared["calibration_samples"]
    if count is not None:
        left = compared["left_out"]
        yield f"None of them is among the {count} samples of the calibration{f' ({left} that are were left out)' if left else ''}."


def _shown(one: Interval | None, sign: str = "") -> str:
    if one is None:
        return "-"
    value = f"{one.value:{sign}.3f}"
    return value if math.isnan(one.low) else f"{value} [{one.low:{sign}.3f}, {one.high:{sign}.3f}]"
