"""What `load` accepts, what it chooses, and what it brings into a process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from axemu.driver import InvalidArgument
from axemu.emulator.compute import _load, available_paths, load
from axemu.emulator.compute._library import CompilationFailed, library
from axemu.model.ops import execute
from axemu.model.program import Node, Program, Tensor


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"numerics": "fast"}, "numerics 'fast' is unknown, expected one of metis, exact"),
        ({"path": "mmx"}, "path 'mmx' is unknown, expected one of auto, reference"),
        ({"threads": 0}, "threads is 0, expected at least 1"),
        ({"taps": ("nowhere",)}, "program 'block' has no tensor 'nowhere' to tap"),
    ],
)
def test_a_bad_option_is_refused_by_name(block: Program, options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        load(block, **options)  # type: ignore[arg-type]


def test_auto_is_the_fastest_path_of_the_cpu(block: Program) -> None:
    assert load(block).path == available_paths()[0]


def test_the_environment_chooses_the_path(block: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_COMPUTE", "reference")
    assert load(block).path == "reference"


def test_an_argument_beats_the_environment(block: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_COMPUTE", "reference")
    assert load(block, path="portable").path == "portable"


def test_the_environment_sets_the_threads_of_a_run(block: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_COMPUTE_RUN_THREADS", "3")
    assert load(block).threads == 3  # type: ignore[attr-defined]
    assert load(block, threads=2).threads == 2  # type: ignore[attr-defined]


def test_a_path_the_cpu_lacks_is_refused(block: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_load, "available_paths", lambda: ("avx2", "portable"))
    with pytest.raises(InvalidArgument, match="cannot run path 'avx512vnni', expected one of avx2, portable"):
        load(block, path="avx512vnni")


def test_portable_code_takes_over_where_generation_fails(
    block: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def only_portable(path: str) -> object:
        if path != "portable":
            raise CompilationFailed("the compiler did not finish within 240 s")
        return library(path)

    monkeypatch.setattr(_load, "library", only_portable)
    assert load(block).path == "portable"
    assert "did not finish within 240 s" in caplog.text


def test_the_specification_takes_over_where_nothing_can_be_generated(
    block: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_path: str) -> object:
        raise CompilationFailed("no compiler")

    monkeypatch.setattr(_load, "library", nothing)
    assert load(block).path == "reference"


def test_an_extreme_zero_point_is_left_to_the_specification() -> None:
    tensors = {"x": Tensor("x", (2, 2, 4), 1.0, -32000), "y": Tensor("y", (2, 2, 4), 1.0, 32768)}
    program = Program("far", 1, tensors, (Node("add", "sum", ("x", "x"), "y"),), ("x",), ("y",))
    executable = load(program, "exact")
    assert executable.path == "reference"
    values = np.arange(16, dtype=np.int8)
    output = np.empty(16, np.int8)
    executable.instance().run([values], [output])
    np.testing.assert_array_equal(output, execute(program, {"x": values}, "exact")["y"].reshape(-1))


@pytest.mark.parametrize("path", ["reference", "auto"])
def test_running_needs_no_numba(path: str) -> None:
    code = (
        "import sys, numpy as np\n"
        "from axemu.emulator.compute import load\n"
        "from axemu.model.program import Node, Program, Tensor\n"
        "t = {n: Tensor(n, (2, 2, 4)) for n in 'xy'}\n"
        "p = Program('p', 1, t, (Node('add', 's', ('x', 'x'), 'y'),), ('x',), ('y',))\n"
        f"load(p, path={path!r}).instance().run([np.zeros(16, np.int8)], [np.zeros(16, np.int8)])\n"
        "assert 'numba' not in sys.modules, 'numba was imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
