"""The cores of the boards a scheduler holds, and which model is on which."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from axelera.runtime._connection import Connection
from axelera.runtime._context import Context
from axelera.runtime._instance import ModelInstance
from axelera.runtime._model import Model
from axelera.runtime._select import select_devices
from axemu.driver import ConnectionError, DeviceInUse  # noqa: A004
from axemu.model import CompiledModel


class Core:
    """One core: the model on it stays until another one needs the place."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._instance: ModelInstance | None = None
        self.model: Model | None = None
        self.turn = threading.Lock()
        self.used = 0

    def run(self, model: Model, inputs: Sequence[Any], outputs: Sequence[Any]) -> bool:
        """Run a frame, the caller holding `turn`; return whether the model had to be put here first."""
        switched = self.model is not model
        if switched:
            before, self._instance, self.model = self._instance, None, None
            if before is not None:
                before.release()
            self._instance = self._connection.load_model_instance(model)
            self.model = model
        assert self._instance is not None  # noqa: S101
        self._instance.run(inputs, outputs)
        return switched


def _idle(core: Core) -> int:
    return core.used


class Cores:
    """All cores of some boards, reserved until `close`."""

    def __init__(self, selector: str | None) -> None:
        """Reserve every core of the boards that a selector means.

        Raises:
            ConnectionError: there is no board; as `DeviceInUse` when somebody holds cores of one.
        """
        with ExitStack() as undo:
            self._context = undo.enter_context(Context())
            present = self._context.list_devices()
            if not present:
                raise ConnectionError("no target device found: the scheduler has no board to connect to")
            try:
                self._cores = tuple(
                    Core(self._context.device_connect(device, 1))
                    for device in select_devices(selector or "", present)
                    for _ in range(device.subdevice_count)
                )
            except DeviceInUse as error:
                raise DeviceInUse(
                    f"num_sub_devices > available: {error}. A scheduler takes every core of its boards; if this process "
                    "holds them, `axelera.runtime.scheduler.current().close()` gives them up"
                ) from error
            undo.pop_all()
        self._models: dict[tuple[Path, str], Model] = {}
        self._lock = threading.Lock()
        self._clock = 0
        self.switches = 0

    def __len__(self) -> int:
        return len(self._cores)

    def model(self, compiled: CompiledModel) -> Model:
        """Return a model as one of this context; each is made once."""
        with self._lock:
            key = compiled.directory, compiled.file
            if key not in self._models:
                self._models[key] = self._context._made_of(compiled)  # noqa: SLF001
            return self._models[key]

    def execute(
        self, compiled: CompiledModel, inputs: Sequence[Any], outputs: Sequence[Any], core: int | None
    ) -> None:
        """Run a frame on a core, or on the best one: where the model is, else an empty one, else the one idle longest."""
        model = self.model(compiled)
        chosen = self._cores[core] if core is not None else self._take(model)
        if core is not None:
            chosen.turn.acquire()
        try:
            with self._lock:
                self._clock += 1
                chosen.used = self._clock
            switched = chosen.run(model, inputs, outputs)
        finally:
            chosen.turn.release()
        if switched:
            with self._lock:
                self.switches += 1

    def _take(self, model: Model) -> Core:
        """Return a core with its turn taken; one call is not worth the place of another model while its own has one."""
        own = sorted((core for core in self._cores if core.model is model), key=_idle)
        others = [core for core in self._cores if core.model is not model]
        empty = [core for core in others if core.model is None]
        tried: list[Core] = [*own, *empty, *([] if own else sorted(others, key=_idle))]
        for core in tried:
            if core.turn.acquire(blocking=False):
                return core
        waited: Core = (own or empty or others)[0]
        waited.turn.acquire()
        return waited

    def free_for(self, compiled: CompiledModel) -> list[int]:
        """Return the cores where the model is, then those without any."""
        model = self.model(compiled)
        own = [index for index, core in enumerate(self._cores) if core.model is model]
        return own + [index for index, core in enumerate(self._cores) if core.model is None]

    def close(self) -> None:
        """Give everything back; frames under way end first."""
        self._context.release()
