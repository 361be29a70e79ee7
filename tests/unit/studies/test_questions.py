"""Questions and the command that asks them."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from axemu.cli import _study
from axemu.driver import InvalidArgument
from axemu.studies.deployments import evaluate, read_deployment
from axemu.studies.questions import QUESTIONS, Answer, Chart, cameras, diff, load, write_page
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


SAVED = {
    "format": 1,
    "answer": "",
    "rows": [{"case": "x", "ms": 1.0}],
    "why": [],
    "stamp": "",
    "charts": [],
    "question": "cores",
    "options": {},
}


@pytest.mark.parametrize(
    "damage",
    [
        {"stamp": 3},
        {"why": "text"},
        {"why": [3]},
        {"options": 3},
        {"options": []},
        {"rows": [{"ms": [1]}]},
        {"rows": [{"ms": 10**400}]},
        {"rows": [{"a": 1}, {"b": 1}]},
        {"rows": [3]},
        {"charts": [{"title": "x"}]},
    ],
)
def test_an_answer_that_was_tampered_with_is_refused(damage: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(SAVED))
    assert load(path).question == "cores"
    path.write_text(json.dumps({**SAVED, **damage}))
    with pytest.raises(InvalidArgument, match=r"answer\.json: not a file that"):
        load(path)


def test_a_difference_tells_times_that_do_not_end_any_more_or_from_now_on(tmp_path: Path) -> None:
    def saved(time: float) -> Answer:
        Answer("", [{"case": "x", "p99 ms": time}], [], "").save(tmp_path / "answer.json")
        return load(tmp_path / "answer.json")

    ends, never = saved(12.0), saved(float("inf"))
    (row,) = diff(ends, never).rows
    assert (row["before"], row["after"]) == (12.0, float("inf"))
    assert [row["change %"] for row in diff(never, ends).rows] == [-100.0]
    assert diff(never, never).rows == []


def test_names_are_text_in_a_page(tmp_path: Path) -> None:
    name = "<!--<script>alert(1)</script>"
    chart = Chart(name, "case", "ms", mark="bar")
    answer = Answer(name, [{"case": name, "ms": 1.0}], [name], name, [chart], name, {"model": name})
    write_page(tmp_path / "page.html", answer)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    plain = tmp_path / "plain.html"
    write_page(plain, Answer("", [{"case": "x", "ms": 1.0}], ["x"], "", [replace(chart, title="x")]))
    of_ours = plain.read_text(encoding="utf-8")
    for mark in ("<script", "</script", "<!--", "alert(1)</"):
        assert text.count(mark) == of_ours.count(mark)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["bandwidth", "squeezenet1_1", "--host", "toaster"], "host 'toaster' is unknown"),
        (["bandwidth", "squeezenet1_1", "--cores", "9"], "cores 9"),
        (["bandwidth", "squeezenet1_1", "--clock", "850"], "clock 850"),
        (["link", "squeezenet1_1", "--most", "0"], "count 0"),
        (["more", "squeezenet1_1", "--faster", "0"], "faster 0"),
        (["cameras", "squeezenet1_1", "--fps", "3.3", "--seconds", "0.1"], "no frame arrives"),
    ],
)
def test_what_cannot_be_asked_is_one_line_on_stderr(given: list[str], words: str) -> None:
    result = runner.invoke(_study.app, ["study", *given])
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_streams_of_one_network_each_have_their_own_slow_end(tmp_path: Path) -> None:
    streams = """
