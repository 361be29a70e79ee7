"""Names, types and exceptions of `axelera.runtime`, as programs of the field import and use them."""

from __future__ import annotations

import builtins
import dataclasses
import enum
import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import logging
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import axelera
import axelera.runtime as axr
from axelera.runtime import objects

CLASSES = [
    "Context",
    "Model",
    "ModelInstance",
    "Connection",
    "TensorInfo",
    "DeviceInfo",
    "BoardType",
    "Object",
]
EXCEPTIONS = [
    "ConnectionError", "DeviceInUse", "IncompatibleDevice", "InternalError", "InvalidArgument", "InvalidConfiguration",
    "NotImplemented", "Pending", "UnknownError",
]  # fmt: skip
OUT_OF_SCOPE = ["axruntime", "configs"]


@pytest.mark.parametrize("name", CLASSES)
def test_public_classes_are_called_by_the_name_users_import(name: str) -> None:
    assert getattr(axr, name).__module__ == "axelera.runtime"


@pytest.mark.parametrize("name", CLASSES)
def test_objects_holds_the_same_classes(name: str) -> None:
    assert getattr(objects, name) is getattr(axr, name)


def test_the_public_names_are_pinned() -> None:
    assert set(axr.__all__) == {*CLASSES, *EXCEPTIONS, "AxeleraError", "__version__", "select_devices"}


def test_every_public_name_is_there() -> None:
    assert [name for name in axr.__all__ if not hasattr(axr, name)] == []


def test_every_public_name_is_documented() -> None:
    assert [name for name in axr.__all__ if not inspect.getdoc(getattr(axr, name))] == []


def test_the_version_is_the_distributions() -> None:
    assert axr.__version__ == importlib.metadata.version("axemu")


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Tensor'"):
        _ = axr.Tensor


@pytest.mark.parametrize("name", OUT_OF_SCOPE)
def test_modules_of_other_layers_are_absent(name: str) -> None:
    assert importlib.util.find_spec(f"axelera.runtime.{name}") is None


def test_the_namespace_is_left_open_for_other_distributions() -> None:
    assert getattr(axelera, "__file__", None) is None


def test_the_logger_has_the_documented_name(
    caplog: pytest.LogCaptureFixture, small: Any, context: axr.Context
) -> None:
    instance = context.device_connect().load_model_instance(context.load_model(small().path))
    with caplog.at_level(logging.WARNING, logger="axelera.runtime"):
        instance.run([np.zeros((1, 8, 8, 3), np.float32)], [np.empty(64, np.int8)])
    assert {record.name for record in caplog.records} == {"axelera.runtime"}


LIGHT = """
import json, sys
import axelera.runtime
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_importing_it_is_light() -> None:
    """The bulk of the time is NumPy's; measured figures are in docs/reference/runtime.md."""
    output = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True).stdout
    heavy = {
        "onnx",
        "onnxruntime",
        "numba",
        "llvmlite",
        "simpy",
        "pandas",
        "pydantic",
        "yaml",
        "rich",
        "tomllib",
    }
    assert set(json.loads(output)) & heavy == set()


def test_importing_it_reads_no_metadata_of_the_installer() -> None:
    code = "import sys, axelera.runtime; print(*{'importlib.metadata', 'email', 'axemu.emulator'} & set(sys.modules))"
    before = "import sys, numpy; print(*{'importlib.metadata', 'email', 'axemu.emulator'} & set(sys.modules))"
    run = [
        subprocess.run([sys.executable, "-c", text], capture_output=True, check=True).stdout
        for text in (code, before)
    ]
    assert run[0] == run[1]


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_every_exception_can_be_caught_as_runtime_error(name: str) -> None:
    kind = getattr(axr, name)
    assert issubclass(kind, RuntimeError)
    assert issubclass(kind, axr.AxeleraError)
    assert kind.__module__ == "axelera.runtime"


@pytest.mark.parametrize("name", ["InvalidArgument", "InvalidConfiguration"])
def test_bad_values_can_be_caught_as_value_error(name: str) -> None:
    assert issubclass(getattr(axr, name), ValueError)


def test_exceptions_that_share_a_builtin_name_can_be_caught_as_that() -> None:
    assert issubclass(axr.ConnectionError, builtins.ConnectionError)
    assert issubclass(axr.NotImplemented, NotImplementedError)
    assert axr.ConnectionError is not builtins.ConnectionError


def test_device_in_use_is_a_connection_error() -> None:
    assert issubclass(axr.DeviceInUse, axr.ConnectionError)


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions_travel_between_processes(name: str) -> None:
    error = pickle.loads(pickle.dumps(getattr(axr, name)("what was wrong")))  # noqa: S301  our own bytes
    assert type(error) is getattr(axr, name)
    assert str(error) == "what was wrong"


def test_board_type_has_the_documented_members() -> None:
    assert issubclass(axr.BoardType, enum.Enum)
    assert {member.name: member.value for member in axr.BoardType} == {
        "alpha_pcie": 0, "alpha_m2": 1, "pcie": 2, "m2": 3, "devboard": 4, "sbc": 5, "unknown": 6,
    }  # fmt: skip


