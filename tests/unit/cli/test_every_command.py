"""What all commands have in common, those that will be added as well: this walks over whatever is registered."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner
from typer.utils import get_params_from_function

from axemu.cli import (
    _answers_page,
    _options,
    axemu,
)
from axemu.cli._answers import ANSWERS
from axemu.cli._commands import NAMES
from axemu.cli._errors import exit_on_error, start
from axemu.driver import InvalidArgument

PROGRAMS = {name: import_module(f"axemu.cli.{name}") for name in NAMES}
HEAVY = {
    "numba",
    "onnx",
    "onnx_ir",
    "onnxruntime",
    "onnxscript",
    "simpy",
    "scipy",
    "pyarrow",
    "matplotlib",
    "textual",
}
ROOMS = (
    "driver", "model", "chip", "runtime", "emulator", "compiler", "zoo", "studies", "cli", "capi", "testing",
)  # fmt: skip
ACTS = {
    "axcompile": "writes a directory with a report",
    "axdownloadmodel": "compiles",
    "axemu calibrate": "writes a calibration, which is JSON",
    "axemu capi build": "builds a library",
    "axemu capi serve": "serves",
    "axemu demo": "compiles, runs and writes a page",
    "axemu examples copy": "copies files",
    "axemu import": "writes a directory",
    "axemu run": "runs a program; --report FILE is JSON",
    "axemu study sweep": "writes a table of points",
    "axemu to-toml": "converts",
    "axemu vectors export": "writes directories",
    "axemu vectors record": "writes files",
    "axemu warm": "fills a cache",
    "axemu zoo export": "writes a network",
    "axemu zoo table": "writes a page",
}
"""Commands that do something rather than answer a question; all others have `--json`."""


def programs() -> dict[str, typer.Typer]:
    if not axemu.app.registered_groups:
        axemu._add_parts()
    return {"axemu": axemu.app, **{name: module.app for name, module in PROGRAMS.items()}}


def leaves(app: typer.Typer, path: tuple[str, ...]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the commands of a program; one alone goes by the name of the program."""
    others = app.registered_groups or app.registered_callback or path[0] == "axemu"
    alone = len(app.registered_commands) == 1 and not others
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        yield " ".join(path if alone else (*path, name)), command.callback
    for group in app.registered_groups:
        inner = group.typer_instance
        assert inner is not None
        name = group.name or inner.info.name
        yield from leaves(inner, path if not isinstance(name, str) else (*path, name))


COMMANDS = {
    name: callback for program, app in programs().items() for name, callback in leaves(app, (program,))
}


def options(name: str) -> dict[str, tuple[Any, Any]]:
    """Return type and description of each option and argument, by its longest flag or its name."""
    found = {}
    for parameter in get_params_from_function(COMMANDS[name]).values():
        about = parameter.default
        if parameter.annotation is typer.Context:
            continue
        flags = [flag for flag in getattr(about, "param_decls", None) or () if flag.startswith("--")]
        word = flags[0].partition("/")[0].removeprefix("--") if flags else parameter.name.replace("_", "-")
        found[word] = (parameter.annotation, about)
    return found


EVERY = pytest.mark.parametrize("name", sorted(COMMANDS))


def invoke(name: str, *arguments: str) -> Any:
    program, *path = name.split()
    return CliRunner().invoke(programs()[program], [*path, *arguments])


@EVERY
def test_bad_options_end_with_status_2(name: str) -> None:
    arguments = ["--no-such-option"]
    assert invoke(name, *arguments).exit_code == 2


