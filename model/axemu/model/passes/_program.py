"""The types of a core's program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verb = Literal["start", "await", "load", "run", "drained"]
"""What the control core does: start a transfer, wait for it, load the array for a pass, run the pass, wait for its drain."""


@dataclass(frozen=True, slots=True)
class Units:
    """Cycles each unit of a core is busy in a pass, at one word, one vector or adder instruction per cycle.

    `feed` and `second` read words from L1 (the second operand and vector constants), `array` takes 8 cycles per
    instruction, `adder` sums and takes maxima, `vector` rescales and looks up, `drain` writes words to L1.
    `depthwise` is a path of its own.
    """

    feed: int = 0
    array: int = 0
    adder: int = 0
    second: int = 0
    vector: int = 0
    drain: int = 0
    depthwise: int = 0

    @property
    def cycles(self) -> int:
        """Cycles of the busiest unit: all units of a pass stream at once."""
        return max(self.feed, self.array, self.adder, self.second, self.vector, self.drain, self.depthwise)

    @property
    def busiest(self) -> tuple[str, ...]:
        """Names of the units that are busy for all of `cycles`."""
        return tuple(name for name in Units.__slots__ if self.cycles and getattr(self, name) == self.cycles)


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows `first` to `first + rows` of an operator's output, number `index` of `count`."""

    index: int
    count: int
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class Pass:
    """One drain of the matrix path and all that feeds it.

    `weight_bytes`, `load_cycles` and `load_commands` are those of the weight tensor that is loaded into the array before
    the pass; 0 where the array holds it already or is passed through. `copies` is the in-core replication,
    `instructions` how many array instructions a group of `copies` pixels takes. `constant_words` are words of vector
    constants that the pass reads. `waits` tells that the control core waits for the drain; otherwise the pass hands
    over to the next one in hardware. `lookups` are those of the vector unit's instructions that read a table, `products`
    those that multiply two maps. `gathers` are words times taps of a window that hangs over the edge of its map, `macs`
    useful multiply-accumulates.
    """

    layer: str
    role: str
    tile: Tile
    units: Units
    input_words: int
    output_words: int
    copies: int = 0
    instructions: int = 0
    weight_bytes: int = 0
    load_cycles: int = 0
    load_commands: int = 0
    constant_words: int = 0
    lookups: int = 0
    products: int = 0
    gathers: int = 0
    macs: int = 0
    commands: int = 0
    tokens: int = 0
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """One DMA transfer between pools (`ddr_input`, `ddr_const`, `ddr`, `l2_const`, `l2`, `l1`, `ddr_output`).

    `starts` is the number of DMA starts it is split into. `beside_compute` tells that some pass is in flight between its
    start and the wait for it.
    """

    what: str
    source: str
    target: str
    size: int
    starts: int
    beside_compute: bool = False

    @property
    def route(self) -> str:
        """Source and target, such as `ddr_const>l1`."""
        return f"{self.source}>{self.target}"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the control core does; `index` counts passes, or transfers for `start` and `await`.

    `tasks` are the entries of the task list it takes: DMA starts, waits for DMA, commands, waits for units, loads of
    instructions.
    """

    verb: Verb
    index: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Step:
    """What happens up to the point where the control core has waited for a drain."""

    actions: tuple[Action, ...]

    @property
    def tasks(self) -> int:
        """Entries of the task list."""
        return sum(action.tasks for action in self.actions)


@dataclass(frozen=True, slots=True)
class CoreProgram:
    """The program of one core for one call.

    `pools` are bytes per memory pool, `task_list` those of the list of tasks itself. `inferred` names the rules in use that no decoded program shows.
    """

    name: str
    passes: tuple[Pass, ...]
    transfers: tuple[Transfer, ...]
    steps: tuple[Step, ...]
    pools: dict[str, int]
    task_list: int
    inferred: tuple[str, ...]
