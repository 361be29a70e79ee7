"""What the vendor's guides do with a network of their zoo, by the installed commands, from an empty directory.

Weights are synthetic, so labels and boxes mean nothing: what comes out is compared with the float network.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image
from tests._sizes import sample

from axemu import zoo

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SUMMARY = re.compile(
    r"(\S+),dev:([\d.]+)\s+host:([\d.]+)\s+system:([\d.]+)(\s+latency:([\d.]+)ms\s+frames:(\d+)\s+temp:(\d+)C)?"
)
FULL = pytest.mark.full
CLASSIFIERS = [
    "squeezenet1_1-imagenet-onnx",
    pytest.param("resnet50-imagenet-onnx", marks=FULL),
]
DETECTORS = [
    pytest.param("yolov8n-coco-onnx", marks=FULL),
    pytest.param("yolo11s-coco-onnx", marks=FULL),
]
MEASURED = [*CLASSIFIERS, DETECTORS[1]]
RUNS = (
    (["--seconds", "1"], None),
    (["--throttle-fps", "40", "--seconds", "1"], 40),
    (["--no-double-buffer", "--no-input-dmabuf", "--no-output-dmabuf", "--seconds", "0.5"], None),
    (["--aipu-cores", "1", "-d", "0", "--seconds", "0.5"], None),
)
pytestmark = [pytest.mark.usefixtures("own_boards"), pytest.mark.timeout(1800)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    path = tmp_path / "empty"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that keeps builds between tests, as `build` does between commands."""
    return tmp_path_factory.mktemp("build")