@pytest.mark.parametrize("name", ["axemu", *PROGRAMS])
def test_every_program_has_a_version_and_completion(name: str) -> None:
    help_text = invoke(name, "--help").output
    assert "--install-completion" in help_text
    result = invoke(name, "--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("axemu ")


@EVERY
def test_commands_that_answer_do_so_in_documented_json(name: str) -> None:
    has_json = "json" in options(name)
    assert has_json == (name in ANSWERS), f"{name}: describe what --json prints in cli/axemu/cli/_answers"
    assert has_json != (name in ACTS), f"{name}: give it --json, or say in ACTS what it does instead"


def test_the_page_of_json_keys_is_up_to_date() -> None:
    reference = Path(__file__).parents[3] / "docs" / "reference"
    remedy = "run python -m axemu.cli._answers_page docs/reference"
    assert (reference / "json.md").read_text(encoding="utf-8") == _answers_page.page(), remedy
    assert (
        json.loads((reference / "json-schema.json").read_text(encoding="utf-8")) == _answers_page.schemas()
    ), remedy


@EVERY
def test_numbers_have_bounds(name: str) -> None:
    free = [
        word
        for word, (kind, about) in options(name).items()
        if {int, float} & {kind, *get_args(kind)}
        and about.parser is None
        and (about.min is None or about.max is None)
    ]
    assert free == [], "give typer.Option(min=..., max=...), or take a type of _options"


SHARED = {
    "board": {_options.Board},
    "boards": {_options.Boards},
    "calibration": {_options.CalibrationFile},
    "clock": {_options.Clock},
    "compiled-cores": {_options.CompiledCores},
    "cores": {_options.Cores, _options.InstanceCores},
    "host": {_options.Host},
    "json": {_options.AsJson},
    "mvm-utilisation": {_options.Limit},
    "sdk": {_options.Sdk},
    "version": {_options.Version},
}


@EVERY
def test_options_of_one_name_have_one_type(name: str) -> None:
    """A board, a clock or a number of cores is the same in every command."""
    for word, (_, about) in options(name).items():
        shared = [get_args(one)[1] for one in SHARED.get(word, ())]
        assert not shared or any(about.help == one.help and about.parser is one.parser for one in shared), (
            word
        )


@EVERY
def test_a_command_says_what_it_does_and_what_each_option_means(name: str) -> None:
    assert COMMANDS[name].__doc__
    silent = [word for word, (_, about) in options(name).items() if not about.help]
    assert silent == [], "give each argument and option a help text"


def test_help_imports_nothing_heavy() -> None:
    lines = [
        "import sys",
        "from typer.testing import CliRunner",
        "from axemu.cli import axemu, " + ", ".join(PROGRAMS),
        "axemu._add_parts()",
        f"for words in {[name.split() for name in COMMANDS]!r}:",
        "    app = globals()[words[0]].app",
        "    result = CliRunner().invoke(app, [*words[1:], '--help'])",
        "    assert result.exit_code == 0, (words, result.output)",
        f"print(sorted({HEAVY!r} & set(sys.modules)))",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def raising(error: BaseException) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    def command() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InvalidArgument("x: too large"), 1, "x: too large"),
        (FileNotFoundError(2, "No such file or directory", "x.csv"), 1, "x.csv: No such file or directory"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_the_one_entry_maps_errors_to_statuses(
    error: BaseException,
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["axtool"])
    with pytest.raises(SystemExit) as end:
        start(raising(error))
    assert end.value.code == status
    assert capsys.readouterr().err == (f"axtool: {said}\n" if said else "")


def test_an_interrupt_within_a_command_is_status_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end, exit_on_error("tool"):
        raise KeyboardInterrupt
    assert end.value.exit_code == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "start_of", [["-c", "from axemu.cli import main; main({name!r})"], ["-m", "axemu.cli.{name}"]]
)
@pytest.mark.parametrize("name", ["axemu", *PROGRAMS])
def test_an_interrupt_while_importing_leaves_no_traceback(
    name: str, start_of: list[str], tmp_path: Path
) -> None:
    if name == "axemu" and start_of[0] == "-m":
        pytest.skip("the umbrella is no module to run")
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, *(one.format(name=name) for one in start_of)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["predict", "resnet18", "--board", "m3"], "did you mean 'm2'"),
        (["predict", "resnet18", "--host", "lapdop"], "did you mean 'laptop'"),
        (["predict", "resnet18", "--clock", "500"], "there are 100, 200, 400, 600, 700, 800"),
        (["predict", "resnet18", "--clock", "0"], "there are 100"),
        (["predict", "resnet18", "--cores", "9"], "less than or equal to 4"),
        (["calibrate", "--prior", "-3"], "greater than or equal to 0"),
        (["calibrate", "--weight", "-5"], "greater than or equal to"),
        (["zoo", "list", "--task", "detectoin"], "did you mean 'detection'"),
    ],
)
def test_values_out_of_range_and_unknown_names_are_bad_options(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(programs()["axemu"], arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_names_are_found_in_any_case() -> None:
    results = [
        CliRunner().invoke(programs()["axemu"], ["predict", network, "--board", board, "--json"])
        for network, board in (("resnet10t", "m2"), ("ResNet-10T", "M2"))
    ]
    assert results[0].exit_code == 0, results[0].output
    assert results[0].stdout == results[1].stdout


def answers() -> dict[str, Callable[[], list[str]]]:
    return {
        "axemu info": list,
        "axemu predict": lambda: ["resnet10t", "--ambient", "30"],
        "axemu explain": lambda: ["resnet10t"],
        "axemu zoo list": list,
        "axemu zoo show": lambda: ["resnet18"],
        "axemu commands": list,
        "axemu examples list": list,
        "axemu vectors list": lambda: ["conv_*"],
        "axdevice": list,
    }


@pytest.mark.parametrize("name", answers())
def test_json_has_the_documented_keys(name: str) -> None:
    from pydantic import TypeAdapter

    result = invoke(name, *answers()[name](), "--json")
    assert result.exit_code == 0, result.output
    TypeAdapter(ANSWERS[name]).validate_json(result.stdout)


@pytest.mark.parametrize("name", answers())
def test_text_for_another_program_is_never_folded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = []
    for columns in ("40", "300"):
        monkeypatch.setenv("COLUMNS", columns)
        printed.append(invoke(name, *answers()[name]()).output)
    assert printed[0] == printed[1]


def test_the_answer_to_a_question_has_the_documented_keys(tmp_path: Path) -> None:
    from axemu.studies.questions import Answer, Chart

    chart = Chart("Rates", "cores", "FPS")
    for name, rate in (("before", 10.5), ("after", 20.5)):
        rows = ({"cores": 1, "FPS": rate, "settles": inf, "board": "m2", "best": True, "limit": None},)
        options = {"model": "resnet10t", "cores": (1,)}
        Answer("Yes.", rows, ("So.",), "simulated", (chart,), "cores", options).save(tmp_path / name)
    result = invoke("axemu study diff", str(tmp_path / "before"), str(tmp_path / "after"), "--json")
    assert result.exit_code == 0, result.output
    for content in (result.stdout, (tmp_path / "before").read_text()):
        ANSWERS["axemu study diff"].model_validate_json(content)


def test_the_summary_of_a_model_has_the_documented_keys(make_model: Callable[..., Path]) -> None:
    result = invoke("axrunmodel", str(make_model()), "--seconds", "0.01", "--json")
    assert result.exit_code == 0, result.output
    ANSWERS["axrunmodel"].model_validate_json(result.stdout)


@pytest.mark.parametrize("name", ["axrunmodel", "axzoo benchmark", "axemu import", "axemu eval"])
def test_a_network_where_a_compiled_model_is_wanted_is_to_be_compiled(name: str, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"")
    (tmp_path / "images").mkdir()
    more = {"axemu eval": [str(tmp_path / "images")]}
    result = invoke(name, str(tmp_path / "net.onnx"), *more.get(name, []))
    assert result.exit_code == 1
    assert f"compile it: axcompile --input {tmp_path / 'net.onnx'}" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (["calibrate"], "scipy, joblib"),
        (["correlate", "--plot", "x.png"], "matplotlib"),
        (["monitor", "--summary", "x.svg"], "matplotlib"),
        (["run", "--trace", "x.pftrace", __file__], "perfetto"),
    ],
)
def test_a_missing_extra_is_named_before_the_work(
    arguments: list[str], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    result = CliRunner().invoke(programs()["axemu"], arguments)
    assert result.exit_code == 1
    assert f"needs {package}: pip install 'axemu[" in result.stderr


def test_no_message_is_a_python_repr() -> None:
    """An error is told in words: `{error!r}` does not end up in a message, but for defects of ours, which keep all there is."""
    root = Path(__file__).parents[3]
    found = []
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defects = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InternalError"
            for inner in ast.walk(node)
        }
        found += [
            f"{path.relative_to(root)}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.FormattedValue)
            and node.conversion == ord("r")
            and isinstance(node.value, ast.Name)
            and node.value.id in ("error", "exception", "problem", "reason")
            and node not in defects
        ]
    assert found == []
