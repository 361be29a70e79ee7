"""The calibration: figures of the chip that were fitted to published and measured performance."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from axemu.chip._boards import BoardFigures
from axemu.chip._figure import Figure, Provenance
from axemu.chip._hosts import HOSTS, HostFigures
from axemu.chip._priors import PARAMETERS
from axemu.chip._releases import DEFAULT_RELEASE, RELEASES

_MAX_BYTES = 1 << 20
HOST_PARAMETERS = ("launch", "copy")
"""Names of the figures of a host that may be fitted."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted figures with their identity and how well they did.

    `residuals` maps a board to the mean, over networks, of |log(predicted / published)| quantiles as fractions
    ("p50", "p80", "p90"), measured leave-one-family-out; `details` is whatever the fit wants to record. `sdk` is the release
    (`RELEASES`) whose published rates it met, `hosts` has the figures of hosts that were fitted too.
    """

    identity: str
    model_version: str
    figures: dict[str, Figure]
    residuals: dict[str, dict[str, float]]
    details: dict[str, Any]
    sdk: str = DEFAULT_RELEASE
    hosts: dict[str, dict[str, Figure]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.figures[name].value

    def host_of(self, board: BoardFigures, host: str | None = None) -> HostFigures:
        """Return a host by name, or the one of a board in this release, with the figures that were fitted."""
        name = host or RELEASES[self.sdk].hosts.get(board.host, board.host)
        known, fitted = HOSTS[name], self.hosts.get(name, {})
        return replace(known, launch=fitted.get("launch", known.launch), copy=fitted.get("copy", known.copy))


def _in_words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}"
    return str(error) if type(error) is ValueError else "a value has another form than it should"


def calibration_from_json(text: str, where: str) -> Calibration:
    """Read a calibration written by :func:`calibration_to_json`.

    Raises:
        ValueError: the text is no calibration; names `where`, the field and what was expected.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"calibration {where}: not JSON ({error}); write one with `axemu calibrate`"
        ) from error
    if not isinstance(data, dict):
        raise ValueError(f"calibration {where}: expected an object at the top level")  # noqa: TRY004 - one error for bad files
    try:
        figures = {name: _figure(entry) for name, entry in data["figures"].items()}
        hosts = {
            str(host): {name: _figure(entry) for name, entry in fitted.items()}
            for host, fitted in data.get("hosts", {}).items()
        }
        sdk = str(data.get("sdk", DEFAULT_RELEASE))
        details = dict(data.get("details", {}))
        identity, version = str(data["id"]), str(data["model_version"])
        residuals = {
            str(board): {str(key): float(value) for key, value in entry.items()}
            for board, entry in data["residuals"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"calibration {where}: {_in_words(error)}; write one with `axemu calibrate`"
        ) from error
    missing = [name for name in PARAMETERS if name not in figures]
    unknown = [name for name in figures if name not in PARAMETERS]
    if missing or unknown:
        raise ValueError(f"calibration {where}: missing figures {missing}, unknown figures {unknown[:20]}")
    if sdk not in RELEASES:
        raise ValueError(f"calibration {where}: SDK {sdk[:20]!r} is unknown; known are {', '.join(RELEASES)}")
    wrong = [
        host for host, fitted in hosts.items() if host not in HOSTS or set(fitted) - set(HOST_PARAMETERS)
    ]
    if wrong:
        raise ValueError(
            f"calibration {where}: hosts {wrong[:20]}: expected {', '.join(HOST_PARAMETERS)} of some of {', '.join(HOSTS)}"
        )
    of_hosts = [(f"{host}.{name}", one) for host, fitted in hosts.items() for name, one in fitted.items()]
    for name, entry in [*figures.items(), *of_hosts]:
        if not 0 <= entry.value < float("inf"):
            raise ValueError(
                f"calibration {where}: figure {name} is {entry.value}, expected a finite number >= 0"
            )
    return Calibration(identity, version, figures, residuals, details, sdk, hosts)


def _figure(entry: dict[str, Any]) -> Figure:
    return Figure(
        float(entry["value"]),
        str(entry["unit"]),
        str(entry["source"]),
        Provenance(entry["provenance"]),
        float(entry["low"]),
        float(entry["high"]),
    )


def _as_json(figures: dict[str, Figure]) -> dict[str, Any]:
    return {
        name: {
            "value": entry.value,
            "unit": entry.unit,
            "source": entry.source,
            "provenance": entry.provenance.value,
            "low": entry.low,
            "high": entry.high,
        }
        for name, entry in figures.items()
    }


def calibration_to_json(calibration: Calibration) -> str:
    """Write a calibration as JSON text."""
    data = {
        "id": calibration.identity,
        "model_version": calibration.model_version,
        "sdk": calibration.sdk,
        "figures": _as_json(calibration.figures),
        "hosts": {host: _as_json(fitted) for host, fitted in calibration.hosts.items()},
        "residuals": calibration.residuals,
        "details": calibration.details,
    }
    return json.dumps(data, indent=1) + "\n"


def load_calibration(path: Path | None = None, sdk: str | None = None) -> Calibration:
    """Load the calibration at `path`, or the one shipped for a release (`RELEASES`); without either that of 1.6.

    Raises:
        ValueError: the file is missing, too large, no calibration, or one of another release than `sdk`; there is no such
            release.
    """
    if sdk is not None and sdk not in RELEASES:
        raise ValueError(f"SDK {sdk[:20]!r} is unknown; known are {', '.join(RELEASES)}")
    if path is None:
        return _shipped(RELEASES[sdk or DEFAULT_RELEASE].calibration)
    try:
        found = calibration_from_json(_text(path), str(path))
    except OSError as error:  # a name no file has, or one that is not for this user
        raise ValueError(f"calibration {path}: cannot be read: {error.strerror or error}") from error
    if sdk not in (None, found.sdk):
        raise ValueError(f"calibration {path}: fitted to SDK {found.sdk}, asked for SDK {sdk}")
    return found


@functools.cache
def _shipped(name: str) -> Calibration:
    text = resources.files("axemu.chip").joinpath(name).read_text(encoding="utf-8")
    return calibration_from_json(text, f"{name} (shipped)")


def _text(path: Path) -> str:
    if not path.is_file():
        raise ValueError(
            f"calibration {path}: no such file; write one with `axemu calibrate --output {path}`"
        )
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"calibration {path}: cannot be read: {error.strerror}") from error
    if len(content) > _MAX_BYTES:
        raise ValueError(f"calibration {path}: larger than {_MAX_BYTES} bytes, expected a small JSON file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"calibration {path}: not UTF-8 text: {error}") from error
