"""For tests of applications and of drivers: a pytest plugin, a small compiled model, rates with their error.

`axemu.testing.plugin` is the plugin, `axemu.testing.suite` the back-to-back suite that emulated boards and cards have to
pass: `python -m axemu.testing --metis-driver=native`. See `docs/how-to/test-with-pytest.md`.

pytest loads the plugin in every session, so nothing else is imported with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from axemu.testing._rate import Rate, rate
    from axemu.testing._small import SmallModel, write_small_model

__all__ = ["Rate", "SmallModel", "rate", "write_small_model"]

_LATE = {"Rate": "_rate", "SmallModel": "_small", "rate": "_rate", "write_small_model": "_small"}


def __getattr__(name: str) -> Any:
    """Load what `_LATE` names."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
