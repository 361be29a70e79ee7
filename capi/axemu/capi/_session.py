"""One context of a C program: what it made, and what its requests do."""

from __future__ import annotations

import fcntl
import itertools
import json
import mmap
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from axemu.capi._protocol import Operation, Reader, Writer
from axemu.driver import Driver, InvalidArgument, Pending, TensorInfo, as_integer

if TYPE_CHECKING:
    from axelera.runtime import Connection, Context, Model, ModelInstance, Object

_ALIGNMENT = 64
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_TYPES = {"u": 0, "i": 1, "f": 2}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An instance, and its tensors in memory that the program maps, too."""

    instance: ModelInstance
    inputs: list[npt.NDArray[np.int8]]
    outputs: list[npt.NDArray[np.int8]]


class Session:
    """A context on `driver`; requests may come from several threads at once."""

    def __init__(self, driver: Driver) -> None:
        from axelera.runtime import Context  # noqa: PLC0415  ours: the server has seen to it

        self._context: Context = Context(driver)
        self._clock = driver.clock
        self._objects: dict[int, Object | _Loaded] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._operations: dict[Operation, Callable[[Reader, Writer], int | None]] = {
            Operation.LIST: self._list,
            Operation.CONNECT: self._connect,
            Operation.CONFIGURE: self._configure,
            Operation.READY: self._ready,
            Operation.READ_CONFIGURATION: self._read_configuration,
            Operation.LOAD_MODEL: self._load_model,
            Operation.LOAD_INSTANCE: self._load_instance,
            Operation.RUN: self._run,
            Operation.RELEASE: self._release,
            Operation.COUNTERS: self._counters,
            Operation.WAIT_UNTIL: self._wait_until,
        }

    def serve(self, operation: Operation, request: Reader, reply: Writer) -> int | None:
        """Do what a request asks for; returns a descriptor to pass, which the caller closes.

        Raises:
            AxeleraError: it cannot be done.
        """
        return self._operations[operation](request, reply)

    def close(self) -> None:
        """Release everything; a second call does nothing."""
        self._context.release()
        with self._lock:
            self._objects.clear()

    def _list(self, _: Reader, reply: Writer) -> None:
        devices = self._context.list_devices()
        reply.u32(len(devices))
        for info in devices:
            reply.text(info.name)
            reply.u64(info.subdevice_count, info.max_memory)
            reply.u32(info.in_use)
            reply.text(info.in_use_by)
            reply.u32(info.board_type.value)
            reply.text(info.firmware_version)
            reply.u32(info.board_revision)
            reply.text(info.flashed_firmware_version)
            reply.text(info.board_controller_firmware_version)
            reply.text(info.board_controller_board_type)

    def _connect(self, request: Reader, reply: Writer) -> None:
        name, count, properties = request.text(), request.u64(), request.properties()
        self._keep(self._context.device_connect(name or None, count, **properties), reply)

    def _configure(self, request: Reader, _: Writer) -> None:
        name = request.text()
        if not self._context.configure_device(name, **request.properties()):
            raise Pending(f"{name}: the configuration is in progress; poll axr_device_ready")

    def _ready(self, request: Reader, _: Writer) -> None:
        name = request.text()
        if not self._context.device_ready(name):
            raise Pending(f"{name}: a configuration is in progress; poll on")

    def _read_configuration(self, request: Reader, reply: Writer) -> None:
        reply.properties(self._context.read_device_configuration(request.text()))

    def _load_model(self, request: Reader, reply: Writer) -> None:
        model = self._context.load_model(Path(request.text()) / request.text())
        self._keep(model, reply)
        inputs, outputs = model.inputs(), model.outputs()
        reply.text(model.properties["name"])
        reply.u32(len(inputs), len(outputs))
        for info in (*inputs, *outputs):
            _put_tensor(info, reply)
        reply.properties(model.properties)

    def _load_instance(self, request: Reader, reply: Writer) -> int:
        from axelera.runtime import Connection, Model  # noqa: PLC0415

        connection: Connection = self._object(request.u64(), Connection)
        model: Model = self._object(request.u64(), Model)
        properties: dict[str, Any] = request.properties()
        # The library copies from and to descriptors, so that nobody else's memory is touched here.
        sides = ("input_dmabuf", "output_dmabuf")
        descriptors = [as_integer(side, properties.get(side, 0)) for side in sides]
        properties |= {side: bool(value) for side, value in zip(sides, descriptors, strict=True)}
        checked = connection.load_model_instance(model, **(properties | dict.fromkeys(sides, 0)))
        infos = (*model.inputs(), *model.outputs())
        offsets = list(itertools.accumulate((_aligned(info.size) for info in infos), initial=0))
        memory = os.memfd_create("axemu", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(memory, offsets[-1])
            fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
            mapped = mmap.mmap(memory, offsets[-1])
            arrays = [
                np.frombuffer(mapped, np.int8, info.size, offset)
                for info, offset in zip(infos, offsets, strict=False)
            ]
            count = len(model.inputs())
            self._keep(_Loaded(checked, arrays[:count], arrays[count:]), reply)
        except BaseException:
            os.close(memory)
            checked.release()
            raise
        reply.u32(*(value != 0 for value in descriptors))
        reply.u64(offsets[-1], *offsets[:-1])
        return memory

    def _run(self, request: Reader, _: Writer) -> None:
        loaded = self._object(request.u64(), _Loaded)
        loaded.instance.run(loaded.inputs, loaded.outputs)

    def _release(self, request: Reader, _: Writer) -> None:
        with self._lock:
            found = self._objects.pop(request.u64(), None)
        if found is not None:
            (found.instance if isinstance(found, _Loaded) else found).release()

    def _counters(self, request: Reader, reply: Writer) -> None:
        counters = self._object(request.u64(), _Loaded).instance.counters()
        values = {key: value for key, value in asdict(counters).items() if key != "latencies"}
        reply.text(json.dumps(values))

    def _wait_until(self, request: Reader, _: Writer) -> None:
        self._clock.wait_until(request.double())

    def _keep(self, made: Object | _Loaded, reply: Writer) -> None:
        with self._lock:
            number = next(self._numbers)
            self._objects[number] = made
        reply.u64(number)

    def _object(self, number: int, kind: type[T]) -> T:
        found = self._objects.get(number)
        if not isinstance(found, kind):
            raise InvalidArgument(f"object {number} of this context is no {kind.__name__.strip('_')}")
        return found


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _put_tensor(info: TensorInfo, reply: Writer) -> None:
    reply.u32(len(info.shape))
    padding = info.padding or [(0, 0)] * len(info.shape)
    for size, (before, after) in zip(info.shape, padding, strict=True):
        reply.u64(size, before, after)
    dtype = np.dtype(info.dtype)
    reply.u32(8 * dtype.itemsize, _TYPES[dtype.kind])
    reply.text(info.name)
    reply.double(info.scale)
    reply.u32(int(info.zero_point))
