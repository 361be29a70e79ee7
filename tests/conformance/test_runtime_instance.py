"""Loading an instance: its properties, and the rules of what fits on a board."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests._vendor.networks import everything, frame
from tests._vendor.reference import Reference

import axelera.runtime as axr

AVAILABLE = 33_554_432 - 1_245_184


def _runs(instance: axr.ModelInstance, made: Any) -> None:
    inputs, outputs = made.frame(1), made.outputs()
    instance.run(inputs, outputs)
    assert np.array_equal(outputs, made.expected(inputs))


# -- properties (§1.4) ------------------------------------------------------------------------------------------------


def test_a_batch_1_model_loads_without_properties(driver: str, context: axr.Context, small: Any) -> None:
    made = small()
    _runs(context.device_connect().load_model_instance(context.load_model(made.path)), made)


@pytest.mark.parametrize("value", [0, 1, True, False, "0", "1", "true", "False"])
@pytest.mark.parametrize(
    "key", ["device_profiling", "host_profiling", "elf_in_ddr", "input_dmabuf", "double_buffer"]
)
def test_properties_take_ints_bools_and_their_text(
    driver: str, context: axr.Context, small: Any, key: str, value: Any
) -> None:
    model = context.load_model(small().path)
    instance = context.device_connect().load_model_instance(model, **{key: value})
    assert getattr(instance.options, key) is (str(value).lower() in ("1", "true"))


def test_the_documented_defaults(driver: str, context: axr.Context, small: Any) -> None:
    options = context.device_connect().load_model_instance(context.load_model(small().path)).options
    assert (options.aipu_cores, options.num_sub_devices) == (0, 0)
    assert not any(
        (
            options.double_buffer,
            options.input_dmabuf,
            options.output_dmabuf,
            options.device_profiling,
            options.host_profiling,
        )
    )
    assert options.elf_in_ddr is True


@pytest.mark.parametrize("key", ["depth", "batch", "Double_Buffer"])
def test_unknown_properties_get_the_documented_text(
    driver: str, context: axr.Context, small: Any, key: str
) -> None:
    model = context.load_model(small().path)
    with pytest.raises(axr.InvalidArgument, match=f"Invalid properties: Unknown property key: {key}"):
        context.device_connect().load_model_instance(model, **{key: 4})


@pytest.mark.parametrize("value", [-1, 1.5, None, "many", [1]])
@pytest.mark.parametrize("key", ["aipu_cores", "num_sub_devices", "double_buffer"])
def test_bad_values_are_refused_by_name(
    driver: str, context: axr.Context, small: Any, key: str, value: Any
) -> None:
    model = context.load_model(small().path)
    with pytest.raises(axr.InvalidArgument, match=f"property {key}"):
        context.device_connect().load_model_instance(model, **{key: value})


@pytest.mark.parametrize("value", [4, "4", 2])
def test_any_true_double_buffer_is_the_same_as_one(
    driver: str, context: axr.Context, small: Any, value: Any
) -> None:
    made = small()
    instance = context.device_connect().load_model_instance(
        context.load_model(made.path), double_buffer=value
    )
    inputs, outputs = made.frame(1), made.outputs()
    for _ in range(3):
        instance.run(inputs, outputs)
    assert np.array_equal(outputs, made.expected(inputs))


@pytest.mark.parametrize("model", [None, "model.json", 3])
def test_what_is_no_model_cannot_be_loaded(driver: str, context: axr.Context, model: Any) -> None:
    with pytest.raises(axr.InvalidArgument, match=r"give what Context\.load_model returned"):
        context.device_connect().load_model_instance(model)


# -- what fits (§1.4, §0.6, §0.7) -------------------------------------------------------------------------------------


def test_aipu_cores_0_means_the_models_own(driver: str, context: axr.Context, small: Any) -> None:
    made = small(batch=2)
    instance = context.device_connect(None, 2).load_model_instance(
        context.load_model(made.path), aipu_cores=0
    )
    assert instance.options.aipu_cores == 0
    _runs(instance, made)


def test_aipu_cores_above_the_connection_are_accepted_and_recorded(
    driver: str, context: axr.Context, small: Any
) -> None:
    """Documents and programs of the field do it, even with two such instances at once."""
    made = small()
    model = context.load_model(made.path)
    for _ in range(2):
        instance = context.device_connect(None, 1).load_model_instance(model, num_sub_devices=1, aipu_cores=4)
        assert instance.options.aipu_cores == 4
        _runs(instance, made)


@pytest.mark.parametrize("batch", [1, 2, 3, 4])
def test_a_batch_model_runs_on_as_many_cores(
    driver: str, context: axr.Context, small: Any, batch: int
) -> None:
    made = small(batch=batch)
    connection = context.device_connect(None, batch)
    _runs(
        connection.load_model_instance(
            context.load_model(made.path), aipu_cores=batch, num_sub_devices=batch
        ),
        made,
    )


def test_a_batch_above_the_connection_is_incompatible(driver: str, context: axr.Context, small: Any) -> None:
    model = context.load_model(small(batch=4).path)
    with pytest.raises(
        axr.IncompatibleDevice,
        match=r"batch 4, which takes 4 cores, .* has 3; connect with num_sub_devices=4",
    ):
        context.device_connect(None, 3).load_model_instance(model)


def test_more_sub_devices_than_the_connection_has_are_a_bad_argument(
    driver: str, context: axr.Context, small: Any
) -> None:
    model = context.load_model(small().path)
    with pytest.raises(axr.InvalidArgument, match="num_sub_devices=2 is more than the 1"):
        context.device_connect(None, 1).load_model_instance(model, num_sub_devices=2)


def test_fewer_sub_devices_than_the_batch_are_incompatible(
    driver: str, context: axr.Context, small: Any
) -> None:
    model = context.load_model(small(batch=3).path)
    with pytest.raises(axr.IncompatibleDevice, match="num_sub_devices=2 cannot hold batch 3"):
        context.device_connect(None, 4).load_model_instance(model, num_sub_devices=2)


def test_batch_times_instances_may_fill_the_board(driver: str, context: axr.Context, small: Any) -> None:
    pair, single = small(batch=2, name="pair"), small(name="single")
    models = {made: context.load_model(made.path) for made in (pair, single)}
    kept = []
    for made in (pair, single, single):
        kept.append(context.device_connect(None, made.batch).load_model_instance(models[made]))
        _runs(kept[-1], made)
    with pytest.raises(axr.DeviceInUse):
        context.device_connect(None, 1)


def test_a_model_for_another_generation_is_incompatible(
    driver: str, context: axr.Context, small: Any
) -> None:
    model = context.load_model(small(generation="europa").path)
    with pytest.raises(axr.IncompatibleDevice, match=r"compiled for generation 'europa', and .* is 'omega'"):
        context.device_connect().load_model_instance(model)


def test_a_model_of_all_l2_loads_once(context: axr.Context, small: Any) -> None:
    """Compiled for one core with resources 1.0."""
    model = context.load_model(small(l2=AVAILABLE).path)
    first = context.device_connect(None, 1).load_model_instance(model)
    second = context.device_connect(None, 1)
    with pytest.raises(
        axr.IncompatibleDevice,
        match=rf"declares {AVAILABLE} B of L2 .* 0 B of {AVAILABLE} B are free \(.*small.* holds {AVAILABLE} B\)",
    ):
        second.load_model_instance(model)
    first.release()
    second.load_model_instance(model)


def test_a_model_of_a_quarter_of_l2_loads_four_times(context: axr.Context, small: Any) -> None:
    """Compiled for one core with resources 0.25."""
    model = context.load_model(small(l2=AVAILABLE // 4).path)
    instances = [context.device_connect(None, 1).load_model_instance(model) for _ in range(4)]
    assert len(instances) == 4


def test_a_byte_too_many_is_refused_and_the_board_stays_usable(context: axr.Context, small: Any) -> None:
    big, tiny = small(l2=AVAILABLE + 1, name="big"), small(name="tiny")
    connection = context.device_connect(None, 1)
    with pytest.raises(axr.IncompatibleDevice, match="recompile it with a smaller share"):
        connection.load_model_instance(context.load_model(big.path))
    _runs(connection.load_model_instance(context.load_model(tiny.path)), tiny)


def test_l2_is_shared_by_all_instances_on_a_board(context: axr.Context, small: Any) -> None:
    models = [context.load_model(small(l2=AVAILABLE // 2, name=name).path) for name in ("one", "two")]
    connection = context.device_connect(None, 1)
    kept = [connection.load_model_instance(model) for model in models]
    other = context.device_connect(None, 1)
    with pytest.raises(axr.IncompatibleDevice, match=r"one.* holds \d+ B; .*two.* holds \d+ B"):
        other.load_model_instance(models[0])
    connection.release()
    assert other.load_model_instance(models[0]) is not kept[0]


def test_l2_is_counted_per_board(emulator: Any, small: Any) -> None:
    emulator("boards = 2")
    with axr.Context() as context:
        model = context.load_model(small(l2=AVAILABLE).path)
        connections = [context.device_connect(index, 1) for index in range(2)]
        instances = [connection.load_model_instance(model) for connection in connections]
        assert len(instances) == 2


def test_l2_of_a_dropped_instance_is_free_again(context: axr.Context, small: Any) -> None:
    model = context.load_model(small(l2=AVAILABLE).path)
    connection = context.device_connect(None, 1)
    for _ in range(3):
        instance = connection.load_model_instance(model)
        del instance


def test_l2_held_by_another_process_counts(context: axr.Context, small: Any) -> None:
    made = small(l2=AVAILABLE)
    instance = context.device_connect(None, 1).load_model_instance(context.load_model(made.path))
    code = f"""
