"""Boards, and what is measured on them."""

from __future__ import annotations

from typing import Annotated

from axemu.cli._answers._answer import Answer, key


class Interpreter(Answer):
    """The Python that runs."""

    version: Annotated[str, key("of Python")]
    executable: Annotated[str, key("path of it")]


class Processor(Answer):
    """The CPU."""

    threads: Annotated[int | None, key("threads the system has")]
    features: Annotated[list[str], key("instructions that matter to the compute core")]


class PackageOwner(Answer):
    """Somebody else's package of the vendor's name."""

    module: Annotated[str, key("name that is imported")]
    distribution: Annotated[str, key("whose it is")]
    location: Annotated[str, key("directory")]


class SelectedDriver(Answer):
    """The driver that a program would get."""

    name: Annotated[str, key("of the driver")]
    source: Annotated[str, key("what selected it")]
    problem: Annotated[str | None, key("why it cannot be used")]
    about: Annotated[list[str], key("what it says of itself, line by line")]


class InfoBoard(Answer):
    """A board that a program would see."""

    name: Annotated[str, key("such as metis-0:1:0")]
    board: Annotated[str, key("kind of board, as options name it")]
    type: Annotated[str, key("`BoardType` of the runtime")]
    memory_bytes: Annotated[int, key("DDR")]
    cores: Annotated[int, key("sub-devices")]
    in_use_by: Annotated[str | None, key("who holds cores of it")]


class Info(Answer):
    """`axemu info`."""

    version: Annotated[str, key("of axemu")]
    python: Annotated[Interpreter, key("the interpreter")]
    packages: Annotated[dict[str, str | None], key("versions; null where not installed")]
    cpu: Annotated[Processor, key("the processor")]
    other_owners: Annotated[list[PackageOwner], key("packages of the vendor's names that are not ours")]
    drivers: Annotated[list[str], key("names that can be selected")]
    driver: Annotated[SelectedDriver, key("the selected one")]
    boards: Annotated[list[InfoBoard], key("its boards")]


class Device(Answer):
    """`axdevice`, a list of these."""

    index: Annotated[int, key("position, counted from 0")]
    name: Annotated[str, key("such as metis-0:1:0")]
    board_type: Annotated[str, key("`BoardType` of the runtime")]
    memory_bytes: Annotated[int, key("DDR")]
    cores: Annotated[int, key("sub-devices")]
    in_use_by: Annotated[str | None, key("who holds cores of it")]
    firmware_version: Annotated[str, key("`emulated` on an emulated board")]
    flashed_firmware_version: Annotated[str, key("of the firmware in flash")]
    board_controller_firmware_version: Annotated[str, key("of the board controller")]
    board_controller_board_type: Annotated[str, key("kind of board")]
    board_revision: Annotated[int, key("of the board")]
    configuration: Annotated[dict[str, str] | None, key("properties in force; null when it does not answer")]


class Measured(Answer):
    """`axrunmodel`. Rates are of all boards together."""

    model: Annotated[str, key("name of the model")]
    device_fps: Annotated[float, key("frames/s if boards only executed")]
    host_fps: Annotated[float, key("frames/s if calls followed each other without a gap")]
    system_fps: Annotated[float, key("frames by elapsed time")]
    latency: Annotated[float, key("mean seconds from submitting a frame to holding its result")]
    frames: Annotated[int, key("frames run")]
    temperature: Annotated[float, key("°C")]
    simulated: Annotated[str, key("timing model and calibration; empty on a card")]
    latencies: Annotated[list[float], key("seconds, frame by frame; empty where a driver takes none")]
    device_time: Annotated[float, key("mean seconds of a frame on the board")]
    host_time: Annotated[float, key("mean seconds of a call")]
    verified: Annotated[int | None, key("instances that returned the same bytes; null unless asked for")]


class Rates(Answer):
    """Frames per second of `axzoo benchmark`."""

    device: Annotated[float, key("if boards only executed")]
    host: Annotated[float, key("if calls followed each other without a gap")]
    system: Annotated[float, key("frames by elapsed time")]


class Latencies(Answer):
    """How latencies are distributed, in milliseconds."""

    min: Annotated[float, key("smallest")]
    mean: Annotated[float, key("mean")]
    p50: Annotated[float, key("the smallest that half of all frames do not exceed; likewise the others")]
    p90: float
    p95: float
    p99: float
    p99_9: float
    max: Annotated[float, key("largest")]
    jitter: Annotated[float, key("standard deviation")]


class Benchmark(Answer):
    """`axzoo benchmark`. The vendor's tool prints such figures; its keys are not published, these are ours."""

    model: Annotated[str, key("name of the model")]
    frames: Annotated[int, key("frames run")]
    fps: Annotated[Rates, key("frames per second")]
    latency_ms: Annotated[
        Latencies | None, key("from submitting a frame to its result; null where a driver takes none")
    ]
    device_ms: Annotated[float, key("mean of a frame on the board")]
    host_ms: Annotated[float, key("mean of a call")]
    temperature: Annotated[float, key("°C")]
    simulated: Annotated[str, key("timing model and calibration; empty on a card")]
