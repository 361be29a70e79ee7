"""The output directory of `axcompile`: either the old one or the new one, with a report of how it came about."""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axelera.compiler import ConfigurationError
from axelera.compiler.packaging import Contents, replacing
from axemu.driver import InternalError
from axemu.driver.bounded import JSON_FILE, parse_json, read_bounded

__all__ = ["Outcome", "output_directory", "report_alone", "write_json", "write_report"]

REPORT = "compilation_report.json"
_OUTPUT = Contents(
    "output of axcompile",
    (REPORT,),
    (
        REPORT, "compilation_log.txt", "cli_args.json", "conf.json", "input_model", "quantized_model", "compiled_model",
        "dump", "*.axm", "error_artifact.zip",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: the word of compilation_report.json.
        error: what went wrong, or None.
        without_effect: properties that were set and change nothing, and why.
        summary: what the end of a run tells of the compiled model; empty without one.
    """

    status: str
    error: BaseException | None = None
    without_effect: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def output_directory(output: Path, *, overwrite: bool, added_too: bool = False) -> Iterator[Path]:
    """A new directory to write into, which becomes `output` when the block ends without an exception.

    What is at `output` until then stays untouched, and stays for good when the block raises or the process is killed.

    Args:
        output: the directory to make or replace.
        overwrite: the output of an earlier run may be replaced.
        added_too: also when somebody added files to it, which are lost then.

    Raises:
        ConfigurationError: `output` exists, is not empty, is no failed run's and may not be replaced.
    """
    empty = output.is_dir() and not any(output.iterdir())
    if output.exists() and not empty and not overwrite and not _has_failed(output):
        raise ConfigurationError(f"output directory {output} exists; --overwrite replaces it")
    with replacing(output, _OUTPUT, added_too=added_too) as folder:
        yield folder


def _has_failed(output: Path) -> bool:
    """Tell whether there is nothing but the output of a run that failed, which nobody has to ask for again."""
    if (output / "compiled_model").exists():
        return False
    try:
        report = parse_json(read_bounded(output / REPORT, JSON_FILE), JSON_FILE)
        return bool(report["status"] != "SUCCEEDED")
    except (OSError, ValueError, LookupError, TypeError):
        return False


def report_alone(outcome: Outcome, output: Path | None, *, overwrite: bool) -> None:
    """Write an output that is nothing but the report of a run that could not begin.

    Where there is no place for it, the message on stderr has to do.
    """
    if output is None:
        return
    with (
        contextlib.suppress(ConfigurationError, OSError),
        output_directory(output, overwrite=overwrite) as folder,
    ):
        write_report(outcome, folder)


def write_report(outcome: Outcome, folder: Path) -> None:
    """Write compilation_report.json."""
    content: dict[str, Any] = {
        "status": outcome.status,
        "settings_without_effect": dict(outcome.without_effect),
    }
    if outcome.summary:
        content["summary"] = dict(outcome.summary)
    if outcome.error is not None:
        content["error"] = {
            "type": type(outcome.error).__name__,
            "message": str(outcome.error),
            "problems": [str(violation) for violation in getattr(outcome.error, "violations", ())],
        }
        if isinstance(outcome.error, InternalError):
            content["error"]["traceback"] = traceback.format_exception(outcome.error)
    write_json(folder / REPORT, content)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file for people and programs."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
