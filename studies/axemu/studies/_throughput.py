"""Running one model on all cores of boards for some time of the boards' own clock."""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from axemu import faces
from axemu.chip import CORES
from axemu.driver import (
    Clock,
    Counters,
    DeviceInfo,
    IncompatibleDevice,
    InternalError,
    TensorInfo,
    create_driver,
    selection,
)

if TYPE_CHECKING:
    from axelera.runtime import Context, Model, ModelInstance

SEED = 0
WARM_UP = 34
"""Calls per instance, once to fill the pipeline and once to see how many fill the time; neither is counted. Calls differ
in length; their mean over so many is that of all."""
FEWEST = 8
"""Calls per instance that are counted however short the time asked for."""


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How a model is run.

    Attributes:
        devices: boards by index or name, with commas between them; all by default.
        seconds: how long, in the boards' own time.
        cores: cores to use per board.
        throttle_fps: frames per second of all boards together to keep to; 0: none.
        double_buffer: copies overlap with execution.
        input_dmabuf: inputs lie in memory that both sides map.
        output_dmabuf: outputs do.
        mvm_limit: limit of the matrix units in percent, for the cores of the boards; as they are when None.
        verify: compare what the instances returned at the end; all get the same frames.
    """

    devices: str | None = None
    seconds: float = 10.0
    cores: int = CORES
    throttle_fps: float = 0.0
    double_buffer: bool = True
    input_dmabuf: bool = True
    output_dmabuf: bool = True
    mvm_limit: int | None = None
    verify: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """What the boards' counters said; rates are of all boards together, times in seconds.

    Device rate: frames per second if the boards only executed; host rate: if calls followed each other without a gap;
    system rate: frames by elapsed time, instance by instance. `simulated` is empty on hardware.
    """

    model: str
    device_fps: float
    host_fps: float
    system_fps: float
    latency: float
    frames: int
    temperature: float
    simulated: str
    latencies: tuple[float, ...] = ()
    """Of every frame that counts, instance by instance; empty where the driver takes none."""
    device_time: float = 0.0
    """Mean time of a frame on the board."""
    host_time: float = 0.0
    """Mean time of a call."""
    verified: int | None = None
    """How many instances returned the same bytes for the same frames; None if nobody asked."""


def measure(path: str | Path, options: MeasureOptions | None = None) -> Measured:
    """Load a model onto every core asked for, run it and read the counters.

    The driver is the one that a program would get: see `axemu.driver.selection`.

    Args:
        path: model.json, its directory, or an .axm archive.
        options: how to run it.

    Raises:
        AxeleraError: model, boards and options do not fit; names what.
        OSError: the driver needs something this machine lacks.
    """
    faces.check("axelera.runtime")
    from axelera.runtime import Context, select_devices  # noqa: PLC0415  only ours, which the line above checks

    options = options or MeasureOptions()
    driver = create_driver(selection().driver)
    with contextlib.closing(driver), Context(driver) as context:
        model = context.load_model(path)
        batch = model.inputs()[0].shape[0]
        if options.cores < batch:
            raise IncompatibleDevice(
                f"model {path} runs {batch} frames at once on as many cores; cores={options.cores} is too few"
            )
        devices = select_devices(options.devices or "", context.list_devices())
        for device in devices if options.mvm_limit is not None else ():
            _limit(context, device, options.mvm_limit)
        instances = [
            _instance(context, model, device, batch, options)
            for device in devices
            for _ in range(min(options.cores, device.subdevice_count) // batch)
        ]
        counters, outputs = _run(instances, model.inputs(), model.outputs(), options, batch, driver.clock)
        measured = _sum_up(str(model.properties["name"]), counters, batch)
        return replace(measured, verified=_verified(outputs)) if options.verify else measured


def _limit(context: Context, device: DeviceInfo, percent: int | None) -> None:
    cores = {f"mvm_utilisation_core_{core}": percent for core in range(device.subdevice_count)}
    if not context.configure_device(device, **cores):
        while not context.device_ready(device):
            pass  # polling makes progress


def _verified(outputs: Sequence[Sequence[bytes]]) -> int:
    """Return how many instances agree.

    Raises:
        InternalError: naming the first that does not, and the output.
    """
    for number, those in enumerate(outputs):
        for index, (one, first) in enumerate(zip(those, outputs[0], strict=True)):
            if one != first:
                raise InternalError(
                    f"instance {number} returned other bytes than instance 0 in output {index}, for the same frames"
                )
    return len(outputs)


def _instance(
    context: Context, model: Model, device: DeviceInfo, batch: int, options: MeasureOptions
) -> ModelInstance:
    connection = context.device_connect(device, batch)
    return connection.load_model_instance(
        model,
        aipu_cores=batch,
        num_sub_devices=batch,
        double_buffer=options.double_buffer,
        input_dmabuf=options.input_dmabuf,
        output_dmabuf=options.output_dmabuf,
    )


def _run(
    instances: Sequence[ModelInstance],
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    options: MeasureOptions,
    batch: int,
    clock: Clock,
) -> tuple[list[Counters], list[list[bytes]]]:
    """Run warm-up and measurement; return what the counters of each instance say about the latter, and its last outputs."""
    period = len(instances) * batch / options.throttle_fps if options.throttle_fps else 0.0
    workers = [_Worker(instance, period, clock) for instance in instances]
    with contextlib.ExitStack() as stack:
        for worker in workers:
            stack.enter_context(worker.thread)
            worker.inputs = [stack.enter_context(_buffer(info, options.input_dmabuf)) for info in inputs]
            worker.outputs = [stack.enter_context(_buffer(info, options.output_dmabuf)) for info in outputs]
        filling = _together(workers, [WARM_UP] * len(workers))
        before = _together(workers, [WARM_UP] * len(workers))
        steady = map(_since, filling, before)
        # From here the number of calls is known, so every thread's program is fixed before it starts.
        after = _together(workers, [_calls(one, options.seconds) for one in steady])
        last = [
            [_bytes(output, info) for output, info in zip(worker.outputs, outputs, strict=True)]
            for worker in workers
        ]
        return list(map(_since, before, after)), last


def _bytes(output: Any, info: TensorInfo) -> bytes:
    return os.pread(output, info.size, 0) if isinstance(output, int) else bytes(output)


def _calls(warm: Counters, seconds: float) -> int:
    """Return how many calls fill `seconds` of the board's time."""
    if not warm.elapsed:
        return FEWEST
    return max(FEWEST, math.ceil(seconds * warm.frames / warm.elapsed))


