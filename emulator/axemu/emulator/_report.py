"""Reports of a context: a JSON document and its text, for any program, without changing it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from axemu.chip import TICKS_PER_SECOND
from axemu.driver import InvalidConfiguration, NotImplemented, Scratch, note, path_errors  # noqa: A004
from axemu.emulator._boards import EmulatedBoard
from axemu.emulator._configuration import EmulatorOptions, user_file
from axemu.emulator._handles import EmulatedInstance
from axemu.emulator._recording import Recording
from axemu.emulator._timing import Frames, Ticks, seconds
from axemu.emulator.metis import LIMITS, bound_of, host_seconds, write_trace

REPORT_VERSION = 2
QUANTILES = 101
FIRST_CALLS = 200
"""Of each instance that a report tells one by one."""


def report(recording: Recording) -> dict[str, Any]:
    """Return the report of a recording as JSON values; times in seconds unless the key says otherwise."""
    timeline = recording.record.timeline
    elapsed = recording.record.elapsed
    return {
        "report_version": REPORT_VERSION,
        "simulated": True,
        "model_version": timeline.model_version,
        "calibration_id": recording.calibration.identity,
        "provenance": recording.provenance.value,
        "pace": recording.options.pace,
        "numerics": recording.options.numerics,
        "values": "computed" if recording.options.computes else "not computed",
        "configuration": list(recording.sources) or ["defaults"],
        "program": Path(sys.argv[0]).name if sys.argv else "",
        "elapsed": seconds(elapsed),
        "threads": recording.record.threads,
        "declared_dependencies": recording.record.declared,
        "inferred_dependencies": recording.record.inferred,
        "inferred_from": list(recording.record.ways),
        "shared_queues": recording.record.shared_queues,
        "pace_remarks": dict(recording.remarks),
        "faults": [
            {"board": board, "kind": kind, "count": count}
            for (board, kind), count in sorted(recording.faults.items())
        ],
        "boards": [
            {
                "name": board.name,
                "board": board.figures.name,
                "host": board.host.name,
                "memory_bytes": board.memory,
                "utilisation": {
                    unit.removeprefix(f"board{board.index}."): _share(ticks, elapsed)
                    for unit, ticks in sorted(timeline.busy.items())
                    if unit.startswith(f"board{board.index}.")
                },
                "core_utilisation": {
                    unit.removeprefix(f"board{board.index}."): _share(ticks, elapsed)
                    for unit, ticks in sorted(timeline.unit_ticks.items())
                    if unit.startswith(f"board{board.index}.") and ticks
                },
                "bytes_moved": {
                    unit.removeprefix(f"board{board.index}."): amount
                    for unit, amount in sorted(timeline.bytes_moved.items())
                    if unit.startswith(f"board{board.index}.")
                },
                **_heat(recording, board),
            }
            for board in recording.boards
        ],
        "total": _total(recording),
        "streams": [
            {
                "calls": stream.count,
                "calls_per_second": stream.count / seconds(stream.elapsed) if stream.elapsed else 0.0,
                **_percentiles(stream.host, "call"),
            }
            for stream in recording.record.streams
        ],
        "instances": [
            _instance(recording, instance, recording.record.frames[instance.spec.id])
            for instance in recording.instances
        ],
    }


def _heat(recording: Recording, board: EmulatedBoard) -> dict[str, Any]:
    """Say how warm a board became, if heat is not left out."""
    heat = recording.heat(board)
    if heat is None:
        return {}
    return {
        "heat": {
            "certainty": "order of magnitude",
            "power_w": round(heat.watts, 3),
            "temperature_c": round(heat.temperature, 2),
            "settled_c": round(heat.settled, 2),
            "core_temps": [round(sensor, 2) for sensor in heat.core_temps],
            "limits": {name: name in heat.limits for name in LIMITS},
        }
    }


def _total(recording: Recording) -> dict[str, Any]:
    """Return what all instances did together, from the first arrival to the last completion."""
    used = [
        (instance.model.batch, frames)
        for instance in recording.instances
        if (frames := recording.record.frames[instance.spec.id]).count
    ]
    images = sum(batch * frames.count for batch, frames in used)
    latency = np.concatenate([np.empty(0, np.int64), *(frames.latency for _, frames in used)])
    first = min((int(frames.arrival[0]) for _, frames in used), default=0)
    last = max((int(frames.completion[-1]) for _, frames in used), default=0)
    return {
        "calls": sum(frames.count for _, frames in used),
        "frames": images,
        "fps": images / seconds(last - first) if last > first else 0.0,
        **_percentiles(latency, "latency"),
    }


def _percentiles(ticks: Ticks, what: str) -> dict[str, float | None]:
    """Return median and 99th percentile in milliseconds; None when there is nothing."""
    return {
        f"{what}_p{share}_ms": seconds(np.percentile(ticks, share)) * 1e3 if ticks.size else None
        for share in (50, 99)
    }


def _instance(recording: Recording, instance: EmulatedInstance, frames: Frames) -> dict[str, Any]:
    spec, board = instance.spec, instance.connection.board
    images = frames.count * instance.model.batch
    parts = _parts(recording, instance, frames)
    return {
        "id": spec.id,
        "model": instance.model.name,
        "board": board.name,
        "cores": list(spec.cores),
        "batch": instance.model.batch,
        "double_buffer": spec.double_buffer,
        "calls": frames.count,
        "frames": images,
        "fps": images / seconds(frames.elapsed) if frames.elapsed else 0.0,
        **_percentiles(frames.latency, "latency"),
        "latency_quantiles_ms": _quantiles(frames.latency),
        "first_calls_ms": _first(frames),
        "bound_by": bound_of(parts) if parts else None,
        "microseconds_per_call": {part: round(seconds(ticks) * 1e6, 3) for part, ticks in parts.items()},
    }


def _quantiles(ticks: Ticks) -> list[float]:
    """Return the shares from 0 to 1 in hundredths, in milliseconds; nothing when there is nothing."""
    if not ticks.size:
        return []
    return [round(seconds(mark) * 1e3, 6) for mark in np.quantile(ticks, np.linspace(0, 1, QUANTILES))]


def _first(frames: Frames) -> list[list[float]]:
    """Return arrival, begin and end of the execution, and completion of the first calls, in milliseconds."""
    times = (frames.arrival, frames.began, frames.began + frames.device, frames.completion)
    rows = np.stack([one[:FIRST_CALLS] for one in times], axis=1) / TICKS_PER_SECOND * 1e3
    return [[round(float(time), 6) for time in row] for row in rows]


def _parts(recording: Recording, instance: EmulatedInstance, frames: Frames) -> dict[str, float]:
    """Say where the time of a mean call goes, in ticks.

    What the core does is counted per core, so it is a mean over all instances there; `waiting` is for a core, a link or
    another call of the instance.
    """
    spec, emulated = instance.spec, instance.connection.board
    prefix = f"board{emulated.index}.core{spec.cores[0]}."
    executions = sum(
        recording.record.frames[other.spec.id].executed.size
        for other in recording.instances
        if other.spec.board == spec.board and spec.cores[0] in other.spec.cores
    )
    if not executions:
        return {}
    host, link = emulated.host, emulated.figures.link_bandwidth.value
    parts = {
        unit.removeprefix(prefix): ticks / executions
        for unit, ticks in recording.record.timeline.unit_ticks.items()
        if unit.startswith(prefix)
    }
    copied = spec.input_bytes + spec.output_bytes
    parts["host"] = TICKS_PER_SECOND * (host_seconds(host, copied) + host.gap.value)
    parts["link"] = TICKS_PER_SECOND * copied / link
    if not spec.double_buffer:
        parts["link"] += TICKS_PER_SECOND * 2 * host.copy_setup.value
    period = float(frames.host.mean()) + TICKS_PER_SECOND * host.gap.value
    parts["waiting"] = max(0.0, period - sum(parts.values()))
    return parts


def _share(ticks: int, elapsed: int) -> float:
    return round(ticks / elapsed, 6) if elapsed else 0.0


def text(document: Mapping[str, Any], columns: int | None = None) -> str:
    """Return a report as lines for people, folded to `columns` if there are any.

    Raises:
        KeyError: `document` is no report.
    """
    facts = [
        (
            f"simulated by timing model {document['model_version']}, calibration {document['calibration_id']}; "
            f"weakest figure: {document['provenance']}; pace {document['pace']}; values {document['values']}"
        ),
        (
            f"{document['elapsed']:.6f} s of board time, {document['threads']} calling thread(s), "
            f"{document['declared_dependencies']} declared dependencies"
        ),
    ]
    if document["pace"] == "virtual" and document["threads"] > 1:
        facts.append(_inferred(document))
    facts += [f"{name}: {value:.3f}" for name, value in document["pace_remarks"].items()]
    facts += [f"fault {one['kind']} on {one['board']}: {one['count']} times" for one in document["faults"]]
    after = []
    if any(entry["double_buffer"] for entry in document["instances"]):
        after.append(
            "* double-buffered: latency is from submitting a frame to holding its result, two calls later"
        )
    for board in document["boards"]:
        used = {unit: share for unit, share in board["utilisation"].items() if share}
        if used:
            shares = ", ".join(f"{unit} {share:.1%}" for unit, share in used.items())
            after.append(f"{board['name']} ({board['board']}, {board['host']}) busy: {shares}")
        if heat := board.get("heat"):
            biting = [name for name, bites in heat["limits"].items() if bites]
            after.append(
                f"{board['name']} heat (order of magnitude): {heat['power_w']:.1f} W, {heat['temperature_c']:.0f} °C at the end, "
                f"{heat['settled_c']:.0f} °C in the long run"
                + (f"; a card would have throttled: {', '.join(biting)}" if biting else "")
            )
    tables = _table(document["instances"], document["total"])
    if len(document["streams"]) != len(document["instances"]):
        tables += ["", *_stream_table(document["streams"])]
    return "\n".join([*_folded(facts, columns), "", *tables, *_folded(after, columns)])


def _inferred(document: Mapping[str, Any]) -> str:
    """Say what is known of the order between threads."""
    found = document.get("inferred_dependencies", 0)
    if not found:
        return "no thread was seen to wait for a frame of another"
    shared = document["shared_queues"]
    pools = f"; {shared} queue(s) shared by several threads: whoever is free takes the next item" * bool(
        shared
    )
    return f"order between threads: {found} frames waited for another thread's, through {', '.join(document['inferred_from'])}{pools}"


HEAD = ("instance", "board", "cores", "frames", "FPS", "p50 ms", "p99 ms", "bound by")
LEFT = (0, 1, 2, 7)
"""Columns of words."""


def _table(instances: Sequence[Mapping[str, Any]], total: Mapping[str, Any]) -> list[str]:
    """Return a line per instance and one for all."""
    rows = [HEAD]
    for entry in instances:
        cores = ",".join(str(core) for core in entry["cores"]) + ("*" if entry["double_buffer"] else "")
        label = f"{entry['id']} {entry['model']}"
        rows.append((label, entry["board"], cores, *_figures(entry), entry["bound_by"] or "-"))
    return _aligned([*rows, ("total", "", "", *_figures(total), "")], LEFT)


def _figures(entry: Mapping[str, Any]) -> tuple[str, ...]:
    p50, p99 = (_milliseconds(entry[key]) for key in ("latency_p50_ms", "latency_p99_ms"))
    return str(entry["frames"]), f"{entry['fps']:.1f}", p50, p99


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _stream_table(streams: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line per calling thread."""
    rows: list[tuple[str, ...]] = [("thread", "calls", "calls/s", "p50 ms", "p99 ms")]
    for number, entry in enumerate(streams):
        times = (_milliseconds(entry[key]) for key in ("call_p50_ms", "call_p99_ms"))
        rows.append((str(number), str(entry["calls"]), f"{entry['calls_per_second']:.1f}", *times))
    return _aligned(rows, (0,))


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Return rows with columns as wide as they need to be; those in `left` begin at the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _folded(lines: Sequence[str], columns: int | None) -> list[str]:
    if columns is None:
        return list(lines)
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, max(60, columns), subsequent_indent="  ", break_on_hyphens=False)
    ]


