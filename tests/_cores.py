"""Programs of cores, written by hand."""

from __future__ import annotations

from typing import Any

from axemu.model.passes import Action, CoreProgram, Pass, Step, Tile, Transfer, Units


class CoreSketch:
    """Collects what a core does; all in one step."""

    def __init__(self, name: str = "core") -> None:
        self.name = name
        self.passes: list[Pass] = []
        self.transfers: list[Transfer] = []
        self.actions: list[Action] = []

    def work(
        self, cycles: int = 0, unit: str = "array", layer: str = "t", load: int = 0, **counts: Any
    ) -> CoreSketch:
        """Load the array for `load` cycles, then run a pass whose `unit` is busy for `cycles`."""
        one = Pass(layer, "conv", Tile(0, 1, 0, 1), Units(**{unit: cycles}), 1, 1, load_cycles=load, **counts)
        self.passes.append(one)
        if load:
            self.actions.append(Action("load", len(self.passes) - 1, 0))
        self.actions.append(Action("run", len(self.passes) - 1, 1))
        return self

    def drained(self) -> CoreSketch:
        """Wait for the drain of the last pass."""
        self.actions.append(Action("drained", len(self.passes) - 1, 1))
        return self

    def start(self, size: int, source: str = "ddr_const", target: str = "l1", what: str = "t") -> CoreSketch:
        """Start a transfer."""
        self.transfers.append(Transfer(what, source, target, size, 1))
        self.actions.append(Action("start", len(self.transfers) - 1, 1))
        return self

    def wait(self, number: int = -1) -> CoreSketch:
        """Wait for a transfer, by default the last that was started."""
        self.actions.append(Action("await", number % len(self.transfers), 1))
        return self

    def fetch(self, size: int, source: str = "ddr_const", target: str = "l1", what: str = "t") -> CoreSketch:
        """Start a transfer and wait for it."""
        return self.start(size, source, target, what).wait()

    def core(self) -> CoreProgram:
        """Return the program."""
        return CoreProgram(
            self.name, tuple(self.passes), tuple(self.transfers), (Step(tuple(self.actions)),), {}, 0, ()
        )


def working(cycles: int, unit: str = "array", **counts: Any) -> CoreProgram:
    """Return a program of a single pass that nobody waits for."""
    return CoreSketch().work(cycles, unit, **counts).core()
