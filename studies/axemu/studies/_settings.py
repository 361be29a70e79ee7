"""Values that boards can be set to, refused by name: one set of them for scenarios, deployments and measurements."""

from __future__ import annotations

from collections.abc import Iterable

from axemu.chip import CLOCKS_MHZ
from axemu.driver import InvalidArgument, canonical


def known(what: str, name: str, names: Iterable[str]) -> str:
    """Return a name as it is written, whatever its case.

    Raises:
        InvalidArgument: there is no such name; the closest is proposed.
    """
    try:
        return canonical(what, name, names)
    except ValueError as error:
        raise InvalidArgument(str(error)) from None


def check_settings(clock: int, mvm_utilisation: float) -> None:
    """Refuse clocks (MHz) that a core does not have, and limits of the MVM utilisation (percent) that it does not take.

    Raises:
        InvalidArgument: says what is valid.
    """
    if clock not in CLOCKS_MHZ:
        clocks = ", ".join(map(str, CLOCKS_MHZ))
        raise InvalidArgument(f"clock {clock} MHz is not valid; valid clocks are {clocks}")
    if not 1 <= mvm_utilisation <= 100:
        raise InvalidArgument(f"mvm_utilisation {mvm_utilisation} is outside 1 to 100 percent")
