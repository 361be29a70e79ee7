"""What this CPU does at best on a path: products, results and bytes per second, each measured alone in a loop of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from axemu.emulator.compute import _build
from axemu.emulator.compute._library import Library
from axemu.emulator.compute._packing import aligned
from axemu.emulator.compute._paths import SPECS, Operands
from axemu.emulator.compute._scalars import Epilogue

CHAINS = 12
"""Sums that do not wait for each other: with two operands more they fill sixteen registers."""
READS = 8
"""Vectors of a turn of a loop that reads."""
TURN_SECONDS = 5e-3
REPEATS = 15
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
MOST_READ = 16 << 20
"""Bytes: a share of a third-level cache that others use, too."""


@dataclass(frozen=True)
class Limits:
    """Rates per second, the best of several measurements."""

    products: float
    """Of bytes, by the fastest instructions of the path for dense sums."""
    other_products: float
    """By those for depthwise sums and weights that do not fit pairs, without arranging their operands."""
    results: dict[str, float]
    """Bytes that the epilogue makes of sums, by numerics."""
    bytes: dict[int, float]
    """Read from each level of cache, 1 to 3."""


def measure(path: str) -> Limits:
    """Measure the limits of a path of x86 without matrix tiles."""
    spec = SPECS[path]
    if spec.matrix or spec.operands in (Operands.SIGNED, Operands.PAIRS):
        raise SystemExit(
            f"path {path!r} has no loops here that measure its limits: choose another with --path"
        )
    library = _compiled(path)
    memory = aligned(np.ones(MOST_READ, np.uint8))
    step = 4 * spec.lanes
    # A panel's start values and constants, with the mark of folded ones; all that counts is that results are ordinary.
    channels = aligned(np.full(8 * spec.lanes * spec.panel_vectors, 1, np.float32))
    scalars = aligned(Epilogue(inverse=1, zero=0, shift=128, low_byte=0, high_byte=255).pack())
    places = aligned(np.arange(spec.rows, dtype=np.int32) * step * spec.panel_vectors)
    page = aligned(np.zeros(places.nbytes * step * spec.panel_vectors, np.uint8))
    sums = aligned(np.arange(spec.rows * spec.panel_vectors * spec.lanes, dtype=np.int32))
    tile = [array.ctypes.data for array in (channels, page, scalars, places, sums)]
    operands = np.array(tile, np.int64)

    def rate(kernel: str, address: int, per_turn: int, most: int = 0) -> float:
        function = library._function(kernel)  # noqa: SLF001  called as no stage is
        return per_turn * _rate(lambda turns: function(address, turns, most))

    products = rate("products", memory.ctypes.data, step * CHAINS)
    return Limits(
        products=max(products, rate("pairs", memory.ctypes.data, step * CHAINS)) if spec.paired else products,
        other_products=products,
        results={
            numerics: rate(
                f"results_{numerics}", operands.ctypes.data, spec.rows * spec.panel_vectors * spec.lanes
            )
            for numerics in ("exact", "metis")
        },
        bytes={
            level: rate("read", memory.ctypes.data, size, size // (READS * step))
            for level, size in _levels().items()
        },
    )


def _rate(run: Callable[[int], object]) -> float:
    """Return the most turns per second; `run` makes as many turns as it is told."""
    turns, seconds = 1, 0.0
    while seconds < TURN_SECONDS:
        turns *= 2
        seconds = _seconds(run, turns)
    return turns / min(_seconds(run, turns) for _ in range(REPEATS))


def _seconds(run: Callable[[int], object], turns: int) -> float:
    start = time.perf_counter()
    run(turns)
    return time.perf_counter() - start


def _levels() -> dict[int, int]:
    """Return half the bytes of each level of cache for data, as Linux tells."""
    found = {}
    for index in sorted(CACHES.glob("index*")):
        kind, level, size = (
            (index / name).read_text(encoding="utf-8").strip() for name in ("type", "level", "size")
        )
        if kind != "Instruction":
            found[int(level)] = min((int(size.removesuffix("K")) << 10) // 2, MOST_READ)
    return found


def _compiled(path: str) -> Library:
    isa = _build.prepare(path)
    from axemu.emulator.compute.executor.kernel import kernels as executor  # noqa: PLC0415
    from axemu.emulator.compute.micro import Requantise, Source  # noqa: PLC0415

    loops = {
        "products": _make_products(
            isa, lambda b, total, one: isa.accumulate(b, total, isa.prepare(b, total), one)
        ),
        "read": _make_read(isa),
        **{
            f"results_{numerics}": _make_results(isa, Requantise(numerics)) for numerics in ("exact", "metis")
        },
    }
    if isa.spec.paired:
        loops["pairs"] = _make_products(
            isa, lambda b, total, one: isa.accumulate_pairs(b, total, total, one[0])
        )
    sources = [Source(name, loop, 3) for name, loop in loops.items()]
    return Library(path, _build.compile_kernels(path, [*sources, *executor(isa)]))


def _kernel(emit: Any) -> Any:
    """Return kernel(address, turns, most) that runs what is emitted."""
    from axemu.emulator.compute.micro import intrinsic_of, njit  # noqa: PLC0415

    body = intrinsic_of(emit)

    @njit
    def kernel(address: int, turns: int, most: int) -> None:
        body(address, turns, most)

    return kernel


def _make_products(isa: Any, accumulate: Callable[[Any, Any, Any], Any]) -> Any:
    """Return a loop of products in registers; a sum is also what is multiplied next, so that no turn is like another."""
    from axemu.emulator.compute.micro import cgutils  # noqa: PLC0415
    from axemu.emulator.compute.micro.ir import I32, load, store, vector  # noqa: PLC0415

    integers = vector(I32, isa.lanes)

    def emit(b: Any, address: Any, turns: Any, _most: Any) -> None:
        one = load(b, address, integers)
        totals = [cgutils.alloca_once_value(b, one) for _ in range(CHAINS)]
        with cgutils.for_range(b, turns):
            for total in totals:
                b.store(accumulate(b, b.load(total), (one,) * (isa.weight_bytes // (4 * isa.lanes))), total)
        store(b, _sum(b, totals), address)

    return _kernel(emit)


def _make_read(isa: Any) -> Any:
    """Return a loop that reads `most` times `READS` vectors from an address on, again in every turn."""
    from axemu.emulator.compute.micro import cgutils  # noqa: PLC0415
    from axemu.emulator.compute.micro.ir import I32, const, load, offset, store, vector  # noqa: PLC0415

    integers, size = vector(I32, isa.lanes), 4 * isa.lanes

    def emit(b: Any, address: Any, turns: Any, most: Any) -> None:
        totals = [cgutils.alloca_once_value(b, load(b, address, integers)) for _ in range(READS)]
        with cgutils.for_range(b, turns), cgutils.for_range(b, most) as one:
            here = b.add(address, b.mul(one.index, const(READS * size)))
            for n, total in enumerate(totals):
                b.store(b.add(b.load(total), load(b, offset(b, here, size * n), integers)), total)
        store(b, _sum(b, totals), address)

    return _kernel(emit)


def _make_results(isa: Any, requantise: Any) -> Any:
    """Return a loop of a tile without products: from sums in memory to bytes."""
    from types import SimpleNamespace  # noqa: PLC0415

    from axemu.emulator.compute.micro import cgutils  # noqa: PLC0415
    from axemu.emulator.compute.micro._tile import store_tile  # noqa: PLC0415
    from axemu.emulator.compute.micro.ir import I32, I64, const, load, offset, vector  # noqa: PLC0415

    rows, vectors = isa.spec.rows, isa.spec.panel_vectors
    integers, size = vector(I32, isa.lanes), 4 * isa.lanes

    def emit(b: Any, operands: Any, turns: Any, _most: Any) -> None:
        channels, output, scalars, places, sums = (load(b, offset(b, operands, 8 * n), I64) for n in range(5))
        tile = SimpleNamespace(channels=channels, output=output, scalars=scalars, table=const(0))
        with cgutils.for_range(b, turns):
            totals = [
                [
                    cgutils.alloca_once_value(
                        b, load(b, offset(b, sums, size * (row * vectors + n)), integers)
                    )
                    for n in range(vectors)
                ]
                for row in range(rows)
            ]
            store_tile(isa, requantise, b, totals, tile, places)

    return _kernel(emit)


def _sum(b: Any, totals: list[Any]) -> Any:
    result = b.load(totals[0])
    for total in totals[1:]:
        result = b.add(result, b.load(total))
    return result
