"""Reserved cores of one board."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from axelera.runtime._instance import ModelInstance
from axelera.runtime._model import Model
from axelera.runtime._object import Object, driver_call, require_made
from axemu.driver import (
    DeviceInfo,
    Handle,
    IncompatibleDevice,
    InstanceOptions,
    InvalidArgument,
    as_integer,
    reject_unknown,
)

if TYPE_CHECKING:
    from axelera.runtime._context import Context

_COUNTS = ("aipu_cores", "num_sub_devices")
_OPTIONS = tuple(option.name for option in fields(InstanceOptions))


class Connection(Object):
    """Cores of one board that nobody else can use until this is released. Made by `Context.device_connect`.

    Keep a reference: like the card's, a connection nobody refers to any more is given up (an instance refers to its
    connection).
    """

    def __init__(self, context: Context, handle: Handle, device: DeviceInfo, num_sub_devices: int) -> None:
        made = isinstance(context, Object) and isinstance(handle, Handle)
        require_made(made, "Connection", "Context.device_connect()")
        super().__init__()
        self._context = context
        self._handle = handle
        self._device = device
        self._num_sub_devices = num_sub_devices
        self._lent = context._lend(self, handle)  # noqa: SLF001

    @property
    def context(self) -> Context:
        """The `Context` that owns this object."""
        return self._context

    @property
    def device(self) -> DeviceInfo:
        """The board, as it was listed when the connection was made."""
        return self._device

    @property
    def num_sub_devices(self) -> int:
        """The number of cores reserved."""
        return self._num_sub_devices

    def load_model_instance(self, model: Model, **properties: Any) -> ModelInstance:
        """Place a model on the connection's cores.

        Args:
            model: a model of the same `Context`.
            properties: ints, bools or their text: `aipu_cores` (share of L2 in cores, 0: the model's own; may exceed
                the connection), `num_sub_devices` (0: the model's own), `double_buffer`, `input_dmabuf`,
                `output_dmabuf`, `device_profiling`, `host_profiling`, `elf_in_ddr`.

        Raises:
            InvalidArgument: an unknown property, a bad value, or more cores than the connection has.
            IncompatibleDevice: the model needs more cores or memory than there is, is for another chip, or has no
                program that this driver can execute.
        """
        self._check_usable()
        self._context._free_dropped()  # noqa: SLF001
        if not isinstance(model, Model):
            raise InvalidArgument(f"model is a {type(model).__name__}; give what Context.load_model returned")
        model._check_usable()  # noqa: SLF001
        if model.context is not self._context:
            raise InvalidArgument(f"{model!r} belongs to another Context; load it with this connection's")
        options = _options(properties)
        self._check_fit(model, options)
        driver = self._context._driver  # noqa: SLF001
        files = model._compiled.files  # noqa: SLF001
        handle = None
        try:
            with driver_call(f"loading {files.name}"):
                handle = driver.load(self._handle, files, options)
            instance = ModelInstance(self, model, driver, handle, options)
            self._adopt(instance)
        except BaseException:
            self._context._drop(handle)  # noqa: SLF001
            raise
        return instance

    def _check_fit(self, model: Model, options: InstanceOptions) -> None:
        compiled = model._compiled  # noqa: SLF001
        name, batch, cores = compiled.name, compiled.batch, self._num_sub_devices
        if compiled.generation != self._device.hw_generation.name:
            raise IncompatibleDevice(
                f"{name}: compiled for generation {compiled.generation!r}, and {self._device.name} is "
                f"{self._device.hw_generation.name!r}; recompile it for that"
            )
        if options.num_sub_devices > cores:
            raise InvalidArgument(
                f"{name}: num_sub_devices={options.num_sub_devices} is more than the {cores} of this connection; ask "
                "device_connect for more, or give 0"
            )
        if batch > cores:
            raise IncompatibleDevice(
                f"{name}: compiled for batch {batch}, which takes {batch} cores, and this connection to "
                f"{self._device.name} has {cores}; connect with num_sub_devices={batch} or recompile for a smaller batch"
            )
        if 0 < options.num_sub_devices < batch:
            raise IncompatibleDevice(
                f"{name}: num_sub_devices={options.num_sub_devices} cannot hold batch {batch}, one core per frame; give "
                f"{batch} or 0"
            )

    def _free(self) -> None:
        with driver_call(f"releasing {self._device.name}"):
            self._context._driver.release(self._handle)  # noqa: SLF001
        self._lent.returned()

    def _abandon(self) -> None:
        self.context._dropped.append(self._handle)  # noqa: SLF001


def _options(properties: dict[str, Any]) -> InstanceOptions:
    reject_unknown(properties, _OPTIONS, "load_model_instance")
    values: dict[str, Any] = {}
    for key, value in properties.items():
        number = as_integer(key, value)
        if number < 0:
            raise InvalidArgument(f"property {key}={number}: give 0 or more")
        values[key] = number if key in _COUNTS else bool(number)
    return InstanceOptions(**values)
