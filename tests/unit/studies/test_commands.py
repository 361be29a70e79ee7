"""The commands on top of the studies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from axemu.chip import load_calibration
from axemu.cli import _calibrate, _predict

pytestmark = pytest.mark.slow

runner = CliRunner()

ROWS = "model,board,metric,fps\nsqueezenet1_1,pcie,host,7298\nsqueezenet1_1,m2,host,7264\n"


@pytest.fixture
def measurements(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(ROWS)
    return path


def test_predict_prints_json_and_says_on_stderr_that_it_is_simulated() -> None:
    result = runner.invoke(_predict.app, ["predict", "squeezenet1_1", "--board", "m2", "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["calibration_id"] == load_calibration().identity
    assert "simulated" in result.stderr


def test_predict_never_prints_a_bare_rate() -> None:
    result = runner.invoke(_predict.app, ["predict", "squeezenet1_1"])
    assert "simulated" in result.stdout
    assert load_calibration().identity in result.stdout
    assert "80 % band" in result.stdout


def test_options_reach_the_question() -> None:
    base = ["predict", "squeezenet1_1", "--json"]
    plain = json.loads(runner.invoke(_predict.app, base).stdout)["host_fps"]
    for option in (
        ["--clock", "400"],
        ["--cores", "2"],
        ["--host", "embedded-arm"],
        ["--no-double-buffer"],
        ["--boards", "2"],
        ["--mvm-utilisation", "1"],
    ):
        other = json.loads(runner.invoke(_predict.app, [*base, *option]).stdout)["host_fps"]
        assert other != pytest.approx(plain, rel=1e-3), option


def test_predict_takes_the_release_and_says_what_compares() -> None:
    base = ["predict", "squeezenet1_1", "--sdk"]
    old, new = (runner.invoke(_predict.app, [*base, sdk]) for sdk in ("1.6", "1.8"))
    assert "table of SDK v1.6: 7298" in " ".join(old.stdout.split())
    assert "table of SDK v1.8.0: 6511" in " ".join(new.stdout.split())
    assert load_calibration(sdk="1.8").identity in new.stdout
    wrong = runner.invoke(_predict.app, [*base, "1.7"])
    assert wrong.exit_code == 2
    assert "1.6, 1.8" in wrong.stderr


def test_predict_tells_power_temperature_and_what_throttles_where_asked() -> None:
    base = ["predict", "squeezenet1_1", "--board", "m2"]
    cool = runner.invoke(_predict.app, [*base, "--ambient", "25"]).stdout
    hot = runner.invoke(_predict.app, [*base, "--ambient", "70", "--cooling", "12"]).stdout
    limited = runner.invoke(
        _predict.app, ["predict", "squeezenet1_1", "--board", "m2-max", "--power-limit", "4"]
    )
    assert "throttled   no" in cool
    assert "order of magnitude" in cool
    assert "hw_throttling" in hot
    assert "sustained" in hot
    assert "power_limit 100% of the time" in limited.stdout
    assert "power" not in runner.invoke(_predict.app, base).stdout


@pytest.mark.parametrize(
    "arguments",
    [["predict", "squeezenet9"], ["explain", "no.onnx"]],
)
def test_what_does_not_exist_is_one_line_on_stderr(arguments: list[str]) -> None:
    result = runner.invoke(_predict.app, arguments)
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert not result.stdout


def test_a_board_that_does_not_exist_is_a_bad_option() -> None:
    result = runner.invoke(_predict.app, ["predict", "squeezenet1_1", "--board", "x"])
    assert result.exit_code == 2
    assert "pcie, pcie-16g, m2" in " ".join(result.stderr.replace("│", " ").split())


def test_both_commands_ask_the_same_question() -> None:
    commands = typer.main.get_command(_predict.app).commands  # type: ignore[attr-defined]
    options = {name: {option for one in commands[name].params for option in one.opts} for name in commands}
    assert options["explain"] - options["predict"] == {"--layers", "--tasks"}
    assert options["predict"] - options["explain"] == {"--compare"}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody looks, on 80 columns."""
    for module in ("_terminal", "_predict", "_tasks"):
        monkeypatch.setattr(f"axemu.cli.{module}.columns", lambda: 80)