def command(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which(name, path=str(Path(sys.executable).parent))
    assert program is not None, f"{name} is not installed"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def example(name: str, *arguments: object) -> str:
    words = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def download(builds: Path, name: str, *arguments: str) -> Path:
    """Return model.json of a network, compiled the first time it is asked for."""
    done = command("axdownloadmodel", name, "--samples", "2", "--output", str(builds), *arguments)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def photos(folder: Path, height: int, width: int) -> list[Path]:
    """Pictures of noise that exactly fit the input, as files."""
    rng = np.random.default_rng(5)
    paths = []
    for index in range(6):
        path = folder / f"photo{index}.png"
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(path)
        paths.append(path)
    return paths


def float_outputs(name: str, paths: list[Path]) -> list[np.ndarray]:
    """First output of the float network for each picture."""
    session = ort.InferenceSession(
        zoo.find(name).build().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    images = [np.asarray(Image.open(path), np.float32).transpose(2, 0, 1)[None] / 255 for path in paths]
    return [session.run(None, {"images": image})[0] for image in images]


@pytest.mark.parametrize("name", MEASURED)
def test_a_name_is_downloaded_and_measured_as_the_guides_write_it(name: str, here: Path) -> None:
    done = command("axdownloadmodel", name)
    assert done.returncode == 0, done.stderr
    assert "synthetic weights" in done.stderr
    model = Path("build") / name / name / "1" / "model.json"
    assert done.stdout == f"{model}\n"
    assert {path.name for path in here.iterdir()} == {"build"}
    for options, frames_per_second in RUNS[: sample(2, len(RUNS))]:
        run = command("axrunmodel", str(model), *options)
        assert run.returncode == 0, run.stderr
        assert "simulated, not measured" in run.stderr
        found = SUMMARY.fullmatch(run.stdout.strip())
        assert found is not None, run.stdout
        assert found[1] == name
        device, host, system = (float(found[index]) for index in (2, 3, 4))
        assert device >= host
        assert system > 0
        if frames_per_second is not None:
            assert system == pytest.approx(frames_per_second, rel=0.05)


@pytest.mark.full
@pytest.mark.parametrize("name", MEASURED)
def test_more_cores_are_faster_and_one_batch_uses_them_all(name: str, here: Path, builds: Path) -> None:
    single, batch = download(builds, name), download(builds, name, "--cores", "4")

    def system_fps(model: Path, *options: str) -> float:
        run = command("axrunmodel", str(model), "--seconds", "0.5", *options)
        found = SUMMARY.fullmatch(run.stdout.strip())
        assert found is not None, run.stderr
        return float(found[4])

    one, four = (system_fps(single, "--aipu-cores", cores) for cores in ("1", "4"))
    assert 1.5 * one < four < 4.2 * one
    assert system_fps(batch) > 1.5 * one
    refused = command("axrunmodel", str(batch), "--aipu-cores", "1")
    assert refused.returncode == 1
    assert "runs 4 frames at once" in refused.stderr


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_photos_are_classified_like_the_float_network_does(name: str, here: Path, builds: Path) -> None:
    paths = photos(here, *zoo.find(name).resolution)
    lines = example("classify.py", download(builds, name), *paths).splitlines()
    assert [line.split(":")[0] for line in lines] == [str(path) for path in paths]
    for line, wanted in zip(lines, float_outputs(name, paths), strict=True):
        scores = {int(number): float(score) for number, score in re.findall(r"class (\d+) (-?[\d.]+)", line)}
        assert len(scores) == 5
        assert list(scores.values()) == sorted(scores.values(), reverse=True)
        spread = wanted.std()
        for number, score in scores.items():
            assert abs(score - wanted[0, number]) < 0.5 * spread
        assert wanted[0, next(iter(scores))] > wanted.max() - 0.5 * spread


@pytest.mark.full
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_way_of_running_gives_the_same_answers(
    name: str, here: Path, builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = download(builds, name)
    rng = np.random.default_rng(7)
    images = rng.random((6, 3, *zoo.find(name).resolution), np.float32)
    unlabelled, labelled = here / "unlabelled.npz", here / "labelled.npz"
    np.savez(unlabelled, images=images, labels=np.full(len(images), -1))
    answers = example("classify.py", model, *_saved(here, images))
    labels = [int(number) for number in re.findall(r": class (\d+)", answers)]
    images = np.stack([np.asarray(Image.open(path), np.float32) for path in sorted(here.glob("image*.png"))])
    np.savez(labelled, images=images.transpose(0, 3, 1, 2) / np.float32(255), labels=labels)
    for program in ("quick_start.py", "worker_threads.py", "double_buffering.py"):
        assert example(program, model, labelled) == f"{len(labels)} of {len(labels)} correct\n", program
        assert example(program, model, unlabelled).startswith("0 of"), program
    monkeypatch.setenv("AXEMU_EMULATOR", "boards = 2")
    assert (
        example("round_robin.py", model, labelled) == f"{len(labels)} of {len(labels)} correct on 2 boards\n"
    )


def _saved(folder: Path, images: np.ndarray) -> list[Path]:
    paths = []
    for index, image in enumerate(images):
        paths.append(folder / f"image{index}.png")
        Image.fromarray((image.transpose(1, 2, 0) * 255).round().astype(np.uint8)).save(paths[-1])
    return paths


@pytest.mark.parametrize("name", DETECTORS)
def test_boxes_are_those_of_the_float_network(name: str, here: Path, builds: Path) -> None:
    paths = photos(here, *zoo.find(name).resolution)[:2]
    # Without suppression every cell stays, the best first: that can be compared with the float network's table.
    options = ["--least", "0", "--most-overlap", "1", "--most", "20"]
    text = example("detect.py", download(builds, name), *paths, *options)
    for part, table in zip(text.split("photo")[1:], float_outputs(name, paths), strict=True):
        found = re.findall(r"class (\d+) ([\d.]+) at (\d+),(\d+) to (\d+),(\d+)", part)
        assert len(found) == 20
        centres, sizes, scores = table[0, :2].T, table[0, 2:4].T, table[0, 4:]
        corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1).clip(0, 640)
        for number, score, *box in found:
            distance = np.abs(corners - np.array(box, float)).max(axis=1)
            near = (
                distance < 32
            )  # the side of the widest cells; ranges, and so boxes, differ a little between CPUs
            assert near.any(), distance.min()
            assert np.abs(scores[int(number), near] - float(score)).min() < 0.1


@pytest.mark.full
@pytest.mark.parametrize("name", ["yolov8n-coco-onnx"])
def test_overlapping_boxes_of_a_class_are_reported_once(name: str, here: Path, builds: Path) -> None:
    model, (path, *_) = download(builds, name), photos(here, 300, 500)
    text = example("detect.py", model, path, "--least", "0.6", "--most", "1000")
    rows = [
        tuple(map(float, row))
        for row in re.findall(r"class (\d+) [\d.]+ at (\d+),(\d+) to (\d+),(\d+)", text)
    ]
    assert text.startswith(f"{path}: {len(rows)} found")
    assert len(rows) > 1
    # A box that reaches over the edge is cut off there, which changes what it shares with others.
    whole = [(number, box) for number, *box in rows if min(box) > 0 and box[2] < 500 and box[3] < 300]
    assert len(whole) > 1
    for index, (number, box) in enumerate(whole):
        assert box[0] < box[2]
        assert box[1] < box[3]
        for other, rest in whole[:index]:
            assert other != number or _shared(box, rest) < 0.5


@pytest.mark.parametrize(
    "name",
    [
        "squeezenet1_1-imagenet-onnx",
        *(pytest.param(f"{name}-coco-onnx", marks=FULL) for name in ("yolo11n-seg", "yolov8n-pose")),
    ],
)
def test_networks_with_other_outputs_than_a_detector_are_refused(name: str, here: Path, builds: Path) -> None:
    (path, *_) = photos(here, 64, 64)
    words = [sys.executable, str(EXAMPLES / "detect.py"), str(download(builds, name)), str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "are no form of a YOLO head that is known; expected (1, " in done.stderr
    assert "Traceback" not in done.stderr


def _shared(a: list[float], b: list[float]) -> float:
    inner = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner
    return inner / area


@pytest.mark.full
def test_a_cascade_of_a_classifier_with_itself(here: Path, builds: Path) -> None:
    name = "resnet50-imagenet-onnx"
    model = download(builds, name, "--cores", "2")
    images = np.random.default_rng(7).random((4, 3, 224, 224), np.float32)
    np.savez(here / "images.npz", images=images, labels=np.zeros(4, int))
    text = example("cascade.py", model, model, here / "images.npz")
    assert re.fullmatch(r"\d of 4 correct, \d of them looked at twice\n", text)


@pytest.mark.full
@pytest.mark.material
def test_trained_weights_name_what_is_on_a_photo(here: Path, material: Path) -> None:
    name = "squeezenet1_1-imagenet-onnx"
    pictures = material / "images" / "imagenet100_jpg"
    calibration, rest = here / "calibration", sorted(pictures.glob("*.jpg"))[1::2][:20]
    calibration.mkdir()
    for path in sorted(pictures.glob("*.jpg"))[::2]:
        (calibration / path.name).symlink_to(path)
    (here / "mine.py").write_text(
        "import numpy as np\n"
        "def transform(image):\n"
        "    pixels = np.asarray(image.resize((224, 224)), np.float32) / 255\n"
        "    pixels = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]\n"
        "    return pixels.transpose(2, 0, 1)[None].astype(np.float32)\n"
    )
    done = command(
        *(
            "axdownloadmodel",
            name,
            "--weights",
            str(material / "models" / "squeezenet1.1_op13_torchnorm.onnx"),
        ),
        *("--imageset", str(calibration), "--transform", "mine.py:transform"),
    )
    assert done.returncode == 0, done.stderr
    info = json.loads((here / "build" / name / name / "model_info.json").read_text())
    assert info["calibration"] == "images of calibration, through mine.py:transform"
    text = example("classify.py", done.stdout.strip(), *rest, "--normalise")
    right = sum(
        int(Path(line.split(": ")[0]).name[:4]) in map(int, re.findall(r"class (\d+)", line))
        for line in text.splitlines()
    )
    assert right >= 15  # in the first five; 86.7 % of a larger set in float


def test_a_transform_needs_images(here: Path) -> None:
    done = command("axdownloadmodel", "resnet18", "--transform", "mine.py")
    assert done.returncode == 2
    assert "needs --imageset" in done.stderr


def test_an_unknown_name_stops_a_job_of_commands(here: Path) -> None:
    done = command("axdownloadmodel", "resnet51-imagenet-onnx")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean resnet50-imagenet-onnx" in done.stderr
    assert list(here.iterdir()) == []
