"""The operator layer under the name of the vendor's package that implements it, by which recipes import it."""

from axelera.runtime import cv, display, op, scheduler
from axelera.runtime2 import img

__all__ = ["cv", "display", "img", "op", "scheduler"]
