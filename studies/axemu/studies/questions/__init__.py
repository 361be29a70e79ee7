"""Questions that are asked often, each a short function: the answer, a table, and why.

`axemu study NAME` asks them. Each is meant to be read, and copied for a question of your own.
"""

from collections.abc import Callable

from axemu.pages import Chart
from axemu.studies.questions._answer import Answer, load
from axemu.studies.questions._bandwidth import bandwidth
from axemu.studies.questions._batch import batch
from axemu.studies.questions._boards import boards
from axemu.studies.questions._cameras import cameras
from axemu.studies.questions._cascade import cascade
from axemu.studies.questions._clock import clock
from axemu.studies.questions._cores import cores
from axemu.studies.questions._deployment import deployment
from axemu.studies.questions._diff import diff
from axemu.studies.questions._heat import heat
from axemu.studies.questions._link import link
from axemu.studies.questions._more import more
from axemu.studies.questions._page import write_page
from axemu.studies.questions._predictions import predictions
from axemu.studies.questions._search import search
from axemu.studies.questions._split import split
from axemu.studies.questions._together import together

QUESTIONS: dict[str, Callable[..., Answer]] = {
    "cores": cores,
    "batch": batch,
    "clock": clock,
    "boards": boards,
    "cameras": cameras,
    "split": split,
    "cascade": cascade,
    "more": more,
    "bandwidth": bandwidth,
    "link": link,
    "heat": heat,
    "together": together,
    "deployment": deployment,
}
"""The questions by the name that the command uses."""

__all__ = [
    "QUESTIONS",
    "Answer",
    "Chart",
    "bandwidth",
    "batch",
    "boards",
    "cameras",
    "cascade",
    "clock",
    "cores",
    "deployment",
    "diff",
    "heat",
    "link",
    "load",
    "more",
    "predictions",
    "search",
    "split",
    "together",
    "write_page",
]
