"""What a core executes for one call, as the vendor's compiler writes it: passes, transfers and the steps they make.

Counts, never times: words of 64 bytes through each unit, bytes by route, and the order in which the control core starts
and waits. `docs/explanation/programs.md` says how to read one.
"""

from axemu.model.passes._program import Action, CoreProgram, Pass, Step, Tile, Transfer, Units, Verb
from axemu.model.passes._totals import Totals, add_units, totals_of

__all__ = [
    "Action",
    "CoreProgram",
    "Pass",
    "Step",
    "Tile",
    "Totals",
    "Transfer",
    "Units",
    "Verb",
    "add_units",
    "totals_of",
]
