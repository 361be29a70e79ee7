"""How boards look: one drawing, for the screen and for plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from axemu.chip import GIB
from axemu.driver import Holder
from axemu.emulator.watching import BoardSnapshot, Snapshot
from axemu.monitor._track import Rates

NARROWEST = 80
BAR = 16
BLOCKS = " ▁▂▃▄▅▆▇█"
CURVE = 8
"""Rates that a curve shows."""


def draw(
    rates: Iterable[Rates], held: Mapping[str, Sequence[Holder]], now: float, width: int = NARROWEST
) -> RenderableType:
    """Return all contexts, and boards that are held without figures.

    Args:
        rates: the contexts.
        held: who holds cores of which board.
        now: the wall clock in seconds since 1970.
        width: columns; names are cut to leave room for the figures.
    """
    more = max(0, width - NARROWEST)
    parts: list[RenderableType] = []
    told: set[tuple[str, int]] = set()
    for one in rates:
        parts += [*_context(one, now, more), Text()]
        told |= {(board.name, one.snapshot.pid) for board in one.snapshot.boards}
    for board, holders in held.items():
        for holder in holders:
            if (board, holder.pid) not in told:
                parts.append(Text(f"{board}: {holder}; no figures yet, they come with its next frame", "dim"))
    return Group(*parts) if parts else Text("No program holds an emulated board.", "dim")


def headline(snapshot: Snapshot, now: float, room: int) -> str:
    """Say whose figures these are, of which time, and how old."""
    age = max(0.0, now - snapshot.at)
    if snapshot.ended:
        state = f"{snapshot.pace}, ended"
    elif snapshot.pace == "realtime":
        state = "realtime, live" if age <= 2 * snapshot.every else f"realtime, {age:.0f} s old"
    else:
        state = f"virtual, replayed {age:.0f} s ago"
    return f"{_cut(snapshot.program, room)} ({snapshot.pid}) · {snapshot.elapsed_s:.3f} s of board time · {state}"


def _context(rates: Rates, now: float, more: int) -> list[RenderableType]:
    snapshot = rates.snapshot
    parts: list[RenderableType] = [Text(headline(snapshot, now, 12 + more), "bold")]
    for board in snapshot.boards:
        parts += _board(rates, board, 32 + more)
    if snapshot.instances:
        parts.append(_instances(rates, 18 + more))
    if snapshot.left_out:
        parts.append(Text(f"{snapshot.left_out} instances more", "dim"))
    return parts


def _board(rates: Rates, board: BoardSnapshot, room: int) -> list[RenderableType]:
    memory = f"held: DDR {_size(board.ddr_held)} of {_size(board.memory_bytes)}, L2 {_size(board.l2_held)}"
    title = Text.assemble((board.name, "bold cyan"), f"  {board.board}, {board.host}  ", (memory, "dim"))
    if not board.answers:
        title.append("  does not answer", "bold red")
    table = _table(
        ("core", "left"),
        ("MHz", "right"),
        ("MVM", "right"),
        ("busy", "left"),
        ("", "right"),
        ("held by", "left"),
    )
    for number, core in enumerate(board.cores):
        share = rates.shares[board.name, f"core{number}"]
        table.add_row(
            str(number),
            str(core.clock_mhz),
            f"{core.mvm_percent}%",
            _bar(share),
            f"{share:.1%}",
            _cut(core.held_by, room) or "-",
        )
    for unit in board.channels:
        share = rates.shares[board.name, unit]
        speed = f"{rates.bytes_per_second[board.name, unit] / 1e9:.2f} GB/s"
        table.add_row(unit.replace("_", " "), "", "", _bar(share), f"{share:.1%}", speed)
    return [title, table, *_condition(board)]


def _condition(board: BoardSnapshot) -> list[RenderableType]:
    words = Text.assemble(("heat ", "dim"))
    if board.heat is None:
        words.append("not asked for (cooling in the configuration)", "dim")
    else:
        words.append(
            f"{board.heat.power_w:.1f} W, {board.heat.temperature_c:.0f} °C, {board.heat.settled_c:.0f} °C in the long run"
        )
        words.append(" (order of magnitude)", "dim")
    words.append("  limits ", "dim")
    words.append(", ".join(board.limits) or "none", "bold red" if board.limits else "")
    if board.faults:
        words.append("  faults ", "dim")
        words.append(", ".join(f"{kind} {count}" for kind, count in board.faults.items()), "red")
    return [words]


def _instances(rates: Rates, room: int) -> Table:
    table = _table(
        ("instance", "left"), ("cores", "left"), ("FPS", "right"), ("", "left"), ("mean", "right"), ("p50 ms", "right"),
        ("p99 ms", "right"), ("frames", "right"),
    )  # fmt: skip
    boards = {board.name: place for place, board in enumerate(rates.snapshot.boards)}
    for one in rates.snapshot.instances:
        where = _range(one.cores) + "*" * one.double_buffer
        if len(boards) > 1:
            where = f"{boards.get(one.board, '?')}:{where}"
        p50, p99 = (f"{value:.3f}" for value in one.recent_ms) if one.recent_ms else ("-", "-")
        table.add_row(
            _cut(f"{one.id} {one.model}", room), where, f"{rates.fps[one.id]:.1f}", curve(rates.history[one.id]),
            f"{rates.mean_fps[one.id]:.1f}", p50, p99, str(one.frames), style="" if one.loaded else "dim",
        )  # fmt: skip
    return table


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for title, side in columns:
        table.add_column(
            title, justify="right" if side == "right" else "left", no_wrap=True, overflow="ellipsis"
        )
    return table


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _range(cores: Sequence[int]) -> str:
    """Write neighbours as a range."""
    if len(cores) > 2 and list(cores) == list(range(cores[0], cores[-1] + 1)):
        return f"{cores[0]}-{cores[-1]}"
    return ",".join(map(str, cores))


def _size(amount: int) -> str:
    return f"{amount / GIB:.1f} GiB" if amount >= GIB else f"{amount / (1 << 20):.1f} MiB"


def _bar(share: float) -> Text:
    full = round(min(1.0, share) * BAR)
    return Text.assemble(("█" * full, "green" if share < 0.9 else "yellow"), ("·" * (BAR - full), "dim"))


def curve(rates: Sequence[float]) -> str:
    """Draw the last rates as blocks, the highest one full."""
    shown = rates[-CURVE:]
    most = max(shown, default=0.0)
    return "".join(BLOCKS[round(rate / most * 8)] if most else BLOCKS[1] for rate in shown).ljust(CURVE)
