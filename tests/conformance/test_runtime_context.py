"""`Context`, ownership and board configuration."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import axelera.runtime as axr
from axemu.driver import Driver, FunctionDriver

# -- ownership (§1.2) -------------------------------------------------------------------------------------------------


@pytest.fixture
def family(
    driver: str, context: axr.Context, small: Any
) -> tuple[axr.Model, axr.Connection, axr.ModelInstance]:
    model = context.load_model(small().path)
    connection = context.device_connect(None, 4)
    return model, connection, connection.load_model_instance(model)


Family = tuple[axr.Model, axr.Connection, axr.ModelInstance]


def test_everything_knows_its_context(context: axr.Context, family: Family) -> None:
    assert {item.context for item in (context, *family)} == {context}
    assert all(isinstance(item, axr.Object) for item in (context, *family))


def test_a_context_releases_everything_it_made(context: axr.Context, family: Family, small: Any) -> None:
    model, connection, instance = family
    context.release()
    for use in (
        model.inputs,
        lambda: connection.load_model_instance(model),
        lambda: instance.run([], []),
        context.list_devices,
        context.device_connect,
        lambda: context.load_model("x"),
    ):
        with pytest.raises(axr.InvalidArgument, match=r"was released and can't be used any more"):
            use()


def test_a_connection_releases_its_instances_and_not_the_model(context: axr.Context, family: Family) -> None:
    model, connection, instance = family
    connection.release()
    with pytest.raises(axr.InvalidArgument, match="ModelInstance was released"):
        instance.run([], [])
    assert len(model.inputs()) == 1
    assert context.device_connect(None, 4).num_sub_devices == 4


def test_children_may_be_released_early_and_made_anew(family: Family, small: Any) -> None:
    model, connection, instance = family
    instance.release()
    again = connection.load_model_instance(model)
    again.run([np.zeros(640, np.int8)], [np.empty(64, np.int8)])


@pytest.mark.parametrize("times", [2, 3])
def test_release_may_come_again(context: axr.Context, family: Family, times: int) -> None:
    for _ in range(times):
        for item in (*reversed(family), context):
            item.release()


def test_the_end_of_a_block_after_an_explicit_release_is_fine(driver: str, small: Any) -> None:
    with axr.Context() as context, context.device_connect() as connection:
        instance = connection.load_model_instance(context.load_model(small().path))
        instance.release()
        connection.release()
        context.release()


@pytest.mark.parametrize(
    ("make", "maker"),
    [
        (lambda context: axr.Model("x", context), r"Context\.load_model"),
        (lambda context: axr.Model(context, "x"), r"Context\.load_model"),
        (lambda context: axr.Connection(context, "x", None, 1), r"Context\.device_connect"),
        (
            lambda context: axr.ModelInstance(context, "x", None, None, None),
            r"Connection\.load_model_instance",
        ),
    ],
)
def test_what_a_context_makes_cannot_be_made_by_hand(make: Any, maker: str, context: axr.Context) -> None:
    with pytest.raises(axr.InvalidArgument, match=f"is made by {maker}"):
        make(context)


def test_a_released_object_cannot_open_a_block(driver: str) -> None:
    context = axr.Context()
    context.release()
    with pytest.raises(axr.InvalidArgument, match="Context was released"), context:
        pass


def test_a_released_model_cannot_be_loaded_but_its_instances_go_on(family: Family) -> None:
    model, connection, instance = family
    model.release()
    instance.run([np.zeros(640, np.int8)], [np.empty(64, np.int8)])
    with pytest.raises(axr.InvalidArgument, match="Model was released"):
        connection.load_model_instance(model)


def test_dropping_the_last_reference_to_a_connection_frees_its_cores(
    driver: str, context: axr.Context
) -> None:
    connection = context.device_connect(None, 4)
    del connection
    gc.collect()
    assert context.list_devices()[0].in_use is False
    assert context.device_connect(None, 4).num_sub_devices == 4


def test_an_instance_keeps_its_connection(driver: str, context: axr.Context, small: Any) -> None:
    instance = context.device_connect(None, 4).load_model_instance(context.load_model(small().path))
    gc.collect()
    assert context.list_devices()[0].in_use is True
    instance.run([np.zeros(640, np.int8)], [np.empty(64, np.int8)])


def test_dropping_a_context_frees_everything(driver: str) -> None:
    context = axr.Context()
    kept = [context.device_connect(None, 4), context]
    del context, kept
    gc.collect()
    with axr.Context() as context:
        assert context.device_connect(None, 4).num_sub_devices == 4


def test_dropping_a_context_frees_its_cores_on_a_driver_of_ones_own() -> None:
    driver = FunctionDriver()
    kept: list[Any] = [axr.Context(driver)]
    kept.append(kept[0].device_connect(None, 4))
    kept.clear()
    gc.collect()
    assert axr.Context(driver).device_connect(None, 4).num_sub_devices == 4


def test_the_end_of_a_forked_child_ends_nothing_of_its_parents() -> None:
    code = """
