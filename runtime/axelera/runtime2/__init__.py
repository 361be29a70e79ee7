"""The operator layer under the name of the vendor's package that implements it, by which recipes import it."""

from axelera.runtime import cv, display, op, scheduler

__all__ = ["cv", "display", "op", "scheduler"]