import axelera.runtime as axr
with axr.Context() as context:
    context.device_connect(None, 1).load_model_instance(context.load_model({str(made.path)!r}))
"""
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "IncompatibleDevice" in other.stderr
    assert f"holds {AVAILABLE} B" in other.stderr
    instance.release()
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_what_model_json_declares_counts(context: axr.Context, small: Any) -> None:
    pools = [
        {"name": "a", "size": AVAILABLE, "alignment": 64, "memory": "l2", "depth": 1},
        {"name": "ddr_input", "size": 1 << 28, "alignment": 64, "memory": "ddr", "depth": 2},
        {"name": "ddr_output", "size": 64, "alignment": 64, "memory": "ddr", "depth": 2},
    ]
    made = small(memory_pools=pools)
    context.device_connect().load_model_instance(context.load_model(made.path))


def test_ddr_of_a_board_is_shared_by_its_instances(emulator: Any, small: Any) -> None:
    emulator('boards = [{memory = "1MiB"}]')
    pools = [
        {"name": "ddr_const", "size": 600_000, "alignment": 64, "memory": "ddr", "depth": 1},
        {"name": "ddr_input", "size": 640, "alignment": 64, "memory": "ddr", "depth": 2},
        {"name": "ddr_output", "size": 64, "alignment": 64, "memory": "ddr", "depth": 2},
    ]
    made = small(memory_pools=pools)
    with axr.Context() as context:
        model, connection = context.load_model(made.path), context.device_connect()
        first = connection.load_model_instance(model)
        with pytest.raises(
            axr.IncompatibleDevice, match=r"declares 601408 B of DDR .* free \(model 'small' holds 601408 B\)"
        ):
            connection.load_model_instance(model)
        first.release()
        connection.load_model_instance(model)


def test_a_vendors_directory_runs(context: axr.Context, tmp_path: Path) -> None:
    net, x, y = everything()
    buffers = [net.port(x, (8, 8, 3), (8, 16, 4))]
    directory = net.directory(tmp_path / "net", buffers, {y: net.port(y, (1, 1, 10), (1, 1, 64))})
    model = context.load_model(directory)
    reference = Reference(directory / "quantized_model.pt")
    reference.run(frame(net, x, (8, 8, 3), 1))
    codes = np.full((1, 8, 16, 4), -7, np.int8)
    codes[0, :, :8, :3] = reference.taps["input_qre"][0].transpose(1, 2, 0)
    result = np.empty((1, 1, 1, 64), np.int8)
    context.device_connect().load_model_instance(model).run([codes], [result])
    np.testing.assert_array_equal(result.ravel()[:10], reference.taps["y_qre"].ravel())


def test_a_vendors_directory_without_a_program_loads_as_metadata_and_says_what_is_missing(
    context: axr.Context, small: Any
) -> None:
    made = small()
    for path in made.path.parent.glob("program.*"):
        path.unlink()
    model = context.load_model(made.path)
    assert model.inputs()[0].zero_point == -130
    with pytest.raises(axr.IncompatibleDevice, match=r"program\.json.* compile"):
        context.device_connect().load_model_instance(model)


@pytest.mark.parametrize("name", ["program.json", "program.bin"])
@pytest.mark.parametrize("damage", ["truncated", "changed", "missing"])
def test_damaged_program_files_are_refused_by_name(
    context: axr.Context, small: Any, name: str, damage: str
) -> None:
    made = small()
    path = made.path.with_name(name)
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 0x10
        path.write_bytes(content)
    connection = context.device_connect()
    with pytest.raises((axr.InvalidArgument, axr.IncompatibleDevice), match=name.replace(".", r"\.")):
        connection.load_model_instance(context.load_model(made.path))


def test_a_model_json_that_is_not_the_programs_is_refused(context: axr.Context, small: Any) -> None:
    made = small()
    model = json.loads(made.path.read_text())
    model["memory_pools"][0]["size"] += 1
    made.path.write_text(json.dumps(model))
    with pytest.raises((axr.InvalidArgument, axr.IncompatibleDevice), match=r"model\.json"):
        context.device_connect().load_model_instance(context.load_model(made.path))
