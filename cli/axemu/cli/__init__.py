"""The commands. They use this SDK's `axelera.runtime` and `axelera.compiler`, also where the vendor's are installed."""

import contextlib
import os
import sys
from types import TracebackType

_INTERRUPTED = 130


def _end_quietly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """End as other programs do when Ctrl-C comes before a command has begun; other errors are shown as usual."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(_INTERRUPTED)


# `python -m axemu.cli.axcompile` puts the current directory before everything installed, and a file there that is
# called like a module would run in its place. (While a module of this package is being located, argv[0] is "-m".)
if sys.argv[:1] == ["-m"]:
    sys.excepthook = _end_quietly
    if not sys.flags.safe_path:
        del sys.path[0]

from axemu import faces  # noqa: E402  not from the current directory

faces.first()


def main(name: str = "axemu") -> None:
    """Run a command of this package. Ctrl-C ends it without a traceback, also while it is being imported."""
    sys.excepthook = _end_quietly
    from importlib import import_module  # noqa: PLC0415  an interrupt here ends quietly, too

    import_module(f"axemu.cli.{name}").main()
