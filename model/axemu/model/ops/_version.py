"""The version of the numerics."""

NUMERICS_VERSION = 1
"""Bumped whenever any operator may give another bit for the same program."""
