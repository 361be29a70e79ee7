"""Which `axelera.runtime` and `axelera.compiler` a process imports.

They and `axelera.runtime2` imitate packages of the vendor. A wheel keeps them in a directory of their own, which `axemu.pth` puts at the end of
the module path: alone they are found like anything else, beside the vendor's wheels the vendor's own packages are found
and nothing of theirs is overwritten. `first` turns that round for one process; `axemu run` and the variable
`AXEMU_FACES` do so for a program and its child processes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, TracebackType

VARIABLE = "AXEMU_FACES"
NAMES = ("axelera.runtime", "axelera.runtime2", "axelera.compiler")
INSTEAD = {
    "axelera.app": "axemu.app has create_inference_stream, for networks of the zoo and compiled models "
    "(docs/how-to/find-things-on-images.md)",
    "axelera.zoo": "axemu.zoo builds well-known networks with synthetic weights (docs/how-to/zoo.md)",
}
"""What there is in place of packages of the vendor's that are not imitated."""


def directories() -> tuple[Path, ...]:
    """Return the directories that hold the packages: one in an installed wheel, one per room in a checkout."""
    here = Path(__file__).resolve()
    rooms = [here.parents[2] / name.rpartition(".")[2] / "axelera" for name in NAMES]
    return tuple(path for path in (here.parent / "_faces" / "axelera", *rooms) if path.is_dir())


class _Finder:
    """Finds these packages in `directories`, whatever else is on the module path."""

    @staticmethod
    def find_spec(
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG004  the interface of a finder
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if name not in NAMES:
            return None
        return PathFinder.find_spec(name, [str(directory) for directory in directories()], target)


def first() -> None:
    """Make this process import our `axelera.runtime` and `axelera.compiler`.

    Raises:
        ImportError: one of them was imported before, from somewhere else.
    """
    for name in NAMES:
        if name in sys.modules and not _is_ours(sys.modules[name].__spec__):
            raise ImportError(
                f"{name} of {sys.modules[name].__file__} is imported already; call axemu.faces.first() before, or start "
                "the program with `axemu run`"
            )
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


def start() -> None:
    """Do so at the start of a process, and let an uncaught import of what is not imitated end with what there is instead.

    Nothing is found that is not there: programs that try such an import and do without see what they always saw.
    """
    first()
    before = sys.excepthook

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        name = (isinstance(error, ModuleNotFoundError) and error.name) or ""
        if name.startswith("axelera."):
            package = ".".join(name.split(".")[:2])
            instead = INSTEAD.get(package, "docs/compatibility.md lists what there is")
            error.add_note(f"{name} is the vendor's, and axemu has none of it; instead: {instead}")
        before(kind, error, trace)

    sys.excepthook = tell


def check(name: str) -> None:
    """Refuse to go on where `name` would be somebody else's.

    Raises:
        ImportError: what would be imported is not ours.
    """
    spec = sys.modules[name].__spec__ if name in sys.modules else find_spec(name)
    if not _is_ours(spec):
        owner = "nobody's" if spec is None else f"that of {spec.origin}"
        raise ImportError(
            f"{name} is {owner} in this process; start the program with `axemu run`, set {VARIABLE}=1, or call "
            "axemu.faces.first() before anything imports it"
        )


def _is_ours(spec: ModuleSpec | None) -> bool:
    return (
        spec is not None
        and spec.origin is not None
        and Path(spec.origin).resolve().parents[1] in directories()
    )
