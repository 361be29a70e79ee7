"""Contexts, connections and instances: who owns what, and what comes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import axelera.runtime as axr
from axemu.testing import SmallModel

Load = Callable[..., axr.ModelInstance]


def test_boards_are_listed_with_names_of_their_own(metis_boards: list[axr.DeviceInfo]) -> None:
    names = [board.name for board in metis_boards]
    assert all(names)
    assert len(set(names)) == len(names)
    assert all(board.subdevice_count >= 1 for board in metis_boards)


def test_a_board_may_be_none_an_index_a_name_or_a_device_info(metis_context: axr.Context) -> None:
    (board, *_) = metis_context.list_devices()
    for device in (None, 0, board.name, board):
        connection = metis_context.device_connect(device, 1)
        connection.release()


def test_all_cores_of_a_board_can_be_had_and_no_more(metis_context: axr.Context) -> None:
    (board, *_) = metis_context.list_devices()
    connection = metis_context.device_connect(board, board.subdevice_count)
    with pytest.raises(axr.ConnectionError):
        metis_context.device_connect(board, 1)
    connection.release()
    metis_context.device_connect(board, 1).release()


@pytest.mark.parametrize("count", [0, 1000])
def test_a_number_of_cores_that_no_board_has_is_a_bad_argument(
    metis_context: axr.Context, count: int
) -> None:
    with pytest.raises(axr.InvalidArgument):
        metis_context.device_connect(None, count)


def test_a_board_that_is_not_there_is_refused_by_name(metis_context: axr.Context) -> None:
    with pytest.raises(axr.InvalidArgument, match="metis-9:9:9"):
        metis_context.device_connect("metis-9:9:9")


def test_releasing_a_connection_releases_its_instances(
    metis_context: axr.Context, metis_model: SmallModel
) -> None:
    connection = metis_context.device_connect(None, metis_model.batch)
    instance = connection.load_model_instance(metis_context.load_model(metis_model.path))
    connection.release()
    with pytest.raises(axr.InvalidArgument, match="was released"):
        instance.run(metis_model.frame(1), metis_model.outputs())


def test_an_instance_may_be_released_and_another_one_loaded(
    metis_context: axr.Context, metis_model: SmallModel
) -> None:
    connection = metis_context.device_connect(None, metis_model.batch)
    model = metis_context.load_model(metis_model.path)
    for _ in range(3):
        instance = connection.load_model_instance(model)
        instance.run(metis_model.frame(1), metis_model.outputs())
        instance.release()
        instance.release()


def test_dropped_connections_give_their_cores_back(metis_context: axr.Context) -> None:
    (board, *_) = metis_context.list_devices()
    for _ in range(3):
        connection = metis_context.device_connect(board, board.subdevice_count)
        assert connection.device.name == board.name
        del connection


def test_a_released_context_works_no_more(metis_driver: str, metis_context: axr.Context) -> None:
    metis_context.release()
    with pytest.raises(axr.InvalidArgument, match="was released"):
        metis_context.list_devices()


def test_a_configuration_is_text_and_unknown_properties_are_refused(metis_context: axr.Context) -> None:
    properties = metis_context.read_device_configuration(0)
    assert all(isinstance(value, str) for value in properties.values())
    with pytest.raises(axr.InvalidConfiguration):
        metis_context.configure_device(0, no_such_property=1)


def test_a_clock_that_is_in_force_may_be_set_again(metis_context: axr.Context) -> None:
    clock = metis_context.read_device_configuration(0)["clock_profile"]
    done = metis_context.configure_device(0, clock_profile=clock)
    while not done:
        done = metis_context.device_ready(0)
    assert metis_context.read_device_configuration(0)["clock_profile"] == clock


@pytest.mark.parametrize("key", ["depth", "batch"])
def test_unknown_properties_of_an_instance_get_the_documented_text(metis_instance: Load, key: str) -> None:
    with pytest.raises(axr.InvalidArgument, match=f"Invalid properties: Unknown property key: {key}"):
        metis_instance(**{key: 4})
