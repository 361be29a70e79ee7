"""Whatever is wrong with a path that a user gives, it is a documented error, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from tests.unit.compiler._networks import Net, data
from tests.unit.conftest import MakeModel

from axelera import compiler
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig
from axelera.compiler.config import load_config, read_model_card
from axelera.compiler.config.convert import convert
from axelera.runtime import Context
from axemu.cli._compile_data import load_transform
from axemu.driver import AxeleraError, FunctionDriver, InternalError, holders
from axemu.emulator import EmulatorDriver, EmulatorOptions
from axemu.model import load_compiled_model, write_axm
from axemu.model.program import read_program

SHAPE = (1, 3, 8, 8)


def pipe(directory: Path) -> str:
    os.mkfifo(directory / "pipe")
    return str(directory / "pipe")


def endless_link(directory: Path) -> str:
    (directory / "link").symlink_to(directory / "link")
    return str(directory / "link")


def below_a_file(directory: Path) -> str:
    (directory / "file").touch()
    return str(directory / "file" / "x" / "y")


def local_socket(directory: Path) -> str:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(directory)  # its name may have 108 bytes
        one.bind("socket")
        os.chdir(here)
    return str(directory / "socket")


PLACES: dict[str, Callable[[Path], str]] = {
    "long name": lambda directory: str(directory / ("x" * 300)),
    "long path": lambda directory: str(directory) + "/x" * 3000,
    "NUL": lambda directory: str(directory / "a\0b"),
    "lone surrogate": lambda directory: str(directory / "a\ud800b"),
    "link to itself": endless_link,
    "below a file": below_a_file,
    "pipe": pipe,
    "socket": local_socket,
    "missing": lambda directory: str(directory / "missing" / "x"),
    "nobody's home": lambda _directory: "~no-such-user/x",
}


@pytest.fixture(params=PLACES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    (tmp_path / "place").mkdir()
    return PLACES[request.param](tmp_path / "place")


@pytest.fixture(scope="module")
def quantised() -> AxeleraQuantizedModel:
    net = Net(SHAPE)
    return compiler.quantize(net.model(net.conv("x", 3, 4)), iter(data(SHAPE, 2)), CompilerConfig())


def network() -> object:
    net = Net(SHAPE)
    return net.model(net.conv("x", 3, 4))


READERS: dict[str, Callable[[str], object]] = {
    "load_compiled_model": load_compiled_model,
    "Context.load_model": lambda path: Context(FunctionDriver(lambda *_: None)).load_model(path),
    "read_program": read_program,
    "write_axm, directory": lambda path: write_axm(Path(path), Path("never.axm")),
    "quantize, network": lambda path: compiler.quantize(path, iter(data(SHAPE, 2)), CompilerConfig()),
    "quantize, images": lambda path: compiler.quantize(
        network(), path, CompilerConfig(), lambda image: image
    ),
    "AxeleraQuantizedModel.load": AxeleraQuantizedModel.load,
    "load_config": load_config,
    "read_model_card": read_model_card,
    "convert": convert,
    "load_transform": load_transform,
    "calibration": lambda path: EmulatorDriver(EmulatorOptions(calibration=path)),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_path_that_cannot_be_read_is_a_documented_error(read: Callable[[str], object], path: str) -> None:
    with pytest.raises((AxeleraError, ValueError)) as caught:
        read(path)
    assert isinstance(caught.value, AxeleraError | ValidationError)
    assert not isinstance(caught.value, InternalError)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", [name for name in PLACES if name not in ("missing", "nobody's home")])
def test_an_output_that_cannot_be_written_is_a_documented_error(
    name: str, quantised: AxeleraQuantizedModel, tmp_path: Path
) -> None:
    path = PLACES[name](tmp_path)
    for write in (
        lambda: compiler.compile(quantised, CompilerConfig(), path),
        lambda: quantised.export(path),
        lambda: compiler.compile(
            quantised, CompilerConfig(output_axm_format=True, model_name="x" * 300), tmp_path / name
        ),
    ):
        with pytest.raises(compiler.ConfigurationError):
            write()


@pytest.mark.parametrize("name", [name for name in PLACES if name not in ("missing", "socket")])
def test_a_report_that_cannot_be_written_is_a_documented_error(
    name: str, make_model: MakeModel, own_boards: None, tmp_path: Path
) -> None:
    (tmp_path / "place").mkdir()
    path = PLACES[name](tmp_path / "place")
    model = make_model()

    def run() -> None:
        driver = EmulatorDriver(EmulatorOptions(report=path, compute="off"))
        with contextlib.closing(driver), Context(driver) as context:
            loaded = context.load_model(model)
            instance = context.device_connect().load_model_instance(loaded)
            instance.run(
                *([np.empty(one.shape, np.int8) for one in s] for s in (loaded.inputs(), loaded.outputs()))
            )

    if name == "pipe":  # its name is taken, so the report gets another
        run()
        return
    with pytest.raises(ValueError, match=r"report|cannot be written"):
        run()


@pytest.mark.parametrize(
    "name", [name for name in PLACES if name not in ("NUL", "lone surrogate", "missing")]
)
@pytest.mark.parametrize("variable", ["AXEMU_CONFIG", "AXEMU_RUNTIME_DIR"])
def test_a_variable_with_a_path_that_cannot_be_used_is_a_documented_error(
    name: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, PLACES[name](tmp_path))
    monkeypatch.chdir(tmp_path)
    if (name, variable) == ("nobody's home", "AXEMU_RUNTIME_DIR"):  # a directory called ~no-such-user
        return
    with pytest.raises(AxeleraError, match="AXEMU_"):
        Context() if variable == "AXEMU_CONFIG" else holders("metis-0:1:0")


@pytest.mark.parametrize("spelled", ["x" * 300, "a\0b", "/" + "x/" * 3000 + "y.toml", "a\ud800b"])
def test_a_card_that_names_a_file_no_system_has(spelled: str, tmp_path: Path) -> None:
    card = tmp_path / "card.yaml"
    text = spelled.encode("unicode_escape").decode()
    card.write_text(f'models: {{a: {{extra_kwargs: {{compiler_config_file: "{text}"}}}}}}\n')
    with pytest.raises(compiler.ConfigurationError):
        read_model_card(card)
