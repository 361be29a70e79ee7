"""Execution of programs: the same bits as the specification, at the speed of the host's dot-product instructions."""

from ._executable import Executable, Runner
from ._library import generate
from ._load import load
from ._paths import available_paths
from ._threads import ThreadBudget

__all__ = ["Executable", "Runner", "ThreadBudget", "available_paths", "generate", "load"]