def require_perfetto() -> None:
    """Refuse traces before anything has run, not afterwards.

    Raises:
        NotImplemented: the package `perfetto` is not installed.
    """
    if importlib.util.find_spec("perfetto") is None:
        message = "a trace needs the package perfetto: pip install 'axemu[trace]'"
        raise NotImplemented(message)  # noqa: F901  the documented error, not the built-in constant


def write_reports(make: Callable[[bool], Recording], options: EmulatorOptions) -> None:
    """Write what `options` asks for: the report as JSON (as text to stderr for "-") and the trace.

    Raises:
        InvalidConfiguration: a file cannot be written; names it.
    """
    if options.report:
        note("report")
        document = report(make(False))
        if options.report == "-":
            columns = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
            print(text(document, columns), file=sys.stderr)
        else:
            content = json.dumps(document, indent=1) + "\n"
            _publish(user_file(options.report), lambda path: path.write_text(content, encoding="utf-8"))
    if options.trace:
        recording = make(True)
        remark = "" if options.computes else ", values not computed"
        timeline = recording.record.timeline
        _publish(user_file(options.trace), lambda path: write_trace(path, timeline, remark))


def _publish(path: Path, write: Callable[[Path], object]) -> None:
    """Let a file appear at once; each context of a program writes its own, `report-2.json` after `report.json`."""
    with path_errors(InvalidConfiguration, path, "cannot be written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with Scratch(f".{path.name[:40]}.axemu-", path.parent) as folder:  # a name nobody can put a link at
            temporary = folder / "report"
            write(temporary)
            number = 1
            target = path
            while not _link(temporary, target):
                number += 1
                target = path.with_stem(f"{path.stem}-{number}")


def _link(source: Path, target: Path) -> bool:
    """Give a finished file its name unless the name is taken."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        return False
    return True
