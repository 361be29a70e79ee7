"""A model on the cores of a connection."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from axelera.runtime._buffers import InputSlot, OutputSlot, check_apart
from axelera.runtime._model import Model
from axelera.runtime._object import Object, driver_call, require_made
from axemu.driver import Argument, Counters, Driver, Handle, InstanceOptions, InvalidArgument

if TYPE_CHECKING:
    from axelera.runtime._connection import Connection
    from axelera.runtime._context import Context


class ModelInstance(Object):
    """A model that can run. Made by `Connection.load_model_instance`; meant for one thread at a time.

    Different instances run at the same time on different threads; two threads on one instance take turns.
    """

    def __init__(
        self, connection: Connection, model: Model, driver: Driver, handle: Handle, options: InstanceOptions
    ) -> None:
        made = isinstance(connection, Object) and isinstance(model, Model)
        require_made(made, "ModelInstance", "Connection.load_model_instance(model)")
        super().__init__()
        self._connection = connection
        self._driver = driver
        self._handle = handle
        self._options = options
        self._name = model._compiled.name  # noqa: SLF001
        self._preamble, self._postamble = model.preamble_graph, model.postamble_graph
        self._infos = (model.inputs(), model.outputs())
        copies = not driver.takes_descriptors
        self._inputs = [
            InputSlot(self._name, index, info, dmabuf=options.input_dmabuf, copies=copies)
            for index, info in enumerate(self._infos[0])
        ]
        self._outputs = [
            OutputSlot(self._name, index, info, dmabuf=options.output_dmabuf, copies=copies)
            for index, info in enumerate(self._infos[1])
        ]
        self._turn = threading.RLock()  # a signal handler may release the instance its thread is running
        self._running = False
        self._driver_call = driver_call(self._name)
        self._spare: list[_Frame] = []
        self._lent = connection.context._lend(self, handle)  # noqa: SLF001

    @property
    def context(self) -> Context:
        """The `Context` that owns this object."""
        return self._connection.context

    @property
    def connection(self) -> Connection:
        """The connection whose cores the instance is on."""
        return self._connection

    @property
    def batch(self) -> int:
        """How many frames one call of `run` takes, a core each."""
        return self._infos[0][0].shape[0]

    @property
    def options(self) -> InstanceOptions:
        """The properties the instance was loaded with, as given; 0 cores means the model's own."""
        return self._options

    def run(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Execute one frame (a batch, for a model of several cores) and return when its results are there.

        The inputs are copied before anything else, so they may be overwritten while the frame is under way; the outputs
        are written last and stay untouched by a failure. With `double_buffer` the results are those of the call before
        the previous one.

        Args:
            inputs: one array per model input: int8, C-contiguous, of the input's padded size in bytes, in its shape or
                flat; or float32 of its unpadded shape; with `input_dmabuf` file descriptors.
            outputs: one writable, C-contiguous int8 array per model output, in its shape or flat; with `output_dmabuf`
                file descriptors.

        Raises:
            InvalidArgument: wrong number of tensors, or one of them is unfit (named); or the instance was released.
            ConnectionError: the board has gone, or this process was forked from the owner.
            InternalError: the driver has a defect.
        """
        self._check_usable()
        try:
            frame = self._spare.pop()
        except IndexError:
            frame = self._new_frame()
        arguments = self._snapshot(inputs, frame)
        targets, results = self._check_outputs(outputs, frame)
        with self._turn, self._driver_call:
            self._check_usable()
            if self._running:
                raise InvalidArgument(
                    f"{self._name}: run() was called from within its own run(), by a signal handler or the driver's "
                    "function; call it when that has returned, or use an instance of its own"
                )
            self._running = True
            try:
                self._driver.run(self._handle, arguments, results)
            finally:
                self._running = False
        for slot, target, result in zip(self._outputs, targets, frame.outputs, strict=True):
            slot.write(target, result.data)
        self._spare.append(frame)

    def counters(self) -> Counters:
        """Return what the board measured of this instance so far (an extension; see `docs/compatibility.md`)."""
        self._check_usable()
        with self._driver_call:
            return self._driver.counters(self._handle)

    def _snapshot(self, inputs: Sequence[Any], frame: _Frame) -> tuple[Argument, ...]:
        arguments = frame.inputs
        try:
            sources = _tensors(inputs, self._inputs, self._name, "input")
            for index, slot in enumerate(self._inputs):
                descriptor = slot.take(sources[index], arguments[index].data)
                if descriptor is not None:
                    arguments = _with_descriptor(arguments, index, descriptor)
        except InvalidArgument as error:
            if not self._preamble:
                raise
            raise _of_the_host(
                error, f"begins on the host, so this is not its own input: run {self._preamble} first"
            ) from error
        return arguments

    def _check_outputs(
        self, outputs: Sequence[Any], frame: _Frame
    ) -> tuple[tuple[Any, ...], tuple[Argument, ...]]:
        results = frame.outputs
        try:
            targets = _tensors(outputs, self._outputs, self._name, "output")
            for index, slot in enumerate(self._outputs):
                descriptor = slot.check(targets[index])
                if descriptor is not None:
                    results = _with_descriptor(results, index, descriptor)
        except InvalidArgument as error:
            if not self._postamble:
                raise
            raise _of_the_host(
                error,
                f"ends on the host, so this is not its own output: run {self._postamble} on what the chip gives",
            ) from error
        if len(targets) > 1:
            check_apart(self._outputs, targets)
        return targets, results

    def _new_frame(self) -> _Frame:
        inputs, outputs = self._infos
        return _Frame(
            tuple(Argument(np.empty(info.size, np.int8)) for info in inputs),
            tuple(Argument(np.empty(info.size, np.int8)) for info in outputs),
        )

    def _free(self) -> None:
        with self._turn, self._driver_call:  # a frame under way ends first
            self._driver.release(self._handle)
        self._lent.returned()

    def _abandon(self) -> None:
        self.context._dropped.append(self._handle)  # noqa: SLF001


@dataclass(frozen=True, slots=True)
class _Frame:
    """Buffers of one call, kept for the next one."""

    inputs: tuple[Argument, ...]
    outputs: tuple[Argument, ...]


def _tensors(given: Sequence[Any], slots: Sequence[object], model: str, side: str) -> tuple[Any, ...]:
    """Return the tensors as they are now; the list may change while a frame is under way."""
    if not isinstance(given, list | tuple):
        raise InvalidArgument(
            f"{model}: {side}s are a {type(given).__name__}; give a list with one array per {side}"
        )
    tensors = tuple(given)
    if len(tensors) != len(slots):
        raise InvalidArgument(
            f"{model}: {len(tensors)} {side}s given, the model has {len(slots)}; give one for each"
        )
    return tensors


def _of_the_host(error: InvalidArgument, words: str) -> InvalidArgument:
    """Return what is said of a tensor that may have been meant for the host's part of the network."""
    return InvalidArgument(f"{error}. The network {words} (ONNX Runtime), or let axemu.host.HostPart do it")


def _with_descriptor(arguments: tuple[Argument, ...], index: int, descriptor: int) -> tuple[Argument, ...]:
    changed = list(arguments)
    changed[index] = replace(arguments[index], fd=descriptor)
    return tuple(changed)
