"""`axemu demo`: the main job from end to end on handwritten digits."""

from __future__ import annotations

import contextlib
import queue
import textwrap
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from axelera import compiler
from axelera.runtime import Connection, Context, Model
from axemu.chip import CORES
from axemu.cli import digits
from axemu.cli._compile_summary import add_operator_times
from axemu.driver import create_driver, selection
from axemu.host import HostPart
from axemu.model import replacing
from axemu.studies import Measured, MeasureOptions, Scenario, load_target, measure

if TYPE_CHECKING:
    from axemu.driver import Driver
    from axemu.emulator.metis import Timeline

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo found; rates and times are simulated, `wall_seconds` is how long this machine computed.

    `answers` are digits by test image. `measured` is what axrunmodel says of the model, `timeline` what the boards did when,
    if they are emulated ones.
    """

    directory: Path
    images: int
    cores: int
    float_accuracy: float
    int8_accuracy: float
    agreement: float
    fps: float
    latency: float
    simulated: str
    wall_seconds: float
    answers: npt.NDArray[np.int64]
    measured: Measured
    timeline: Timeline | None


def compile_digits(directory: Path, cores: int = 1) -> Path:
    """Compile the bundled network for some cores and as many quarters of L2; returns its model.json."""
    config = compiler.CompilerConfig(aipu_cores_used=cores, resources_used=cores / CORES)
    images = digits.calibration_images().images
    source = directory.parent / "digits.onnx"
    source.parent.mkdir(parents=True, exist_ok=True)
    with replacing(source) as temporary:
        temporary.write_bytes(digits.network())
    quantised = compiler.quantize(str(source), (image[np.newaxis] for image in images), config)
    compiler.compile(quantised, config, directory)
    return directory / "model.json"


def run_demo(directory: Path, cores: int = 1) -> DemoResult:
    """Compile the network into `directory`, run all test images, and compare with float32."""
    model_file = compile_digits(directory, cores)
    add_operator_times(directory, Scenario(directory), load_target(directory))
    test = digits.test_images()
    with replacing(directory.parent / "test.npz") as temporary:
        np.savez_compressed(temporary, images=test.images, labels=test.labels)
    expected = float_logits(test.images)
    driver = create_driver(selection().driver)
    start = time.perf_counter()
    with contextlib.closing(driver), Context(driver) as context:
        model = context.load_model(model_file)
        connections = [context.device_connect(None, cores) for _ in range(CORES // cores)]
        found, fps, latency, simulated = _run(model, connections, test.images)
        timeline = _timeline(driver)
    wall = time.perf_counter() - start
    return DemoResult(
        directory=directory,
        images=len(test.labels),
        cores=cores,
        float_accuracy=float((expected.argmax(1) == test.labels).mean()),
        int8_accuracy=float((found.argmax(1) == test.labels).mean()),
        agreement=float((found.argmax(1) == expected.argmax(1)).mean()),
        fps=fps,
        latency=latency,
        simulated=simulated,
        wall_seconds=wall,
        answers=found.argmax(1),
        measured=measure(model_file, MeasureOptions(seconds=1)),
        timeline=timeline,
    )


def _timeline(driver: Driver) -> Timeline | None:
    from axemu.emulator import EmulatorDriver  # noqa: PLC0415  a card needs none of it

    return driver.recording(trace=True).record.timeline if isinstance(driver, EmulatorDriver) else None


def float_logits(images: npt.NDArray[np.float32]) -> Logits:
    """Run the float network on (N, 1, 8, 8) images with ONNX Runtime; returns (N, 10)."""
    import onnxruntime as ort  # noqa: PLC0415  slow to import

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(digits.network(), options, providers=["CPUExecutionProvider"])
    (name,) = (tensor.name for tensor in session.get_inputs())
    return np.concatenate([session.run(None, {name: image[np.newaxis]})[0] for image in images])


def _run(
    model: Model, connections: Sequence[Connection], images: npt.NDArray[np.float32]
) -> tuple[Logits, float, float, str]:
    """Run images on one worker thread per connection, each with its own instance."""
    part = HostPart(model)
    options = {"aipu_cores": part.batch, "num_sub_devices": part.batch}
    instances = [connection.load_model_instance(model, **options) for connection in connections]
    results: queue.Queue[tuple[int, Logits] | Exception] = queue.Queue()

    def work(worker: int) -> None:
        try:
            # Every worker's share is fixed, so the simulated time does not depend on this machine.
            for first in range(worker * part.batch, len(images), len(instances) * part.batch):
                scores = part.run(instances[worker], images[first : first + part.batch])[0]
                results.put((first, scores.reshape(part.batch, -1)))
        except Exception as error:  # noqa: BLE001  raised in the main thread
            results.put(error)

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in range(len(instances))]
    for thread in threads:
        thread.start()
    logits = np.empty((len(images), 10), np.float32)
    for _ in range(len(images) // part.batch):
        result = results.get()
        if isinstance(result, Exception):
            raise result
        logits[result[0] : result[0] + part.batch] = result[1]
    for thread in threads:
        thread.join()
    counters = [instance.counters() for instance in instances]
    fps = len(images) / max(one.elapsed for one in counters)
    return logits, fps, float(np.mean([one.host_time for one in counters])), counters[0].simulated


def describe(result: DemoResult, page: Path) -> str:
    """Return what the demo prints."""
    instances = CORES // result.cores
    return f"""\
Handwritten digits: {result.images} test images, none of them used for training or calibration
  accuracy float32 (ONNX Runtime)    {result.float_accuracy:7.2%}
  accuracy int8 (emulated Metis)     {result.int8_accuracy:7.2%}
  same answer                        {result.agreement:7.2%}
Predicted for a Metis card, {instances} instance(s) of {result.cores} core(s)
  throughput                         {result.fps:9.1f} FPS (simulated)
  latency                            {result.latency * 1e3:9.3f} ms (simulated)
  simulated: {result.simulated}
{textwrap.fill(why(result), 79, break_on_hyphens=False)}
This machine computed for {result.wall_seconds:.1f} s.

All of it on one page: {page}
The compiled model is in {result.directory}
Try next
  rates and latency as the vendor's tool prints them:
    axrunmodel {result.directory}
  a report on any program, without changing it:
    axemu examples copy
    axemu run --report - examples/quick_start.py \\
      {result.directory}/model.json {result.directory.parent}/test.npz
  your own network:
    axcompile --help"""


def why(result: DemoResult) -> str:
    """Say what axrunmodel prints for the same model, and why it differs."""
    return (
        f"axrunmodel prints {result.measured.system_fps:.0f} FPS and {result.measured.latency * 1e3:.1f} ms for this "
        "model: it has double buffering on, so copies overlap with execution and a result comes two calls later. "
        "The demo waits for every result, as axrunmodel does with --no-double-buffer --no-input-dmabuf "
        "--no-output-dmabuf."
    )