import os, sys
import axelera.runtime as axr
from axemu.driver import FunctionDriver
FunctionDriver.close = lambda self: print(os.getpid(), flush=True)
context = axr.Context("function")
print(os.getpid(), flush=True)
if os.fork() == 0:
    sys.exit()
os.wait()
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    parent, *closed_by = said.split()
    assert closed_by == [parent]


def test_a_model_works_on_many_connections(driver: str, context: axr.Context, small: Any) -> None:
    made = small()
    model = context.load_model(made.path)
    inputs = made.frame(1)
    for _ in range(4):
        outputs = made.outputs()
        context.device_connect().load_model_instance(model).run(inputs, outputs)
        assert np.array_equal(outputs, made.expected(inputs))


def test_a_model_of_another_context_is_refused(driver: str, context: axr.Context, small: Any) -> None:
    with axr.Context() as other:
        model = other.load_model(small().path)
        with pytest.raises(axr.InvalidArgument, match="belongs to another Context"):
            context.device_connect().load_model_instance(model)


# -- Context() and devices (§1.3, §1.12) ------------------------------------------------------------------------------


def test_without_the_native_library_a_context_is_an_oserror(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AXELERA_DRIVER", "native")
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", str(tmp_path / "nowhere.so"))
    with pytest.raises(OSError, match="cannot be loaded"):
        axr.Context()


def test_a_driver_may_be_given_by_name_or_as_an_object() -> None:
    with axr.Context("function") as context:
        assert context.list_devices()[0].name == "function-0:1:0"
    driver = FunctionDriver(boards=2)
    with axr.Context(driver) as context:
        assert len(context.list_devices()) == 2
    assert driver.list_devices()[0].in_use is False


@pytest.mark.parametrize("argument", [3, Driver, object()])
def test_anything_else_is_no_driver(argument: Any) -> None:
    with pytest.raises(axr.InvalidArgument, match="give a driver's name or a Driver object"):
        axr.Context(argument)


def test_no_device_is_an_empty_list_and_a_connection_error(emulator: Any) -> None:
    emulator("boards = 0")
    with axr.Context() as context:
        assert context.list_devices() == []
        with pytest.raises(axr.ConnectionError, match="no target device found"):
            context.device_connect()


def test_devices_are_filled_in_where_documents_leave_blanks(driver: str, context: axr.Context) -> None:
    """Vendor code filters boards by memory, and people want to know who has their card."""
    (before,) = context.list_devices()
    assert before.max_memory >= 1 << 30
    assert (before.in_use, before.in_use_by) == (False, "")
    connection = context.device_connect(None, 2)
    (info,) = context.list_devices()
    assert info.in_use is True
    assert f"process {os.getpid()}" in info.in_use_by
    assert "cores 0, 1" in info.in_use_by
    connection.release()
    assert context.list_devices() == [before]


def test_a_device_may_be_none_an_index_a_name_or_a_device_info(driver: str, context: axr.Context) -> None:
    (info,) = context.list_devices()
    for device in (None, 0, np.int64(0), info.name, info.name.replace(":", "-"), info):
        connection = context.device_connect(device, 4)
        assert connection.device.name == info.name
        connection.release()


@pytest.mark.parametrize(
    ("device", "message"),
    [
        (1, r"device index 1; there are 1 devices"),
        (-1, r"device index -1"),
        ("metis-9:9:9", r"no device is named 'metis-9:9:9'; present: "),
        (True, r"device is a bool"),
        (1.0, r"device is a float"),
    ],
)
def test_a_device_that_is_not_there_is_named(
    driver: str, context: axr.Context, device: Any, message: str
) -> None:
    with pytest.raises(axr.InvalidArgument, match=message):
        context.device_connect(device)


def test_a_device_info_of_a_board_that_went_away_is_a_connection_error(
    driver: str, context: axr.Context
) -> None:
    with pytest.raises(axr.ConnectionError, match="metis-9:9:9 is not present any more"):
        context.device_connect(axr.DeviceInfo("metis-9:9:9"))


def test_none_takes_the_first_board_with_enough_free_cores(emulator: Any) -> None:
    emulator("boards = 2")
    with axr.Context() as context:
        first = context.device_connect(None, 3)
        second = context.device_connect(None, 3)
        third = context.device_connect(None, 1)
        assert [c.device.name for c in (first, second, third)] == [
            "metis-0:1:0",
            "metis-0:3:0",
            "metis-0:1:0",
        ]
        with pytest.raises(
            axr.DeviceInUse, match=r"no board has enough free sub-devices: metis-0:1:0.*metis-0:3:0"
        ):
            context.device_connect(None, 2)


def test_one_context_reaches_all_boards_by_name_and_index(emulator: Any, small: Any) -> None:
    emulator("boards = 2")
    made = small()
    with axr.Context() as context:
        devices = context.list_devices()
        model = context.load_model(made.path)
        for index in range(4):
            device = devices[index % 2].name if index < 2 else index % 2
            inputs, outputs = made.frame(index), made.outputs()
            context.device_connect(device).load_model_instance(model).run(inputs, outputs)
            assert np.array_equal(outputs, made.expected(inputs))


@pytest.mark.parametrize("count", [1, 2, 3, 4, "2", np.int64(4)])
def test_one_to_four_sub_devices_can_be_had(driver: str, context: axr.Context, count: Any) -> None:
    assert context.device_connect(None, count).num_sub_devices == int(count)


@pytest.mark.parametrize("count", [0, -1, 5])
def test_other_numbers_of_sub_devices_are_bad_arguments(
    driver: str, context: axr.Context, count: int
) -> None:
    with pytest.raises(axr.InvalidArgument, match=rf"num_sub_devices={count}; the board has 4 sub-devices"):
        context.device_connect(None, count)


def test_cores_are_exclusive_between_connections_and_contexts(driver: str, context: axr.Context) -> None:
    connection = context.device_connect(None, 3)
    with axr.Context() as other:
        with pytest.raises(axr.DeviceInUse, match=rf"process {os.getpid()} .* holds cores 0, 1, 2"):
            other.device_connect(None, 2)
        connection.release()
        assert other.device_connect(None, 4).num_sub_devices == 4


def test_cores_are_exclusive_between_processes(driver: str, context: axr.Context) -> None:
    connection = context.device_connect(None, 1)
    code = "import axelera.runtime as axr; c = axr.Context().device_connect(None, 4)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "axelera.runtime.DeviceInUse" in other.stderr
    assert f"process {os.getpid()}" in other.stderr
    connection.release()
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_forked_child_cannot_use_what_its_parent_owns(
    driver: str, context: axr.Context, small: Any
) -> None:
    made = small()
    model = context.load_model(made.path)
    connection = context.device_connect(None, 4)
    instance = connection.load_model_instance(model)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = [
                _refusal(use)
                for use in (lambda: instance.run([], []), context.list_devices, context.device_connect)
            ]
            for item in (instance, connection, context):
                item.release()
            os.write(write, "\n".join(said).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    said = os.read(read, 10_000).decode().split("\n")
    os.close(read)
    assert len(said) == 3
    assert all(f"belongs to process {os.getpid()}" in text for text in said)
    instance.run(made.frame(1), made.outputs())
    assert context.list_devices()[0].in_use is True


def _refusal(use: Any) -> str:
    try:
        use()
    except axr.ConnectionError as error:
        return str(error)
    return "not refused"


@pytest.mark.parametrize("key", ["depth", "clock", "double_buffer"])
def test_unknown_connection_properties_are_refused(driver: str, context: axr.Context, key: str) -> None:
    with pytest.raises(axr.InvalidArgument, match=f"Invalid properties: Unknown property key: {key}"):
        context.device_connect(None, 1, **{key: 1})
    assert context.list_devices()[0].in_use is False


# -- load_model (§1.3, §1.5) ------------------------------------------------------------------------------------------


def test_a_model_loads_from_text_or_path_without_a_board(emulator: Any, small: Any) -> None:
    emulator("boards = 0")
    path = small().path
    with axr.Context() as context:
        for given in (path, str(path), path.parent, str(path.parent)):
            assert context.load_model(given).inputs()[0].shape == (1, 10, 16, 4)


def test_a_model_may_be_loaded_before_or_after_connecting(
    driver: str, context: axr.Context, small: Any
) -> None:
    made = small()
    before = context.load_model(made.path)
    connection = context.device_connect()
    after = context.load_model(made.path)
    assert before.inputs() == after.inputs()
    for model in (before, after):
        connection.load_model_instance(model).run(made.frame(1), made.outputs())


def test_an_archive_runs_like_its_directory(
    driver: str, context: axr.Context, small: Any, tmp_path: Path
) -> None:
    from axemu.model import write_axm

    made = small()
    model = context.load_model(write_axm(made.path.parent, tmp_path / "small.axm"))
    inputs, outputs = made.frame(1), made.outputs()
    context.device_connect().load_model_instance(model).run(inputs, outputs)
    assert np.array_equal(outputs, made.expected(inputs))


@pytest.mark.parametrize("path", ["nowhere/model.json", "", 3, None, b"x"])
def test_what_is_no_model_is_a_bad_argument(context: axr.Context, path: Any) -> None:
    with pytest.raises(axr.InvalidArgument):
        context.load_model(path)


def test_damage_is_found_before_any_board_is_touched(emulator: Any, small: Any) -> None:
    emulator("boards = 0")
    path = small().path
    path.write_bytes(path.read_bytes()[:-9])
    with axr.Context() as context, pytest.raises(axr.InvalidArgument, match=r"model\.json: not valid JSON"):
        context.load_model(path)


def test_inputs_and_outputs_are_lists_of_tensor_infos(driver: str, context: axr.Context, small: Any) -> None:
    model = context.load_model(small().path)
    for infos in (model.inputs(), model.outputs()):
        assert isinstance(infos, list)
        assert [type(info) for info in infos] == [axr.TensorInfo]
    model.inputs().clear()
    assert len(model.inputs()) == 1


def test_the_documented_properties_are_attributes_and_a_dictionary(context: axr.Context, small: Any) -> None:
    model = context.load_model(small().path)
    assert (model.preamble_graph, model.postamble_graph, model.input_tensor_layout) == ("", "", "NHWC")
    assert {key: model.properties[key] for key in ("preamble_graph", "postamble_graph", "input_tensor_layout")} == {
        "preamble_graph": "", "postamble_graph": "", "input_tensor_layout": "NHWC",
    }  # fmt: skip


def test_a_postamble_is_named_relative_to_the_model(context: axr.Context, small: Any) -> None:
    made = small()
    manifest = made.path.with_name("manifest.json")
    text = manifest.read_text().replace(
        '"postprocess_graph": null', '"postprocess_graph": "/build/out/post.onnx"'
    )
    manifest.write_text(text)
    made.path.with_name("post.onnx").touch()
    model = context.load_model(made.path)
    assert model.postamble_graph == model.properties["postamble_graph"] == "post.onnx"
    assert (model.directory / model.postamble_graph).is_file()


def test_a_model_says_where_its_files_lie(context: axr.Context, small: Any, tmp_path: Path) -> None:
    from axemu.model import write_axm

    made = small()
    assert context.load_model(made.path).directory == made.path.parent.resolve()
    archived = context.load_model(write_axm(made.path.parent, tmp_path / "small.axm"))
    assert (archived.directory / "model.json").read_bytes() == made.path.read_bytes()


# -- configuration (§1.3) ---------------------------------------------------------------------------------------------


def test_a_configuration_is_read_back_as_text(context: axr.Context) -> None:
    assert context.configure_device(0, clock_profile_core_0=600, mvm_utilisation_core_3="88") is True
    configuration = context.read_device_configuration(0)
    assert {type(value) for value in configuration.values()} == {str}
    assert configuration["clock_profile_core_0"] == "600"
    assert configuration["clock_profile_core_1"] == "800"
    assert configuration["mvm_utilisation_core_3"] == "88"
    assert int(configuration["clock_profile"]) in (600, 800)


def test_the_board_says_which_clocks_it_has(context: axr.Context) -> None:
    configuration = context.read_device_configuration(0)
    for key in (
        "min_clock_frequencies", "max_clock_frequencies", "valid_clock_frequencies", "freq_downscaling", "sw_throttling",
        "hw_throttling",
    ):  # fmt: skip
        assert key in configuration
    for clock in (100, 200, 400, 600, 700, 800):
        assert str(clock) in configuration["valid_clock_frequencies"]
        assert context.configure_device(0, clock_profile=clock) is True


def test_the_sdks_own_call_mixes_numbers_and_text(context: axr.Context) -> None:
    assert context.configure_device(
        context.list_devices()[0], device_firmware="1", mvm_utilisation_core_0=88, clock_profile_core_0=600
    )


def test_the_documented_loop_with_a_clock_of_1000_is_refused_with_the_valid_ones(
    context: axr.Context,
) -> None:
    device = context.list_devices()[0]
    with pytest.raises(
        axr.InvalidConfiguration,
        match=r"clock_profile=1000: valid clocks are 100, 200, 400, 600, 700, 800 MHz",
    ):
        context.configure_device(device, clock_profile=1000)
    assert context.device_ready(device) is True
    assert context.read_device_configuration(device)["clock_profile"] == "800"


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({"clock": 800}, axr.InvalidConfiguration),
        ({"clock_profile_core_4": 800}, axr.InvalidConfiguration),
        ({"mvm_utilisation_core_0": 0}, axr.InvalidConfiguration),
        ({"mvm_utilisation_core_0": 101}, axr.InvalidConfiguration),
        ({"clock_profile": 800.0}, axr.InvalidConfiguration),
        ({"clock_profile": None}, axr.InvalidConfiguration),
        ({"ddr_size": 0x40000000}, axr.NotImplemented),
    ],
)
def test_bad_properties_are_refused_by_kind(
    driver: str, context: axr.Context, properties: Any, kind: Any
) -> None:
    with pytest.raises(kind) as caught:
        context.configure_device(0, **properties)
    assert next(iter(properties)) in str(caught.value)


