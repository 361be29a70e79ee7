"""What the SDK refuses is one line; a defect of its own keeps its traceback."""

from __future__ import annotations

import pytest
import typer

from axemu.cli._errors import exit_on_error
from axemu.driver import InternalError, InvalidArgument


def test_a_refusal_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), exit_on_error("tool"):
        raise InvalidArgument("model 'm': too large") from ValueError("x")
    assert capsys.readouterr().err == "tool: model 'm': too large\n"


def test_a_defect_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def planted() -> None:
        raise KeyError("x")

    def plan() -> None:
        try:
            planted()
        except KeyError as error:
            raise InternalError("planning failed") from error

    with pytest.raises(typer.Exit), exit_on_error("tool"):
        plan()
    printed = capsys.readouterr().err
    assert "in planted" in printed
    assert printed.endswith("tool: planning failed\n")