@pytest.mark.usefixtures("terminal")
def test_lines_are_folded_to_the_terminal() -> None:
    result = runner.invoke(_predict.app, ["predict", "squeezenet1_1", "--boards", "2"])
    lines = result.stdout.splitlines()
    assert lines[0].startswith("squeezenet1_1 on 2 x pcie")
    assert max(map(len, lines)) <= 80


def test_explain_says_what_it_does_not_show() -> None:
    result = runner.invoke(_predict.app, ["explain", "squeezenet1_1", "--layers", "1"])
    assert "more; --layers 0 shows all" in result.stdout
    assert "  nothing     memory_bandwidth, " in result.stdout


def test_explain_shows_the_slowest_operators_and_what_a_change_would_bring() -> None:
    result = runner.invoke(_predict.app, ["explain", "squeezenet1_1", "--layers", "5"])
    assert result.exit_code == 0
    assert "step_cycles" in result.stdout
    assert "bound by" in result.stdout
    times = [line.split()[0] for line in result.stdout.splitlines() if "/fire" in line or "/stem" in line]
    assert len(times) == 5
    assert times == sorted(times, key=float, reverse=True)


def test_explain_as_json_holds_every_operator() -> None:
    answer = json.loads(runner.invoke(_predict.app, ["explain", "squeezenet1_1", "--json"]).stdout)
    assert len(answer["layers"]) >= 26
    assert answer["sensitivities"]["launch"][0] > 0


def test_correlate_compares_own_measurements(measurements: Path, tmp_path: Path) -> None:
    plot = tmp_path / "plot.png"
    result = runner.invoke(
        _calibrate.app, ["correlate", "--measurements", str(measurements), "--plot", str(plot), "--json"]
    )
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert [point["measured"] for point in answer["points"]] == [7298, 7264]
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "simulated" in result.stderr


def test_calibrate_fits_own_measurements_and_writes_a_usable_file(measurements: Path, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "mine.json"
    arguments = ["calibrate", "--only-own", "--measurements", str(measurements), "--output", str(path)]
    result = runner.invoke(_calibrate.app, arguments)
    assert result.exit_code == 0, result.output
    fitted = load_calibration(path)
    assert fitted.identity != load_calibration().identity
    assert fitted.details["cases"] == 2
    again = runner.invoke(_predict.app, ["predict", "squeezenet1_1", "--json", "--calibration", str(path)])
    assert json.loads(again.stdout)["host_fps"] == pytest.approx(7298, rel=0.05)


def test_only_own_without_measurements_is_refused() -> None:
    result = runner.invoke(_calibrate.app, ["calibrate", "--only-own"])
    assert result.exit_code == 1
    assert "--measurements" in result.stderr


@pytest.mark.usefixtures("terminal")
def test_tasks_read_as_a_program_does_and_fit_a_terminal() -> None:
    lines = runner.invoke(_predict.app, ["explain", "squeezenet1_1", "--tasks"]).stdout.splitlines()
    assert "simulated" in lines[1]
    assert any(line.startswith("step 0: ") and "ddr_input>l1" in line for line in lines)
    assert "  inferred rules in use:" in lines
    assert max(map(len, lines)) <= 80


def test_tasks_as_json_have_the_documented_keys() -> None:
    page = (Path(__file__).parents[3] / "docs" / "explanation" / "programs.md").read_text(encoding="utf-8")
    answer = json.loads(runner.invoke(_predict.app, ["explain", "squeezenet1_1", "--tasks", "--json"]).stdout)
    first = [answer, answer["totals"], answer["passes"][0], answer["transfers"][0], answer["steps"][0]]
    keys = {key for one in first for key in one}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
    run = [index for step in answer["steps"] for verb, index in step["actions"] if verb == "run"]
    assert run == list(range(len(answer["passes"])))
