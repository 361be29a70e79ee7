"""What crosses the seam between the runtime API and a board."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from axemu.driver._tensor_info import TensorInfo


class BoardType(enum.Enum):
    """The form a Metis chip is sold in."""

    alpha_pcie = 0
    alpha_m2 = 1
    pcie = 2
    m2 = 3
    devboard = 4
    sbc = 5
    unknown = 6


class HwGeneration(enum.Enum):
    """The chip generation behind a device."""

    omega = "omega"
    europa = "europa"


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """One board as `Context.list_devices` shows it.

    `max_memory` is the board's DDR in bytes; `in_use_by` names the holders of reserved cores.
    """

    name: str
    subdevice_count: int = 4
    max_memory: int = 0
    in_use: bool = False
    in_use_by: str = ""
    board_type: BoardType = BoardType.unknown
    firmware_version: str = ""
    board_revision: int = 0
    flashed_firmware_version: str = ""
    board_controller_firmware_version: str = ""
    board_controller_board_type: str = ""
    hw_generation: HwGeneration = HwGeneration.omega


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A loaded compiled model, as far as a driver needs to know it.

    `directory` holds the model's files, `file` is the name of its model.json there; `batch` is the leading dimension of every input (1 to 4) and so the number of cores
    one instance occupies. `l2_pools` are the L2 memory pools that model.json declares, as (name, bytes),
    `ddr_bytes` all its DDR pools together; `version` is what model.json says of the format.
    """

    directory: Path
    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    batch: int
    l2_pools: tuple[tuple[str, int], ...] = ()
    ddr_bytes: int = 0
    file: str = "model.json"
    version: str = ""


@dataclass(frozen=True, slots=True)
class InstanceOptions:
    """Validated keyword arguments of `Connection.load_model_instance`; 0 cores means the model's own."""

    aipu_cores: int = 0
    num_sub_devices: int = 0
    double_buffer: bool = False
    input_dmabuf: bool = False
    output_dmabuf: bool = False
    device_profiling: bool = False
    host_profiling: bool = False
    elf_in_ddr: bool = True


@dataclass(frozen=True, slots=True)
class Argument:
    """One tensor buffer of a frame.

    `data` is a flat, C-contiguous int8 array of exactly the tensor's bytes (inputs: a private snapshot; outputs: where
    to write). It belongs to the driver until `Driver.run` returns and is used again afterwards, so a driver that needs
    it longer copies it. `fd` is the dma-buf file descriptor the user gave, or None for host memory; a driver that
    `takes_descriptors` finds nothing in `data` then, and what it writes there goes nowhere.
    """

    data: npt.NDArray[np.int8]
    fd: int | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """Profile counters of one instance, in seconds of the board's own clock.

    `device_time` and `host_time` are means over `frames` calls: execution on the board including transfers, and the
    call as the driver sees it. `elapsed` is first arrival to last completion. `temperature` is in degrees Celsius.
    `latencies` are those of single frames, float64, from submitting one to holding its result; empty if nobody took them.
    `simulated` tells where the figures come from ("" on hardware, else model version and calibration id).
    """

    frames: int
    device_time: float
    host_time: float
    elapsed: float
    temperature: float
    simulated: str = ""
    extra: Mapping[str, float] = field(default_factory=dict)
    latencies: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0), compare=False, repr=False)
