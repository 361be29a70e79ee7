"""The calibration: figures of the chip that were fitted to published and measured performance."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from axemu.chip._figure import Figure, Provenance
from axemu.chip._priors import PARAMETERS

_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted figures with their identity and how well they did.

    `residuals` maps a board to the mean, over networks, of |log(predicted / published)| quantiles as fractions
    ("p50", "p80", "p90"), measured leave-one-network-out; `details` is whatever the fit wants to record.
    """

    identity: str
    model_version: str
    figures: dict[str, Figure]
    residuals: dict[str, dict[str, float]]
    details: dict[str, Any]

    def __getitem__(self, name: str) -> float:
        return self.figures[name].value


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
        figures = {
            name: Figure(
                float(entry["value"]),
                str(entry["unit"]),
                str(entry["source"]),
                Provenance(entry["provenance"]),
                float(entry["low"]),
                float(entry["high"]),
            )
            for name, entry in data["figures"].items()
        }
        details = dict(data.get("details", {}))
        identity, version = str(data["id"]), str(data["model_version"])
        residuals = {
            str(board): {str(key): float(value) for key, value in entry.items()}
            for board, entry in data["residuals"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"calibration {where}: missing or wrong field ({error!r})") from error
    missing = [name for name in PARAMETERS if name not in figures]
    unknown = [name for name in figures if name not in PARAMETERS]
    if missing or unknown:
        raise ValueError(f"calibration {where}: missing figures {missing}, unknown figures {unknown[:20]}")
    for name, entry in figures.items():
        if not 0 <= entry.value < float("inf"):
            raise ValueError(
                f"calibration {where}: figure {name} is {entry.value}, expected a finite number >= 0"
            )
    return Calibration(identity, version, figures, residuals, details)


def calibration_to_json(calibration: Calibration) -> str:
    """Write a calibration as JSON text."""
    figures = {
        name: {
            "value": entry.value,
            "unit": entry.unit,
            "source": entry.source,
            "provenance": entry.provenance.value,
            "low": entry.low,
            "high": entry.high,
        }
        for name, entry in calibration.figures.items()
    }
    data = {
        "id": calibration.identity,
        "model_version": calibration.model_version,
        "figures": figures,
        "residuals": calibration.residuals,
        "details": calibration.details,
    }
    return json.dumps(data, indent=1) + "\n"


@functools.lru_cache(maxsize=4)
def load_calibration(path: Path | None = None) -> Calibration:
    """Load the calibration at `path`, or the shipped one.

    Raises:
        ValueError: the file is missing, too large or no calibration.
    """
    if path is None:
        text = resources.files("axemu.chip").joinpath("calibration.json").read_text(encoding="utf-8")
        return calibration_from_json(text, "calibration.json (shipped)")
    try:
        return calibration_from_json(_text(path), str(path))
    except OSError as error:  # a name no file has, or one that is not for this user
        raise ValueError(f"calibration {path}: cannot be read: {error.strerror or error}") from error


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
