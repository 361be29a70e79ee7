"""What remains of a recording, as curves over board time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from axemu.driver import InvalidArgument, NotImplemented, Scratch, path_errors  # noqa: A004
from axemu.emulator.watching import Snapshot
from axemu.monitor._course import Course, courses

Curves = dict[str, list[tuple[float, float]]]


def write_svg(snapshots: Iterable[Snapshot], path: Path) -> None:
    """Draw rates, latencies, use and temperature over board time, a column per context.

    Raises:
        NotImplemented: matplotlib is not installed.
        InvalidArgument: the file cannot be written, or there is nothing to draw.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415  an optional dependency
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ModuleNotFoundError as error:
        message = "a summary as SVG needs the package matplotlib: pip install 'axemu[report]'"
        raise NotImplemented(message) from error  # noqa: F901  the documented error, not the built-in constant
    found = [course for course in courses(snapshots) if course.fps]
    if not found:
        raise InvalidArgument(f"nothing to draw in {path}: no program ran frames while it was watched")
    figure = Figure(figsize=(7 * len(found), 10), layout="constrained")
    axes = figure.subplots(4, len(found), squeeze=False, sharex="col")
    for column, course in enumerate(found):
        for row, (label, curves) in enumerate(_panels(course).items()):
            panel = axes[row][column]
            for name, points in curves.items():
                panel.plot(*zip(*points, strict=True), label=_plain(name), marker=".", linewidth=1)
            panel.set_ylabel(label)
            if label != "°C":
                panel.set_ylim(bottom=0)
            panel.grid(alpha=0.3)
            if 0 < len(curves) <= 12:
                panel.legend(fontsize="x-small")
        title = f"{course.last.program} (process {course.last.pid}), simulated"
        axes[0][column].set_title(_plain(title), fontsize="medium")
        axes[-1][column].set_xlabel("board time, s")
    with (
        path_errors(InvalidArgument, path, "cannot be written"),
        Scratch(f".{path.name[:40]}.axemu-", path.parent) as folder,
        mpl.rc_context({"svg.hashsalt": "axemu"}),
    ):
        figure.savefig(folder / "summary.svg", metadata={"Date": None})
        (folder / "summary.svg").replace(path)


def _panels(course: Course) -> dict[str, Curves]:
    names = {one.id: f"{one.id} {one.model}" for one in course.last.instances}
    busy = {
        f"{board} {unit}": [(moment, 100 * share) for moment, share in points]
        for (board, unit), points in course.shares.items()
        if any(share for _, share in points)
    }
    panels: dict[str, Curves] = {
        "FPS": {names.get(key, str(key)): points for key, points in course.fps.items()},
        "p99 ms": {names.get(key, str(key)): points for key, points in course.p99.items()},
        "busy %": busy,
    }
    if course.celsius:
        panels["°C"] = course.celsius
    return panels


def _plain(text: str) -> str:
    """Keep matplotlib from reading formulas."""
    return text.replace("$", r"\$")