[[streams]]
network = "squeezenet1_1"
fps = 100.0
[[streams]]
network = "squeezenet1_1"
fps = 1000.0
arrivals = "poisson"
"""
    file = tmp_path / "d.toml"
    file.write_text(DEPLOYMENT.partition("[[streams]]")[0] + streams)
    rows = QUESTIONS["deployment"](str(file)).rows
    slow = evaluate(read_deployment(file), band=True).at_slow_end.streams
    assert [row["p99 if slow"] for row in rows] == [one.latency.p99 for one in slow]
    assert len({row["p99 if slow"] for row in rows}) == 2


def test_a_network_may_share_a_board_with_itself() -> None:
    rows = QUESTIONS["split"]("squeezenet1_1", "squeezenet1_1").rows
    assert rows[0]["squeezenet1_1 FPS"] > 2 * rows[0]["squeezenet1_1 FPS, second"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_flags_are_called_as_parameters_are(name: str) -> None:
    command = typer.main.get_command(_study.app).commands["study"].get_command(None, name)  # type: ignore[attr-defined]
    flags = {option for one in command.params for option in one.opts if option.startswith("--")}
    parameters = inspect.signature(QUESTIONS[name]).parameters.values()
    keywords = {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
    assert {f"--{one.replace('_', '-')}" for one in keywords} == flags - {
        "--help",
        "--json",
        "--save",
        "--html",
    }


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


DEPLOYMENT = """
seconds = 1.0
[[networks]]
model = "squeezenet1_1"
[[streams]]
network = "squeezenet1_1"
name = "door"
count = 3
"""
SAMPLE = ("more", "clock", "deployment")
QUICK: dict[str, dict[str, object]] = {
    "cameras": {"seconds": 0.5, "fps": 700.0},
    "split": {"first": "squeezenet1_1", "second": "resnet10t"},
    "cascade": {"detector": "squeezenet1_1", "classifier": "resnet10t"},
    "more": {"model": "squeezenet1_1", "stage": "resnet10t"},
    "together": {"models": ["squeezenet1_1", "resnet10t", "yolov8n"]},
    "link": {"model": "squeezenet1_1", "most": 3},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [one if one in SAMPLE else pytest.param(one, marks=pytest.mark.full) for one in QUESTIONS]
)
def test_each_question_is_answered_within_80_columns(name: str, tmp_path: Path) -> None:
    given = QUICK.get(name, {"model": "squeezenet1_1"})
    if name == "deployment":
        file = tmp_path / "d.toml"
        file.write_text(DEPLOYMENT)
        given = {"file": str(file)}
    answer = QUESTIONS[name](**given)
    assert answer.question == name
    assert answer.rows
    lines = answer.text(80).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith("simulated") or any(line.startswith("simulated: ") for line in lines)
    assert answer.answer
    assert all(answer.why)
    for chart in answer.charts:
        assert {chart.x, chart.y} <= set(answer.rows[0])
    page = tmp_path / "page.html"
    write_page(page, answer)
    assert "<script src" not in page.read_text(encoding="utf-8")


def test_networks_are_counted_as_fitting_until_the_board_is_full() -> None:
    few = QUESTIONS["together"](["squeezenet1_1", "resnet10t"], fps=50.0)
    assert [row["fits"] for row in few.rows] == [True, True]
    many = QUESTIONS["together"](["squeezenet1_1", "resnet10t"], fps=4000.0)
    assert [row["fits"] for row in many.rows] == [True, False]


@pytest.mark.slow
def test_boards_behind_one_link_never_do_more_than_with_links_of_their_own() -> None:
    rows = QUESTIONS["link"]("squeezenet1_1", most=2).rows
    assert all(row["FPS, one link"] <= 1.01 * row["FPS, own links"] for row in rows)
    assert rows[0]["FPS, one link"] == pytest.approx(rows[0]["FPS, own links"], rel=0.01)


def test_a_difference_tells_what_was_asked_and_what_changed(answer: Answer) -> None:
    slower = cameras("squeezenet1_1", seconds=0.5, fps=700.0, latency=20.0, clock=400)
    told = diff(answer, slower)
    assert "clock 800 -> 400" in told.why[0]
    assert any(row["column"] == "busy %" and row["change %"] > 5 for row in told.rows)
    assert diff(answer, answer).answer.startswith("0 numbers differ")
    with pytest.raises(InvalidArgument, match="nothing to compare"):
        diff(answer, Answer("", [], (), "", question="cores"))


def test_commands_compare_what_they_saved(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("a.json", "b.json")]
    for file, clock in zip(files, ("800", "600"), strict=True):
        result = runner.invoke(_study.app, ["study", "cameras", *SMALL, "--clock", clock, "--save", file])
        assert result.exit_code == 0, result.output
    result = runner.invoke(_study.app, ["study", "diff", *files])
    assert "clock 800 -> 600" in result.stdout
    assert runner.invoke(_study.app, ["study", "diff", files[0], str(tmp_path / "none.json")]).exit_code == 1


def test_a_sweep_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(DEPLOYMENT)
    given = [
        "study",
        "sweep",
        str(tmp_path / "d.toml"),
        "--output",
        str(tmp_path / "s.parquet"),
        "--engine",
        "serial",
    ]
    result = runner.invoke(
        _study.app, [*given, "--vary", "streams.door.count=1,2,500", "--vary", "boards.0.board=m2,pcie"]
    )
    assert result.exit_code == 0, result.output
    assert "4 healthy" in result.stdout
    assert "2 overloaded" in result.stdout
    assert "6 of 6 points" in result.stderr
    wrong = runner.invoke(_study.app, [*given, "--vary", "streams.window.count=1"])
    assert wrong.exit_code == 1
    assert "there is no window" in wrong.stderr


FEWEST = """
seconds = 1.0
[[networks]]
model = "squeezenet1_1"
[[streams]]
network = "squeezenet1_1"
name = "door"
fps = 1500
"""


def searched(folder: Path, *given: str) -> dict[str, object]:
    (folder / "d.toml").write_text(FEWEST)
    words = ["study", "search", str(folder / "d.toml"), "--within", "20", *given, "--json"]
    result = runner.invoke(_study.app, words)
    assert result.exit_code == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_a_search_names_the_best_first_and_all_that_is_feasible(tmp_path: Path) -> None:
    found = searched(
        tmp_path, "--vary", "networks.0.cores=1,2,3,4", "--vary", "boards.0.board=m2,pcie", "--least", "cores"
    )
    rows = found["rows"]
    assert isinstance(rows, list)
    cores = [row["cores"] for row in rows]
    assert rows[0]["best"]
    assert cores[0] == min(cores)
    for row in rows:
        text = FEWEST.replace(
            'model = "squeezenet1_1"\n', f'model = "squeezenet1_1"\ncores = {row["0.cores"]}\n'
        )
        (tmp_path / "one.toml").write_text(text + f'[[boards]]\nboard = "{row["board"]}"\n')
        assert evaluate(read_deployment(tmp_path / "one.toml")).within(20)
    assert 0 < len(rows) < 8
    assert max(map(len, table(rows).splitlines())) <= 80
    assert str(found["why"]).count("8 combinations were tried, all there are; ") == 1


def test_a_page_of_a_search_says_what_was_varied_in_words(tmp_path: Path) -> None:
    searched(
        tmp_path, "--vary", "boards.0.board=m2,pcie", "--most", "fps", "--html", str(tmp_path / "a.html")
    )
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "boards.0.board m2, pcie<" in text
    assert "{&#39;" not in text


def test_a_search_for_nothing_feasible_says_what_is_closest(tmp_path: Path) -> None:
    found = searched(tmp_path, "--vary", "streams.door.count=40,50", "--most", "cameras")
    assert str(found["answer"]).startswith(
        "None of 2 combinations answers 99 % of each stream's frames within 20 ms; "
    )
    assert str(found["answer"]).endswith(", overloaded.")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--vary", "streams.door.count=1"], "give at least one goal"),
        (
            ["--vary", "streams.door.count=1", "--most", "joy"],
            "goal joy max: expected max or min of fps, p99, ",
        ),
        (["--vary", "networks.0.cores=7,8", "--most", "fps"], "none of 2 combinations can be"),
    ],
)
def test_what_cannot_be_sought_is_refused(given: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(FEWEST)
    result = runner.invoke(_study.app, ["study", "search", str(tmp_path / "d.toml"), *given])
    assert result.exit_code == 1
    assert words in result.stderr
