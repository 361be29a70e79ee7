"""`axemu demo`: the main job from end to end on handwritten digits."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from axelera import compiler
from axelera.runtime import Connection, Context, Model, TensorInfo
from axemu.cli import digits
from axemu.model import replacing

WORKERS = 4
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo found; rates and times are simulated, `wall_seconds` is how long this machine computed."""

    directory: Path
    images: int
    float_accuracy: float
    int8_accuracy: float
    agreement: float
    fps: float
    latency: float
    simulated: str
    wall_seconds: float


def compile_digits(directory: Path) -> Path:
    """Compile the bundled network for one core and a quarter of L2; returns its model.json."""
    config = compiler.CompilerConfig(aipu_cores_used=1, resources_used=0.25)
    images = digits.calibration_images().images
    source = directory.parent / "digits.onnx"
    source.parent.mkdir(parents=True, exist_ok=True)
    with replacing(source) as temporary:
        temporary.write_bytes(digits.network())
    quantised = compiler.quantize(str(source), (image[np.newaxis] for image in images), config)
    compiler.compile(quantised, config, directory)
    return directory / "model.json"


def run_demo(directory: Path) -> DemoResult:
    """Compile the network into `directory`, run all test images, and compare with float32."""
    model_file = compile_digits(directory)
    test = digits.test_images()
    with replacing(directory.parent / "test.npz") as temporary:
        np.savez_compressed(temporary, images=test.images, labels=test.labels)
    expected = float_logits(test.images)
    start = time.perf_counter()
    with Context() as context:
        model = context.load_model(model_file)
        connections = [context.device_connect(None, 1) for _ in range(WORKERS)]
        found, fps, latency, simulated = _run(model, connections, test.images)
    wall = time.perf_counter() - start
    return DemoResult(
        directory=directory,
        images=len(test.labels),
        float_accuracy=float((expected.argmax(1) == test.labels).mean()),
        int8_accuracy=float((found.argmax(1) == test.labels).mean()),
        agreement=float((found.argmax(1) == expected.argmax(1)).mean()),
        fps=fps,
        latency=latency,
        simulated=simulated,
        wall_seconds=wall,
    )


def float_logits(images: npt.NDArray[np.float32]) -> Logits:
    """Run the float network on (N, 1, 8, 8) images with ONNX Runtime; returns (N, 10)."""
    import onnxruntime as ort  # noqa: PLC0415  slow to import

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(digits.network(), options, providers=["CPUExecutionProvider"])
    (name,) = (tensor.name for tensor in session.get_inputs())
    return np.concatenate([session.run(None, {name: image[np.newaxis]})[0] for image in images])


def quantise(image: npt.NDArray[np.float32], info: TensorInfo) -> npt.NDArray[np.int8]:
    """Turn a (1, C, H, W) image into the padded int8 NHWC buffer that `info` describes."""
    nhwc = image.transpose(0, 2, 3, 1)
    codes = np.clip(np.round(nhwc / info.scale + info.zero_point), -128, 127)
    return np.pad(codes, info.padding, constant_values=info.zero_point).clip(-128, 127).astype(np.int8)


def dequantise(buffer: npt.NDArray[np.int8], info: TensorInfo) -> Logits:
    """Cut the padding off an output buffer and return its real values, (N, …)."""
    inner = buffer[tuple(slice(before, -after or None) for before, after in info.padding)]
    return (inner.astype(np.float32) - info.zero_point) * np.float32(info.scale)


def _run(
    model: Model, connections: Sequence[Connection], images: npt.NDArray[np.float32]
) -> tuple[Logits, float, float, str]:
    """Run images on one worker thread per connection, each with its own instance."""
    (input_info,), (output_info,) = model.inputs(), model.outputs()
    instances = [connection.load_model_instance(model) for connection in connections]
    results: queue.Queue[tuple[int, Logits] | Exception] = queue.Queue()

    def work(worker: int) -> None:
        output = np.empty(output_info.shape, np.int8)
        try:
            # Every worker's share is fixed, so the simulated time does not depend on this machine.
            for index in range(worker, len(images), len(instances)):
                instances[worker].run([quantise(images[index : index + 1], input_info)], [output])
                results.put((index, dequantise(output, output_info).reshape(-1)))
        except Exception as error:  # noqa: BLE001  raised in the main thread
            results.put(error)

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in range(len(instances))]
    for thread in threads:
        thread.start()
    logits = np.empty((len(images), 10), np.float32)
    for _ in range(len(images)):
        result = results.get()
        if isinstance(result, Exception):
            raise result
        logits[result[0]] = result[1]
    for thread in threads:
        thread.join()
    counters = [instance.counters() for instance in instances]
    fps = len(images) / max(one.elapsed for one in counters)
    return logits, fps, float(np.mean([one.host_time for one in counters])), counters[0].simulated


def describe(result: DemoResult) -> str:
    """Return what the demo prints."""
    return f"""\
Handwritten digits: {result.images} test images, none of them used for training or calibration
  accuracy float32 (ONNX Runtime)    {result.float_accuracy:7.2%}
  accuracy int8 (emulated Metis)     {result.int8_accuracy:7.2%}
  same answer                        {result.agreement:7.2%}
Predicted for a Metis card, four cores, one frame each (simulated: {result.simulated})
  throughput                         {result.fps:9.1f} FPS (simulated)
  latency                            {result.latency * 1e3:9.3f} ms (simulated)
This machine computed for {result.wall_seconds:.1f} s.

The compiled model is in {result.directory}
Try next:
  axrunmodel {result.directory}                      rates and latency as the vendor's tool prints them
  axemu run --report - examples/quick_start.py {result.directory}/model.json {result.directory.parent}/test.npz
                                                     a report on any program, without changing it
  axcompile --help                                   compile your own network"""
