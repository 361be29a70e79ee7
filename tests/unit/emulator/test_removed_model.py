"""A compiled model that somebody removes while it is being loaded."""

from __future__ import annotations

import builtins
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import write_model

from axelera.runtime import Context
from axemu.driver import AxeleraError, InternalError
from axemu.emulator import EmulatorDriver, EmulatorOptions
from axemu.model import write_axm

LOOKS = ((os, "stat"), (os, "lstat"), (os, "open"), (os, "scandir"), (io, "open"), (builtins, "open"))
"""How Python looks at files; before each look the directory may go."""


class Remover:
    """Removes a directory before the n-th look at anything in it."""

    def __init__(self, victim: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.victim, self.number, self.looks = victim, number, 0
        for module, name in LOOKS:
            monkeypatch.setattr(module, name, self._watched(getattr(module, name)))

    def _watched(self, look: Callable[..., Any]) -> Callable[..., Any]:
        def watched(path: Any, *arguments: Any, **options: Any) -> Any:
            if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(str(self.victim)):
                self.looks += 1
                if self.looks == self.number:
                    shutil.rmtree(self.victim, ignore_errors=True)
                    self.victim.unlink(missing_ok=True)
            return look(path, *arguments, **options)

        return watched


def load(path: Path) -> None:
    driver = EmulatorDriver(EmulatorOptions(compute="reference"))
    with Context(driver) as context:
        context.device_connect().load_model_instance(context.load_model(path))
    driver.close()


@pytest.mark.parametrize("kind", ["directory", "archive"])
def test_a_model_that_goes_while_it_is_loaded_is_a_documented_error(
    kind: str, own_boards: None, tmp_path: Path
) -> None:
    refused = 0
    for number in range(1, 1000):
        model = write_model(tmp_path / str(number)).parent
        if kind == "archive":
            model = write_axm(model, tmp_path / f"{number}.axm")
        with pytest.MonkeyPatch.context() as patch:
            remover = Remover(model, number, patch)
            try:
                load(model)
            except InternalError:  # which is how a driver's defects are told
                raise
            except AxeleraError:
                refused += 1
            if remover.looks < number:
                break
    assert number > 3
    assert refused >= 2
