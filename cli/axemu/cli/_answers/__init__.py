"""What `--json` prints, command by command: the source of docs/reference/json.md.

Every key has a description, and tests hold what commands print to these types: nothing is missing, nothing more is there.
"""

from __future__ import annotations

from typing import Any

from axemu.cli._answers._boards import Benchmark, Device, Info, Measured
from axemu.cli._answers._checks import EvaluationAnswer, VectorFacts, VectorOutcome
from axemu.cli._answers._comparison import ComparisonAnswer
from axemu.cli._answers._installed import CommandState, ExampleFacts, NetworkFacts, StandIn
from axemu.cli._answers._predictions import CorrelationAnswer, ExplanationAnswer, PredictionAnswer
from axemu.cli._answers._report import Report, report_of
from axemu.cli._answers._studies import StudyAnswer
from axemu.emulator.watching import Snapshot

__all__ = ["ANSWERS", "report_of"]

ANSWERS: dict[str, Any] = {
    "axdevice": list[Device],
    "axemu commands": list[CommandState],
    "axemu compare": ComparisonAnswer,
    "axemu correlate": CorrelationAnswer,
    "axemu eval": EvaluationAnswer,
    "axemu examples list": list[ExampleFacts],
    "axemu explain": ExplanationAnswer,
    "axemu info": Info,
    "axemu monitor": Snapshot,
    "axemu predict": PredictionAnswer,
    "axemu report": Report,
    "axemu stand-in": StandIn,
    "axemu study diff": StudyAnswer,
    "axemu study search": StudyAnswer,
    "axemu vectors list": list[VectorFacts],
    "axemu vectors verify": list[VectorOutcome],
    "axemu zoo list": list[NetworkFacts],
    "axemu zoo show": NetworkFacts,
    "axmonitor": Snapshot,
    "axrunmodel": Measured,
    "axzoo benchmark": Benchmark,
}
"""What each command with `--json` prints."""
