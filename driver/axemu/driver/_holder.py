"""Who holds cores of a board, and the record that says so to other processes."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axemu.driver._l2_ledger import L2Holding

RECORD_SIZE = 16384


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds cores of a board, and the L2 bytes its instances there declare."""

    pid: int
    program: str
    cores: tuple[int, ...]
    l2: tuple[L2Holding, ...] = ()

    def __str__(self) -> str:
        cores = ", ".join(str(core) for core in self.cores)
        return f"process {self.pid} ({self.program}) holds core{'s' if len(self.cores) > 1 else ''} {cores}"


@dataclass(frozen=True, slots=True)
class Program:
    """For whom cores are held."""

    pid: int
    name: str


class _Acting(threading.local):
    program: Program | None = None


_acting = _Acting()


@contextlib.contextmanager
def acting_for(pid: int, program: str) -> Iterator[None]:
    """Reserve cores in the name of another process, which this one serves, in the calling thread's block.

    The cores go with this process all the same; it gives them back when the other one ends.
    """
    before, _acting.program = _acting.program, Program(pid, program[:200])
    try:
        yield
    finally:
        _acting.program = before


def in_charge() -> Program:
    """Return for whom the calling thread acts: this process, or who `acting_for` says."""
    return _acting.program or Program(os.getpid(), _program())


def encode(program: Program, cores: tuple[int, ...], l2: tuple[L2Holding, ...] | list[L2Holding]) -> bytes:
    """Say who holds `cores` within one slot; holdings that have no room are told as one."""
    shown = len(l2)
    while True:
        rows = [[holding.holder[:200], holding.size] for holding in l2[:shown]]
        if shown < len(l2):
            rows.append([f"{len(l2) - shown} more", sum(holding.size for holding in l2[shown:])])
        record = {"pid": program.pid, "program": program.name, "cores": cores, "l2": rows}
        content = json.dumps(record).encode()
        if len(content) <= RECORD_SIZE:
            return content
        shown //= 2


def _program() -> str:
    name = sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-", "-c", "-m") else sys.executable
    return Path(name).name[:200] or "python"


def decode(content: bytes, core: int) -> Holder:
    """Return who holds `core` as a record tells; unknown where it tells nothing."""
    try:
        record = json.loads(content)
        l2 = tuple(L2Holding(str(holder), int(size)) for holder, size in record["l2"])
        cores = tuple(int(held) for held in record["cores"])
        return Holder(int(record["pid"]), str(record["program"]), cores if core in cores else (core,), l2)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Holder(0, "unknown", (core,))
