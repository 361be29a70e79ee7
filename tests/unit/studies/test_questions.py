"""Questions and the command that asks them."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from axemu.cli import _study
from axemu.driver import InvalidArgument
from axemu.studies.questions import QUESTIONS, Answer, cameras, load
from axemu.studies.questions._answer import table

runner = CliRunner()
SMALL = ["squeezenet1_1", "--seconds", "0.5", "--fps", "700"]


@pytest.fixture(scope="module")
def answer() -> Answer:
    return cameras("squeezenet1_1", seconds=0.5, fps=700.0, latency=20.0)


def test_the_answer_comes_first_then_the_table_then_why(answer: Answer) -> None:
    text = answer.text(80)
    places = [text.index(part) for part in (answer.answer[:40], "verdict\n", answer.why[0][:20], "simulated")]
    assert places == sorted(places)


def test_nothing_is_wider_than_a_terminal_and_columns_are_aligned(answer: Answer) -> None:
    lines = answer.text(80).splitlines()
    assert max(map(len, lines)) <= 80
    table = [line for line in lines if line.endswith(("healthy", "overloaded", "its limit"))]
    assert len(table) == len(answer.rows)
    assert len({line.index(line.split()[-1] if "its" not in line else "at its") for line in table}) == 1


def test_too_many_cameras_and_a_bound_that_is_too_short_are_said_first() -> None:
    none = cameras("squeezenet1_1", seconds=0.5, fps=700.0, latency=0.1)
    assert none.answer.startswith("None: ")


def test_a_time_that_does_not_end_is_said_to() -> None:
    answer = Answer("", [{"ms": float("inf")}, {"ms": 3.14159}], (), "")
    assert table(answer.rows).split() == ["ms", "never", "3.14"]
    assert json.loads(json.dumps(answer.to_dict(), allow_nan=False))["rows"][0] == {"ms": "never"}


def test_a_saved_answer_is_read_back(answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    answer.save(path)
    assert load(path).to_dict() == json.loads(json.dumps(answer.to_dict()))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 9}'])
def test_what_is_no_answer_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(content)
    with pytest.raises(InvalidArgument, match="not a file that"):
        load(path)


@pytest.mark.parametrize("name", QUESTIONS)
def test_flags_are_called_as_parameters_are(name: str) -> None:
    command = typer.main.get_command(_study.app).commands["study"].get_command(None, name)  # type: ignore[attr-defined]
    flags = {option for one in command.params for option in one.opts if option.startswith("--")}
    parameters = inspect.signature(QUESTIONS[name]).parameters.values()
    keywords = {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
    assert {f"--{one.replace('_', '-')}" for one in keywords} == flags - {"--help", "--json", "--save"}


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_and_each_of_its_options_is_explained(name: str) -> None:
    assert (QUESTIONS[name].__doc__ or "").strip().endswith("?")
    command = typer.main.get_command(_study.app).commands["study"].get_command(None, name)  # type: ignore[attr-defined]
    assert [one.name for one in command.params if not one.help] == []


def test_the_command_prints_json_and_says_on_stderr_that_it_is_simulated() -> None:
    result = runner.invoke(_study.app, ["study", "cameras", *SMALL, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["options"]["fps"] == 700.0
    assert "simulated" in result.stderr


def test_what_does_not_exist_is_one_line_on_stderr() -> None:
    result = runner.invoke(_study.app, ["study", "cameras", "squeezenet9"])
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
