"""The driver of real cards."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from axemu.driver._driver import Driver, Handle
from axemu.driver._errors import ConnectionError, InvalidArgument  # noqa: A004
from axemu.driver._types import Argument, Counters, DeviceInfo, InstanceOptions, ModelFiles
from axemu.driver.native._abi import ffi
from axemu.driver.native._devices import Devices
from axemu.driver.native._emulated import EmulatedClock, emulated_counters
from axemu.driver.native._handles import NativeConnection, NativeInstance
from axemu.driver.native._library import Library
from axemu.driver.native._messages import least_level, make_callback
from axemu.driver.native._properties import option_text, property_text, read_properties
from axemu.driver.native._tensors import check_tensors


class NativeDriver(Driver):
    """Cards, by the vendor's library.

    Args:
        library: its file. Default: AXEMU_NATIVE_LIBRARY, the directory AXELERA_RUNTIME_DIR, the loader's path, the
            directory that the vendor's Python package names; the first that can be loaded.

    Raises:
        OSError: there is no library, or none that this binding knows; says where it looked.
    """

    takes_descriptors = True

    def __init__(self, library: str | os.PathLike[str] | None = None) -> None:
        self._library = Library(library)
        self._functions = self._library.functions
        self._context = self._functions.axr_create_context()
        if not self._context:
            raise OSError(f"the native library {self._library.path} made no context")
        self._process = os.getpid()
        self._devices = Devices(self._library, self._context)
        self._lock = threading.RLock()
        self._connections: list[NativeConnection] = []
        self._closed = False
        self._ready_is_true: bool | None = None
        if self._library.emulated:
            self.clock = EmulatedClock(self._library, self._context)
        self._callback = make_callback()
        self._functions.axr_set_logger(self._context, least_level(), self._callback, ffi.NULL)
        self._end = weakref.finalize(
            self, _destroy_context, self._functions, self._context, self._callback, self._process
        )

    @property
    def emulated(self) -> bool:
        """Whether the library is the C face of this SDK, whose boards are emulated."""
        return self._library.emulated

    @property
    def about(self) -> Sequence[str]:
        """The library and where it was found."""
        kind = "its boards are emulated" if self._library.emulated else "the vendor's"
        return (
            f"native library {self._library.path}, by {self._library.source}; {kind}",
            f"  interface version {self._library.version or 'unknown'}",
        )

    def list_devices(self) -> Sequence[DeviceInfo]:
        """Return the cards that the library finds."""
        self._require_open()
        return self._devices.present()

    def configure(self, device: DeviceInfo, properties: Mapping[str, str]) -> bool:
        """Apply properties to a card; False while it takes its time."""
        self._require_open()
        self._learn_ready(device)
        structure = self._structure(device)
        with self._properties(property_text(properties)) as given:
            code = int(self._functions.axr_configure_device(self._context, structure, given))
            if code and self._name(code) != "PENDING_ERROR":
                raise self._library.error(f"configuring {device.name}", self._context, code)
        return not code

    def ready(self, device: DeviceInfo) -> bool:
        """Return whether no configuration is in progress."""
        self._require_open()
        self._learn_ready(device)
        code = int(self._functions.axr_device_ready(self._context, self._structure(device)))
        if self._ready_is_true:
            return bool(code)
        if code and self._name(code) != "PENDING_ERROR":
            raise self._library.error(f"asking whether {device.name} is ready", self._context, code)
        return not code

    def read_configuration(self, device: DeviceInfo) -> Mapping[str, str]:
        """Return a card's properties."""
        self._require_open()
        what = f"reading the configuration of {device.name}"
        found = self._functions.axr_read_device_configuration(self._context, self._structure(device))
        if not found:
            raise self._library.error(what, self._context)
        try:
            return read_properties(self._library, found, what)
        finally:
            self._functions.axr_destroy(found)

    def connect(self, device: DeviceInfo, num_sub_devices: int, properties: Mapping[str, str]) -> Handle:
        """Reserve cores of a card."""
        self._require_open()
        structure = self._structure(device)
        with self._properties(property_text(properties)) as given:
            pointer = self._functions.axr_device_connect(self._context, structure, num_sub_devices, given)
            if not pointer:
                raise self._library.error(f"connecting to {device.name}", self._context)
        connection = NativeConnection(device.name, pointer)
        with self._lock:
            self._connections.append(connection)
        return connection

    def load(self, connection: Handle, model: ModelFiles, options: InstanceOptions) -> Handle:
        """Place a model on a card, after the library has read it, too."""
        if not isinstance(connection, NativeConnection):
            raise InvalidArgument("load: the connection is not one of this driver")
        self._require_open()
        path = _model_file(model)
        with connection.lock:
            if connection.pointer is None:
                raise ConnectionError(f"the connection to {connection.device} was released; connect again")
            loaded = self._functions.axr_load_model(self._context, os.fsencode(path))
            if not loaded:
                raise self._library.error(f"loading {path}", self._context)
            try:
                check_tensors(self._library, loaded, model)
                pointer = self._load_instance(connection, loaded, model.name, option_text(options))
                instance = NativeInstance(connection, model.name, pointer, loaded)
                connection.instances.append(instance)
            except BaseException:
                self._functions.axr_destroy(loaded)
                raise
        return instance

    def _load_instance(self, connection: NativeConnection, loaded: Any, name: str, options: bytes) -> Any:
        with self._properties(options) as given:
            pointer = self._functions.axr_load_model_instance(connection.pointer, loaded, given)
            if not pointer:
                raise self._library.error(f"loading {name} onto {connection.device}", self._context)
            return pointer

    def run(self, instance: Handle, inputs: Sequence[Argument], outputs: Sequence[Argument]) -> None:
        """Execute one frame; the GIL is free meanwhile."""
        if not isinstance(instance, NativeInstance):
            raise InvalidArgument("run: the instance is not one of this driver")
        given, taken = _arguments(inputs, writable=False), _arguments(outputs, writable=True)
        try:
            with instance.lock:
                instance.running = True  # before anything is looked at: a signal handler may release it
                try:
                    self._run(instance, given[0], len(inputs), taken[0], len(outputs))
                finally:
                    instance.running = False
        finally:
            while instance.later and not instance.running:
                instance.later.pop(0)()

    def _run(self, instance: NativeInstance, inputs: Any, given: int, outputs: Any, taken: int) -> None:
        if instance.pointer is None:
            raise ConnectionError(f"the instance of model {instance.name!r} was released; load it again")
        began = time.perf_counter()
        code = self._functions.axr_run_model_instance(instance.pointer, inputs, given, outputs, taken)
        if code:
            raise self._library.error(f"running {instance.name}", instance.pointer, code)
        instance.count(began)

    def counters(self, instance: Handle) -> Counters:
        """Return times of the calls on the host's clock: a card's library measures nothing. Emulated boards do."""
        if not isinstance(instance, NativeInstance):
            raise InvalidArgument("counters: the instance is not one of this driver")
        with instance.lock:
            if self._library.emulated and instance.pointer is not None:
                return emulated_counters(self._library, instance.pointer)
            mean = instance.busy / instance.frames if instance.frames else 0.0
            return Counters(instance.frames, 0.0, mean, instance.last - instance.first, 0.0)

    def release(self, handle: Handle) -> None:
        """Free an instance, or a connection with its instances; a frame under way ends first."""
        if isinstance(handle, NativeInstance):
            self._release_instance(handle)
        elif isinstance(handle, NativeConnection):
            with handle.lock:
                if any(
                    self._postponed(instance, lambda: self.release(handle)) for instance in handle.instances
                ):
                    return
                for instance in tuple(handle.instances):
                    self._release_instance(instance)
                self._destroy(handle)
                with self._lock:
                    if handle in self._connections:
                        self._connections.remove(handle)

    def close(self) -> None:
        """Free instances, connections, models and the context, in this order."""
        connections = tuple(self._connections)
        for connection in connections:
            if any(self._postponed(instance, self.close) for instance in connection.instances):
                return
        for connection in connections:
            self.release(connection)
        with self._lock:
            self._closed = True
            self._end()

    def _release_instance(self, instance: NativeInstance) -> None:
        with instance.lock:
            if self._postponed(instance, lambda: self._release_instance(instance)):
                return
            self._destroy(instance)
            model, instance.model = instance.model, None
            if model is not None:
                self._functions.axr_destroy(model)
            if instance in instance.connection.instances:
                instance.connection.instances.remove(instance)

    def _postponed(self, instance: NativeInstance, act: Callable[[], None]) -> bool:
        """Put off what would free an instance under its own thread's call; other threads wait for that here."""
        with instance.lock:
            if instance.running:
                instance.later.append(act)
            return instance.running

    def _destroy(self, handle: NativeConnection | NativeInstance) -> None:
        pointer, handle.pointer = handle.pointer, None
        if pointer is not None:
            self._functions.axr_destroy(pointer)

    def _structure(self, device: DeviceInfo) -> Any:
        return self._devices.structure(device.name)

    def _name(self, code: int) -> str:
        names = self._library.result_names
        return names[code] if 0 <= code < len(names) else ""

    def _learn_ready(self, device: DeviceInfo) -> None:
        """Find out what `axr_device_ready` returns, of which documents say nothing: a result (0), or whether (1).

        So a board is asked before this driver configures any, when it has nothing in progress.
        """
        if self._ready_is_true is None:
            code = int(self._functions.axr_device_ready(self._context, self._structure(device)))
            self._ready_is_true = code == 1

    @contextlib.contextmanager
    def _properties(self, text: bytes) -> Iterator[Any]:
        """Give properties made from `text`, or NULL for none, while the block runs."""
        if not text:
            yield ffi.NULL
            return
        made = self._functions.axr_create_properties(self._context, text)
        if not made:
            raise self._library.error(f"properties {text.decode()!r}", self._context)
        try:
            yield made
        finally:
            self._functions.axr_destroy(made)

    def _require_open(self) -> None:
        if self._closed:
            raise ConnectionError("the context of these boards was released; make a new one")


def _destroy_context(functions: Any, context: Any, callback: Any, process: int) -> None:  # noqa: ARG001  kept until then
    if process == os.getpid():
        functions.axr_destroy(context)


def _model_file(model: ModelFiles) -> Path:
    path = model.directory / model.file
    if not path.is_file():
        raise InvalidArgument(f"model {model.name!r}: {path} has gone")
    return path


def _arguments(arguments: Sequence[Argument], *, writable: bool) -> tuple[Any, list[Any]]:
    """Return what the library takes for tensors, and what has to live as long."""
    made = ffi.new("axrArgument[]", len(arguments))
    kept = []
    for index, argument in enumerate(arguments):
        if argument.fd is not None:
            if argument.fd <= 0:
                raise InvalidArgument(f"tensor {index}: descriptor {argument.fd}; a dma-buf's is above 0")
            made[index].fd = argument.fd
            continue
        memory = ffi.from_buffer("char[]", argument.data, require_writable=writable)
        kept.append(memory)
        made[index].ptr = memory
        made[index].fd = -1
        made[index].size = argument.data.size
    return made, kept
