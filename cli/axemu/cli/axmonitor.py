"""`axmonitor`, `axemu monitor`: watches the emulated boards of running programs, records, replays, sums up."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axemu.cli._errors import exit_on_error, require, start
from axemu.cli._options import AsJson, Version
from axemu.cli._terminal import columns
from axemu.driver import InvalidArgument, Scratch, path_errors

if TYPE_CHECKING:
    from rich.console import RenderableType

    from axemu.emulator.watching import Snapshot, Watcher
    from axemu.monitor import Rates, Recorder
    from axemu.monitor.screen import Source

UNFOLDED = 1000
"""Columns where nobody looks."""
LOOK_SECONDS = 0.5
LONGEST = 7 * 86_400
PATIENCE = 3.0
"""Seconds that a single look waits for programs that hold cores to tell."""

app = typer.Typer(pretty_exceptions_enable=False)


@app.command("monitor")
def monitor(
    *,
    once: Annotated[bool, typer.Option("--once", help="Print what there is now, and end.")] = False,
    record: Annotated[
        bool,
        typer.Option("--record", help="Also write snapshots into the data file, which must not exist yet."),
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Show the data file in place of running boards.")
    ] = False,
    data_file: Annotated[Path, typer.Option(help="JSON lines, for --record, --replay and --summary.")] = Path(
        "axmonitor.data"
    ),
    summary: Annotated[
        Path | None,
        typer.Option(metavar="FILE.md|FILE.svg|-", help="Sum the data file up, after --record or as it is."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, max=LONGEST, help="No screen; end after so many seconds.")
    ] = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="No screen; end when every program that was seen has ended.")
    ] = False,
    as_json: AsJson = False,
    version: Version = False,  # noqa: ARG001
) -> None:
    """Watch the emulated boards of running programs: cores, clocks, limits, heat, DDR, link, rates and latencies.

    Every figure is simulated. In the pace `realtime` figures are live; in `virtual` they are of simulated time, as of a replay
    now and then. JSON comes as a line per snapshot. The screen needs textual: pip install 'axemu[monitor]'. Without a terminal it prints once, as with --once.
    """
    with exit_on_error("axmonitor"):
        if record and replay:
            raise typer.BadParameter("--record and --replay exclude each other")
        if summary is not None and summary.suffix not in (".md", ".svg") and str(summary) != "-":
            raise typer.BadParameter(
                f"--summary {summary}: name a file .md or .svg, or - for Markdown on stdout"
            )
        if summary is not None and summary.suffix == ".svg":
            require("axmonitor", "report", "matplotlib")
        on_terminal = _on_terminal()
        if replay or (summary is not None and not record):
            if summary is None:
                _replay(data_file, as_json, on_terminal and not once)
        else:
            follow = bool(as_json or record or until_end or seconds is not None)
            screen = on_terminal and not (once or as_json or until_end or seconds is not None)
            if screen:
                _require_screen()
            with _watching(data_file if record else None) as (watcher, recorder):
                if screen:
                    _show_live(watcher, recorder)
                elif follow and not once:
                    _follow(watcher, recorder, as_json, seconds, until_end)
                else:
                    _look_once(watcher, recorder, as_json)
        if summary is not None:
            _sum_up(data_file, summary)


def _on_terminal() -> bool:
    return sys.stdout.isatty()


def _replay(path: Path, as_json: bool, screen: bool) -> None:
    from axemu.monitor import Replay, draw, read_recording  # noqa: PLC0415  each way imports what it needs

    if as_json:
        for snapshot in read_recording(path):
            print(snapshot.model_dump_json())
        return
    replay = Replay(read_recording(path), str(path))
    if screen:
        _require_screen()
        from axemu.monitor.screen import Replayed  # noqa: PLC0415

        _show(Replayed(replay))
    else:
        last = replay.moments[-1]
        _print(draw(replay.at(last), {}, last, _width()))


@contextlib.contextmanager
def _watching(path: Path | None) -> Iterator[tuple[Watcher, Recorder | None]]:
    from axemu.emulator.watching import Watcher  # noqa: PLC0415
    from axemu.monitor import Recorder  # noqa: PLC0415

    with Watcher() as watcher:
        if path is None:
            yield watcher, None
            return
        with Recorder(path) as recorder:
            yield watcher, recorder
        print(f"axmonitor: {recorder.count} snapshots in {path}", file=sys.stderr)


def _show_live(watcher: Watcher, recorder: Recorder | None) -> None:
    from axemu.monitor.screen import Live  # noqa: PLC0415

    _show(Live(watcher, recorder))


def _require_screen() -> None:
    require("axmonitor", "monitor", "textual")


def _show(source: Source) -> None:
    from axemu.monitor.screen import MonitorApp  # noqa: PLC0415

    failure = MonitorApp(source).run()
    if failure is not None:
        raise failure


def _look_once(watcher: Watcher, recorder: Recorder | None, as_json: bool) -> None:
    """Print what there is as soon as every program that holds cores has told, or has had the time to."""
    from axemu.monitor import Tracks, draw  # noqa: PLC0415

    end = time.monotonic() + PATIENCE
    while True:
        snapshots, held = watcher.look(), watcher.held()
        silent = {holder.pid for holders in held.values() for holder in holders} - {
            one.pid for one in snapshots
        }
        if not silent or time.monotonic() >= end:
            break
        time.sleep(LOOK_SECONDS)
    if recorder is not None:
        recorder.take(snapshots)
    if as_json:
        _tell(snapshots)
    else:
        _print(draw(Tracks().follow(snapshots), held, time.time(), _width()))


def _follow(
    watcher: Watcher, recorder: Recorder | None, as_json: bool, seconds: float | None, until_end: bool
) -> None:
    """Look on until the time is over, all has ended, or somebody interrupts; then print what was seen last."""
    from axemu.monitor import Tracks, draw  # noqa: PLC0415

    begin = time.monotonic()
    tracks = Tracks()
    last: dict[tuple[int, int], Rates] = {}
    told: dict[tuple[int, int], float] = {}
    with contextlib.suppress(KeyboardInterrupt):
        while seconds is None or time.monotonic() - begin < seconds:
            snapshots = watcher.look()
            if recorder is not None:
                recorder.take(snapshots)
            if as_json:
                _tell([one for one in snapshots if told.get(one.source) != one.at])
            told |= {one.source: one.at for one in snapshots}
            last |= {one.snapshot.source: one for one in tracks.follow(snapshots)}
            if until_end and last and all(one.snapshot.ended for one in last.values()):
                break
            time.sleep(LOOK_SECONDS)
    if not as_json:
        _print(draw(last.values(), {}, time.time(), _width()))


def _tell(snapshots: Sequence[Snapshot]) -> None:
    for one in snapshots:
        print(one.model_dump_json(), flush=True)


def _width() -> int:
    return columns() or UNFOLDED


def _print(what: RenderableType) -> None:
    from rich.console import Console  # noqa: PLC0415  slow to import

    Console(width=_width(), highlight=False).print(what)


def _sum_up(data: Path, target: Path) -> None:
    from axemu.monitor import markdown, read_recording, write_svg  # noqa: PLC0415

    if target.suffix == ".svg":
        write_svg(read_recording(data), target)
        return
    text = markdown(read_recording(data))
    if str(target) == "-":
        print(text, end="")
        return
    with (
        path_errors(InvalidArgument, target, "cannot be written"),
        Scratch(f".{target.name[:40]}.axemu-", target.parent) as folder,
    ):
        (folder / "summary.md").write_text(text, encoding="utf-8")
        (folder / "summary.md").replace(target)


def main() -> None:
    """Run the command."""
    start(app)


if __name__ == "__main__":
    main()
