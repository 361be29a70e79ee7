"""The task list as it grows: transfers, passes, waits, steps (R17)."""

from __future__ import annotations

from dataclasses import replace

from axelera.compiler.planning.passes._operator import Operator
from axemu.chip import ProgramFigures
from axemu.model.passes import Action, Pass, Step, Transfer, Verb


class Writer:
    """Collects what the control core does. A step ends when it has waited for a drain."""

    def __init__(self, figures: ProgramFigures) -> None:
        self._figures = figures
        self.passes: list[Pass] = []
        self.transfers: list[Transfer] = []
        self.steps: list[Step] = []
        self._actions: list[Action] = []
        self._instructions = int(figures.instruction_memories)
        self._in_flight = False
        self._open: set[int] = set()

    def start(self, what: str, source: str, target: str, size: int) -> int | None:
        """Start a transfer and return its number; None if there is nothing to move."""
        if not size:
            return None
        starts = self._starts(size)
        self.transfers.append(Transfer(what, source, target, size, starts, self._in_flight))
        number = len(self.transfers) - 1
        self._open.add(number)
        self._act("start", number, starts)
        return number

    def _starts(self, size: int) -> int:
        """R17 (verified up to 1.6 MB): halves on two channels from 64 KiB on, a start per three items of 512 KiB."""
        figures = self._figures
        if size < int(figures.dma_split):
            return 1
        return 2 * -(-size // (2 * int(figures.dma_items) * int(figures.dma_item)))

    def wait(self, *numbers: int | None) -> None:
        """Wait for transfers."""
        for number in numbers:
            if number is not None and number in self._open:
                self._open.remove(number)
                self._act("await", number, self.transfers[number].starts)

    def move(self, what: str, source: str, target: str, size: int) -> None:
        """Start a transfer and wait for it."""
        self.wait(self.start(what, source, target, size))

    def load(self, *, waited: bool) -> None:
        """Load the array for the pass that comes next."""
        self._act("load", len(self.passes), int(waited))

    def run(self, one: Pass) -> None:
        """Run a pass and, if it says so, remember to wait for its drain."""
        self.passes.append(one)
        self._act("run", len(self.passes) - 1, 2 * one.load_commands + one.commands + one.tokens)
        self._in_flight = True
        for number in self._open:
            self.transfers[number] = replace(self.transfers[number], beside_compute=True)

    def drained(self) -> None:
        """Wait for the drain of the last pass; a step ends here."""
        self._act("drained", len(self.passes) - 1, 1)
        self._in_flight = False
        self._close()

    def finish(self) -> None:
        """End the program."""
        if self._actions:
            self._close()

    def _close(self) -> None:
        self.steps.append(Step(tuple(self._actions)))
        self._actions = []

    def _act(self, verb: Verb, number: int, tasks: int) -> None:
        self._actions.append(Action(verb, number, tasks + self._instructions))
        self._instructions = 0  # loaded with the first thing that is done


def loading_is_waited_for(operator: Operator, tiles: int) -> bool:
    """R17 (verified): the array is loaded before anything else of a tiled operator, or of one with a residual."""
    return tiles > 1 or operator.stalls
