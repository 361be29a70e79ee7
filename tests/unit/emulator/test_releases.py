"""What programs notice of a release of the vendor's SDK."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.conftest import MakeModel

from axelera.runtime import (
    Context,
    IncompatibleDevice,
    InvalidArgument,
    InvalidConfiguration,
    op,
    select_devices,
)
from axemu.emulator import EmulatorDriver, parse_options

pytestmark = pytest.mark.usefixtures("own_boards")
NATIVE = "Unsupported model version: 4.0, expected at least 5.0. Please re-deploy or re-download the model."


def labelled(model: Path, version: str) -> Path:
    content = json.loads(model.read_text(encoding="utf-8")) | {"version": version}
    model.write_text(json.dumps(content), encoding="utf-8")
    return model


@pytest.mark.parametrize(("release", "name"), [("1.6", "metis-0:1:0"), ("1.8", "metis-0-1-0")])
def test_devices_are_spelled_as_the_release_does_and_found_in_either_spelling(
    release: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXEMU_SDK", release)
    with Context() as context:
        (device,) = context.list_devices()
        assert device.name == name
        for spelling in ("metis-0:1:0", "metis-0-1-0"):
            assert select_devices(spelling, [device]) == [device]
            context.device_connect(spelling, 1).release()


@pytest.mark.parametrize(
    ("release", "version", "reason"),
    [
        ("1.6", "4.0", None),
        ("1.6", "4.2", None),
        ("1.6", "5.0", "Unsupported model version: 5.0, expected 4.x"),
        ("1.8", "5.0", None),
        ("1.8", "5.1.3", None),
        ("1.8", "4.0", NATIVE),
        (None, "4.0", None),
        (None, "5.0", None),
    ],
)
def test_models_of_another_release_are_refused(
    release: str | None, version: str, reason: str | None, make_model: MakeModel
) -> None:
    model = labelled(make_model(), version)
    driver = EmulatorDriver(parse_options({} if release is None else {"sdk": release}, "test"))
    with Context(driver) as context:
        if reason is None:
            context.load_model(model)
            return
        with pytest.raises(IncompatibleDevice) as refused:
            context.load_model(model)
    assert str(refused.value) == f"twice: {reason}"
    driver.close()


def test_a_pipeline_is_refused_when_its_model_first_runs(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXEMU_SDK", "1.8")
    loaded = op.load(labelled(make_model(), "4.0"))
    with pytest.raises(IncompatibleDevice, match=r"expected at least 5\.0"):
        loaded([[[0.0] * 4] * 4] * 64)


def test_what_is_written_has_the_version_of_the_release(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(make_model("old").read_text(encoding="utf-8"))["version"] == "4.0"
    monkeypatch.setenv("AXEMU_SDK", "1.8")
    assert json.loads(make_model("new").read_text(encoding="utf-8"))["version"] == "5.0"
    monkeypatch.setenv("AXEMU_SDK", "2.0")
    with pytest.raises(InvalidArgument, match=r"AXEMU_SDK is .2\.0.; the releases are 1\.6, 1\.8"):
        make_model("future")


def test_an_unknown_release_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match=r"sdk: name '1\.7' is unknown: known are 1\.6, 1\.8"):
        parse_options({"sdk": "1.7"}, "test")