def _since(before: Counters, after: Counters) -> Counters:
    """Return the counters of what happened in between."""
    frames = after.frames - before.frames

    def mean(earlier: float, later: float) -> float:
        return (later * after.frames - earlier * before.frames) / frames

    return replace(
        after,
        frames=frames,
        device_time=mean(before.device_time, after.device_time),
        host_time=mean(before.host_time, after.host_time),
        elapsed=after.elapsed - before.elapsed,
        latencies=after.latencies[-frames:],
    )


def _together(workers: Sequence[_Worker], calls: Sequence[int]) -> list[Counters]:
    """Let every worker run its number of calls, all at the same time; return the counters afterwards."""
    jobs = [worker.start(number) for worker, number in zip(workers, calls, strict=True)]
    for job in jobs:
        job.result()
    return [worker.instance.counters() for worker in workers]


class _Worker:
    """One instance and the thread that feeds it."""

    def __init__(self, instance: ModelInstance, period: float, clock: Clock) -> None:
        self.instance = instance
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.thread = ThreadPoolExecutor(1)
        self._period = period
        self._clock = clock
        self._calls = 0

    def start(self, calls: int) -> Future[None]:
        """Run that many frames on the worker's thread, always the same one."""
        return self.thread.submit(self._work, calls)

    def _work(self, calls: int) -> None:
        for _ in range(calls):
            if self._period:
                self._clock.wait_until(self._calls * self._period)
            self.instance.run(self.inputs, self.outputs)
            self._calls += 1


@contextlib.contextmanager
def _buffer(info: TensorInfo, shared: bool) -> Iterator[Any]:
    """Give an array, or a file descriptor of memory that both sides map, with the same random bytes."""
    data = np.random.default_rng(SEED).integers(-128, 128, info.shape, dtype=np.int8)
    if not shared:
        yield data
        return
    with _memory(info.name or "tensor") as memory:
        memory.write(data.tobytes())
        memory.flush()
        yield memory.fileno()


def _memory(name: str) -> IO[bytes]:
    """Return an open file without a name; in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create(name), "w+b")
    return tempfile.TemporaryFile()


def _sum_up(model: str, counters: Sequence[Counters], batch: int) -> Measured:
    mean = np.mean([one.extra.get("latency_mean", one.host_time) for one in counters])
    return Measured(
        model=model,
        device_fps=sum(batch / one.device_time for one in counters if one.device_time),
        host_fps=sum(batch / one.host_time for one in counters if one.host_time),
        # An instance that runs one call more takes longer; together they are still as fast as each on its own.
        system_fps=sum(batch * one.frames / one.elapsed for one in counters if one.elapsed),
        latency=float(mean),
        frames=batch * sum(one.frames for one in counters),
        temperature=max(one.temperature for one in counters),
        simulated=counters[0].simulated,
        latencies=tuple(float(one) for each in counters for one in each.latencies),
        device_time=float(np.mean([one.device_time for one in counters])),
        host_time=float(np.mean([one.host_time for one in counters])),
    )
