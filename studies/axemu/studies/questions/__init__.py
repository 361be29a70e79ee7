"""Questions that are asked often, each a short function: the answer, a table, and why.

`axemu study NAME` asks them. Each is meant to be read, and copied for a question of your own.
"""

from collections.abc import Callable

from axemu.studies.questions._answer import Answer, Chart, load
from axemu.studies.questions._cameras import cameras

QUESTIONS: dict[str, Callable[..., Answer]] = {"cameras": cameras}
"""The questions by the name that the command uses."""

__all__ = ["QUESTIONS", "Answer", "Chart", "cameras", "load"]