def test_one_bad_property_leaves_the_others_unapplied(context: axr.Context) -> None:
    before = context.read_device_configuration(0)
    with pytest.raises(axr.InvalidConfiguration):
        context.configure_device(0, clock_profile_core_0=600, mvm_utilisation_core_0=200)
    assert context.read_device_configuration(0) == before


def test_the_documented_polling_loop_ends(emulator: Any) -> None:
    """The asynchronous form: False, then device_ready until it is True."""
    emulator("configure_polls = 3")
    with axr.Context() as context:
        device = context.list_devices()[0]
        polls = 0
        if not context.configure_device(device, clock_profile=600):
            while not context.device_ready(device):
                time.sleep(0.001)
                polls += 1
        assert polls == 2
        assert context.read_device_configuration(device)["clock_profile"] == "600"


def test_work_while_a_configuration_is_in_progress_is_pending(emulator: Any, small: Any) -> None:
    emulator("configure_polls = 2")
    with axr.Context() as context:
        assert context.configure_device(0, clock_profile=600) is False
        with pytest.raises(axr.Pending, match="poll device_ready"):
            context.device_connect()
        while not context.device_ready(0):
            pass
        context.device_connect()


def test_without_properties_there_is_nothing_to_wait_for(driver: str, context: axr.Context) -> None:
    assert context.configure_device(0) is True
    assert context.device_ready(0) is True
    assert context.read_device_configuration(0)["clock_profile"] == "800"
