"""Who runs the pipelines of `axelera.runtime.op`: one scheduler per process takes every core of its boards.

As far as the vendor's documents of release 1.7 and the notes of 1.8 go; what they leave open is decided in
`docs/reference/op.md`.
"""

from axelera.runtime.scheduler._current import create, current
from axelera.runtime.scheduler._scheduler import Scheduler

__all__ = ["Scheduler", "create", "current"]
