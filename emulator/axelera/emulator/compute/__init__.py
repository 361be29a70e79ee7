"""Execution of programs: the same bits as the specification, at the speed of the host's dot-product instructions."""

from ._executable import Executable, Runner
from ._load import load

__all__ = ["Executable", "Runner", "load"]