def test_device_info_has_the_documented_fields() -> None:
    assert [field.name for field in dataclasses.fields(axr.DeviceInfo)] == [
        "name", "subdevice_count", "max_memory", "in_use", "in_use_by", "board_type", "firmware_version",
        "board_revision", "flashed_firmware_version", "board_controller_firmware_version",
        "board_controller_board_type", "hw_generation",
    ]  # fmt: skip


def test_a_device_is_described_in_the_documented_types(driver: str, context: axr.Context) -> None:
    (info,) = context.list_devices()
    for name in ("name", "in_use_by", "firmware_version", "flashed_firmware_version"):
        assert isinstance(getattr(info, name), str), name
    for name in ("subdevice_count", "max_memory", "board_revision"):
        assert isinstance(getattr(info, name), int), name
    assert isinstance(info.board_type, axr.BoardType)
    assert (info.in_use, info.subdevice_count, info.hw_generation.name) == (False, 4, "omega")


def test_the_first_emulated_board_has_the_documented_name(context: axr.Context) -> None:
    assert context.list_devices()[0].name == "metis-0:1:0"


def test_tensor_info_is_a_dataclass_with_the_documented_constructor() -> None:
    assert (
        str(inspect.signature(axr.TensorInfo)).replace("'", "").startswith("(shape: tuple[int, ...], dtype")
    )
    assert [field.name for field in dataclasses.fields(axr.TensorInfo)] == [
        "shape", "dtype", "name", "padding", "scale", "zero_point",
    ]  # fmt: skip
    assert axr.TensorInfo((1, 224, 224, 4)).size == 200704


def test_tensor_infos_of_a_model_speak_of_padded_int8_nhwc(small: Any, context: axr.Context) -> None:
    (info,) = context.load_model(small(batch=2).path).inputs()
    assert (info.shape, info.dtype, info.name) == ((2, 10, 16, 4), np.int8, "var_input_ifd0")
    assert (info.unpadded_shape, info.size) == ((2, 8, 8, 3), 1280)
    assert info.padding == [(0, 0), (1, 1), (1, 7), (0, 1)]
    assert hash(tuple(info.padding))


def test_the_documented_recipes_work_with_a_zero_point_outside_int8(small: Any, context: axr.Context) -> None:
    """Quantise, pad, run, depad, dequantise: step by step as the vendor's guides write it."""
    model = context.load_model(small().path)
    (inp,), (out,) = model.inputs(), model.outputs()
    assert inp.zero_point == -130
    image = np.linspace(0, 1, 8 * 8 * 3, dtype=np.float32).reshape(1, 8, 8, 3)
    q = np.round(image / inp.scale + inp.zero_point).clip(-128, 127).astype(np.int8)
    buffer = np.empty(inp.shape, inp.dtype)
    buffer[:] = np.pad(q, inp.padding, constant_values=inp.zero_point)
    result = np.empty(out.shape, out.dtype)
    context.device_connect().load_model_instance(model).run([buffer], [result])
    depadded = result[tuple(slice(before, -after if after else None) for before, after in out.padding)]
    real = (depadded.astype(np.float32) - out.zero_point) * out.scale
    codes = np.clip(np.rint(image.reshape(-1)[:10] * 255) - 130, -128, 127).astype(int)
    assert real.reshape(-1).tolist() == pytest.approx((~codes - 5) / 255)


def test_select_devices_understands_indices_and_names(emulator: Any) -> None:
    emulator("boards = 3")
    first, second, third = axr.select_devices("")
    assert axr.select_devices("2,0") == [third, first]
    assert axr.select_devices(second.name) == [second]
    assert axr.select_devices(second.name.replace(":", "-")) == [second]
    assert axr.select_devices("1", devices=[third, second]) == [second]


def test_select_devices_takes_the_documented_environment_variable(
    emulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator("boards = 2")
    monkeypatch.setenv("AXELERA_DEVICE_SELECTOR", "1")
    assert axr.select_devices() == axr.select_devices("")[1:]


@pytest.mark.parametrize(
    ("selector", "message"), [("4", "no device '4'"), ("metis", "no device"), ("0,0", "twice")]
)
def test_select_devices_refuses_what_it_cannot_find(selector: str, message: str) -> None:
    with pytest.raises(axr.InvalidArgument, match=message):
        axr.select_devices(selector)


VENDOR_VARIABLES = [
    "AXELERA_FRAMEWORK", "AXELERA_RUNTIME_DIR", "AXELERA_DEVICE_DIR", "AXELERA_RISCV_TOOLCHAIN_DIR",
    "AIPU_FIRMWARE_OMEGA", "AIPU_RUNTIME_STAGE0_OMEGA", "AXELERA_CONFIGURE_BOARD", "AXELERA_USE_DMABUF",
    "AXELERA_USE_DOUBLE_BUFFER", "AXELERA_USE_CL_DOUBLE_BUFFER", "AXELERA_INFERENCE_MOCK",
]  # fmt: skip


def test_variables_of_other_layers_change_nothing(monkeypatch: pytest.MonkeyPatch, small: Any) -> None:
    made = small()
    for name in VENDOR_VARIABLES:
        monkeypatch.setenv(name, "1")
    with axr.Context() as context:
        inputs, outputs = made.frame(1), made.outputs()
        context.device_connect().load_model_instance(context.load_model(made.path)).run(inputs, outputs)
        assert context.read_device_configuration(0)["clock_profile"] == "800"
    assert np.array_equal(outputs, made.expected(inputs))
