"""Beside the vendor's wheels: nothing of theirs changes, and a program still runs on the emulator when asked to."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = {
    "axelera_rt": {
        "axelera/__init__.py": "owner = 'vendor'\n",
        "axelera/runtime/__init__.py": "owner = 'vendor'\n",
        "axelera/zoo/__init__.py": "owner = 'vendor'\n",
    },
    "axelera_devkit": {"axelera/compiler/__init__.py": "owner = 'vendor'\n", "axelera/compiler/tool.py": ""},
}
SCRIPTS = ["axcompile", "axrunmodel"]
PROGRAM = """
import sys
import axelera.runtime, axelera.compiler
try:
    import axelera.zoo
except ImportError:
    pass
for name in ("axelera.runtime", "axelera.compiler", "axelera.zoo"):
    print(name, getattr(sys.modules.get(name), "owner", "axemu" if name in sys.modules else "nobody"))
"""
VENDORS = "axelera.runtime vendor\naxelera.compiler vendor\naxelera.zoo vendor\n"
OURS_WITH_THEIR_ZOO = "axelera.runtime axemu\naxelera.compiler axemu\naxelera.zoo vendor\n"
OURS = "axelera.runtime axemu\naxelera.compiler axemu\naxelera.zoo nobody\n"


class Environment:
    """A virtual environment that sees the packages of this one, but not what is under test."""

    def __init__(self, directory: Path) -> None:
        venv.create(directory, symlinks=True, with_pip=False)
        self.bin = directory / "bin"
        (self.site,) = directory.glob("lib/python3*/site-packages")
        (self.site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self.program = directory / "app.py"
        self.program.write_text(PROGRAM)

    def pip(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def install(self, *wheels: Path) -> None:
        self.pip("install", "--no-deps", "--no-index", "--quiet", *map(str, wheels))

    def uninstall(self, *names: str) -> None:
        self.pip("uninstall", "--yes", "--quiet", *names)

    def run(self, *command: str | Path) -> str:
        done = subprocess.run(
            [self.bin / command[0], *command[1:]], capture_output=True, text=True, check=False, cwd=self.bin
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def files(self) -> dict[str, bytes]:
        return {
            str(path): path.read_bytes()
            for folder in (self.site / "axelera", self.bin)
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".pyc" and path.name != "axemu"
        }


def _stand_in(directory: Path, name: str) -> Path:
    """Write a wheel of the vendor's name that owns these files and two commands."""
    info = f"{name}-1.8.0.dist-info"
    files = dict(STAND_IN[name])
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.8.0\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if name == "axelera_devkit":
        lines = [f"{script} = axelera.compiler.tool:main" for script in SCRIPTS]
        files[f"{info}/entry_points.txt"] = "\n".join(["[console_scripts]", *lines, ""])
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    path = directory / f"{name}-1.8.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(directory)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (ours,) = directory.glob("axemu-*.whl")
    return {"axemu": ours} | {name: _stand_in(directory, name) for name in STAND_IN}


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")


Prepare = Callable[[Environment, dict[str, Path]], None]


def vendor_first(environment: Environment, wheels: dict[str, Path]) -> None:
    environment.install(wheels["axelera_rt"], wheels["axelera_devkit"])
    environment.install(wheels["axemu"])


def vendor_last(environment: Environment, wheels: dict[str, Path]) -> None:
    environment.install(wheels["axemu"])
    environment.install(wheels["axelera_rt"], wheels["axelera_devkit"])


both_orders = pytest.mark.parametrize(
    "prepare",
    [pytest.param(vendor_first, marks=pytest.mark.full), vendor_last],
    ids=["vendor_first", "vendor_last"],
)


@both_orders
def test_programs_get_the_vendors_packages_and_the_emulator_when_asked(
    prepare: Prepare, environment: Environment, wheels: dict[str, Path]
) -> None:
    prepare(environment, wheels)
    assert environment.run("python", environment.program) == VENDORS
    assert environment.run("axemu", "run", environment.program) == OURS_WITH_THEIR_ZOO
    variable = f"AXEMU_FACES=1 exec {environment.bin}/python {environment.program}"
    shell = subprocess.run(["sh", "-c", variable], capture_output=True, text=True, check=True)
    assert shell.stdout == OURS_WITH_THEIR_ZOO


