"""What remains of a recording, as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from axemu.chip import GIB
from axemu.emulator.watching import BoardSnapshot, InstanceSnapshot, Snapshot
from axemu.monitor._course import Course, courses


def markdown(snapshots: Iterable[Snapshot]) -> str:
    """Return the summary of a recording as Markdown."""
    parts = [
        "# Boards, watched",
        "Every time, rate and temperature is simulated, in the boards' own seconds.",
    ]
    found = courses(snapshots)
    for course in found:
        parts += _section(course)
    if not found:
        parts.append("No program ran frames on emulated boards.")
    return "\n\n".join(parts) + "\n"


def _section(course: Course) -> Iterator[str]:
    last = course.last
    yield f"## {_cell(last.program)} (process {last.pid})"
    yield (
        f"Pace {last.pace}; {'ended' if last.ended else 'still running'} after {last.elapsed_s:.3f} s of board time and "
        f"{last.at - course.first_at:.1f} s of watching; {course.snapshots} snapshots; {last.threads} calling threads; timing model "
        f"{_cell(last.model_version)}, calibration {_cell(last.calibration_id)}."
    )
    yield _rows(
        ("instance", "board", "cores", "frames", "FPS", "p50 ms", "p99 ms"),
        (_instance(one, last.elapsed_s) for one in last.instances),
    )
    yield _rows(
        (
            "board",
            "cores busy",
            "DDR busy",
            "moved through DDR",
            "power",
            "hottest",
            "limits at the end",
            "faults",
        ),
        (_board(board, course) for board in last.boards),
    )
    if course.events:
        lines = [f"- {moment:.3f} s: {_cell(event)}" for moment, event in course.events]
        lines += [f"- and {course.more_events} more"] if course.more_events else []
        yield "\n".join(lines)


def _instance(one: InstanceSnapshot, elapsed: float) -> tuple[str, ...]:
    p50, p99 = (f"{value:.3f}" for value in one.latency_ms) if one.latency_ms else ("-", "-")
    rate = one.frames / elapsed if elapsed else 0.0
    cores = ", ".join(map(str, one.cores))
    return f"{one.id} {one.model}", one.board, cores, str(one.frames), f"{rate:.1f}", p50, p99


def _board(board: BoardSnapshot, course: Course) -> tuple[str, ...]:
    elapsed = course.last.elapsed_s

    def share(busy: float) -> str:
        return f"{busy / elapsed:.1%}" if elapsed else "-"

    ddr = board.channels.get("ddr")
    heat = board.heat
    return (
        f"{board.name} ({board.board})",
        ", ".join(share(core.busy_s) for core in board.cores),
        share(ddr.busy_s) if ddr else "-",
        f"{ddr.bytes_moved / GIB:.3f} GiB" if ddr else "-",
        f"{heat.power_w:.1f} W" if heat else "-",
        f"{course.hottest[board.name]:.0f} °C" if heat else "-",
        ", ".join(board.limits) or "none",
        ", ".join(f"{kind} {count}" for kind, count in board.faults.items()) or "none",
    )


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(map(_cell, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    """Keep Markdown and HTML out of names."""
    for letter in "\\`*_[]<>|":
        text = text.replace(letter, f"\\{letter}")
    return text