@both_orders
def test_no_file_of_theirs_changes_when_we_come_and_go(
    prepare: Prepare, environment: Environment, wheels: dict[str, Path], tmp_path: Path
) -> None:
    alone = Environment(tmp_path / "alone")
    alone.install(wheels["axelera_rt"], wheels["axelera_devkit"])
    before = {Path(name).name: data for name, data in alone.files().items() if "axelera" in name}
    prepare(environment, wheels)
    together = environment.files()
    assert {Path(name).name: data for name, data in together.items() if "/axelera/" in name} == {
        Path(name).name: data for name, data in alone.files().items() if "/axelera/" in name
    }
    assert before
    environment.uninstall("axemu")
    assert environment.files() == together
    assert environment.run("python", environment.program) == VENDORS


def test_commands_of_theirs_stay(environment: Environment, wheels: dict[str, Path]) -> None:
    vendor_first(environment, wheels)
    theirs = (environment.bin / "axcompile").read_bytes()
    done = subprocess.run(
        [environment.bin / "axemu", "commands", "--install"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"{environment.bin / 'axcompile'}: left alone, it is not ours" in done.stdout
    assert (environment.bin / "axcompile").read_bytes() == theirs
    assert "--imageset" in environment.run("axemu", "run", "axcompile", "--help")


@pytest.mark.full
def test_without_theirs_everything_is_ours(environment: Environment, wheels: dict[str, Path]) -> None:
    environment.install(wheels["axemu"])
    assert environment.run("python", environment.program) == OURS
    environment.run("axemu", "commands", "--install")
    assert "metis-0:1:0" in environment.run("axdevice")
    environment.run("axemu", "commands", "--remove")
    assert not (environment.bin / "axdevice").exists()


def test_what_is_not_imitated_is_not_found_and_says_what_there_is_instead(
    environment: Environment, wheels: dict[str, Path]
) -> None:
    environment.install(wheels["axemu"])
    program = environment.program.with_name("whole.py")
    program.write_text(
        "from importlib.util import find_spec\n"
        "assert find_spec('axelera.app') is None\n"
        "try:\n    import axelera.app\nexcept ImportError as error:\n    assert not hasattr(error, '__notes__')\n"
        "import axelera.app\n"
    )
    done = subprocess.run(
        [environment.bin / "axemu", "run", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert (
        "No module named 'axelera.app'\naxelera.app is the vendor's, and axemu has none of it; instead: axemu.app"
        in (done.stderr)
    )


@pytest.mark.full
def test_ours_serve_again_once_theirs_are_gone(environment: Environment, wheels: dict[str, Path]) -> None:
    vendor_last(environment, wheels)
    environment.uninstall("axelera_rt", "axelera_devkit")
    assert environment.run("python", environment.program) == OURS


@pytest.mark.full
def test_child_processes_of_a_program_stay_with_the_emulator(
    environment: Environment, wheels: dict[str, Path]
) -> None:
    vendor_first(environment, wheels)
    parent = environment.program.with_name("parent.py")
    parent.write_text(
        f"import subprocess, sys; subprocess.run([sys.executable, {str(environment.program)!r}])\n"
    )
    assert environment.run("axemu", "run", parent) == OURS_WITH_THEIR_ZOO


@pytest.mark.full
def test_studies_beside_the_vendor_say_how_to_start_them(
    environment: Environment, wheels: dict[str, Path]
) -> None:
    vendor_first(environment, wheels)
    code = "from axemu.studies import load_target; load_target('resnet18')"
    done = subprocess.run(
        [environment.bin / "python", "-c", code], capture_output=True, text=True, check=False
    )
    assert "start the program with `axemu run`" in done.stderr.splitlines()[-1]
    assert "simulated" in environment.run("axemu", "predict", "resnet18")


@pytest.mark.full
def test_a_frame_runs_beside_the_vendor(
    environment: Environment, wheels: dict[str, Path], tmp_path: Path
) -> None:
    vendor_first(environment, wheels)
    environment.run("axemu", "demo", "--output", tmp_path / "model")
    program = tmp_path / "frame.py"
    program.write_text(
        "import sys, numpy as np\nimport axelera.runtime as axr\n"
        "with axr.Context() as context:\n"
        "    model = context.load_model(sys.argv[1])\n"
        "    instance = context.device_connect(None, 1).load_model_instance(model)\n"
        "    outputs = [np.empty(info.shape, np.int8) for info in model.outputs()]\n"
        "    instance.run([np.ones(info.shape, np.int8) for info in model.inputs()], outputs)\n"
        "    np.save(sys.argv[2], outputs[0])\n"
    )
    environment.run("axemu", "run", program, tmp_path / "model" / "model.json", tmp_path / "out.npy")
    assert len(np.unique(np.load(tmp_path / "out.npy"))) > 2
