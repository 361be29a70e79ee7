"""What the differences of a tensor look like: a wrong layout, exchanged channels, another scale, an entry of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from axemu.model.program import Node, Program, Tensor
from axemu.studies._compare._measure import Codes, TableTally
from axemu.studies._compare._reference import same_codes
from axemu.studies._compare._sides import ProgramSide, Side, Value, codes_of

_FEW = 8
"""Channels or entries that are named one by one."""
_FIT = 0.02
"""Rest of a difference, relative to it, that a factor may leave."""
_FLOAT_FIT = 0.2
"""The same against real numbers, where rounding is part of the rest."""
_CROSSED = 0.05
"""Noise of two channels with each other's values, relative to that with their own, below which they are exchanged."""
_OFF = 4
"""Steps that count as a difference against real numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """A tensor that differs by itself, in the first frame in which it does.

    Attributes:
        tensor: the examined program's.
        found: its codes.
        expected: the other side's value.
        operands: codes its node was given; empty for an input.
    """

    tensor: Tensor
    found: Codes
    expected: Value
    operands: tuple[Codes, ...]


def explain(evidence: Evidence, node: Node | None, program: Program, other: Side) -> tuple[str, ...]:
    """Return what the differences look like, the most telling first."""
    found: list[str] = []
    if node is None:
        found += _layout(evidence)
    elif isinstance(other, ProgramSide):
        found += _constants(node, program, other.program)
    if node is not None and node.op == "lut" and node.constants:
        found += _entries(evidence, node, program)
    else:
        found += _exchanged(evidence) or _factors(evidence)
    return tuple(dict.fromkeys([*found, _spread(evidence)]))


def _codes(evidence: Evidence) -> Codes:
    codes = same_codes(evidence.expected, evidence.tensor)
    return codes_of(evidence.expected.real(), evidence.tensor) if codes is None else codes


def _layout(evidence: Evidence) -> Iterator[str]:
    """Try whether an input holds the same bytes in another order."""
    found, expected = evidence.found, _codes(evidence)
    height, width, channels = _inner(expected, evidence.tensor)
    one, other = found[height, width, channels], expected[height, width, channels]
    name = evidence.tensor.name
    # Which side is right is not known: both directions are looked at.
    for fed, proper, who in ((other, one, "the reference"), (one, other, "the examined side")):
        if fed.size and np.array_equal(fed, proper.transpose(2, 0, 1).reshape(fed.shape)):
            yield (
                f"input {name!r}: {who} holds the values in the order (channels, height, width) in a buffer that is "
                "(height, width, channels): NCHW was fed where NHWC is expected"
            )
            return
        if fed.size and np.array_equal(
            fed, proper.reshape(-1).reshape(fed.shape[2], *fed.shape[:2]).transpose(1, 2, 0)
        ):
            yield f"input {name!r}: {who} was given (height, width, channels) where (channels, height, width) is expected: NHWC was fed as NCHW"
            return
    if one.shape[2] > 1 and np.array_equal(one, other[..., ::-1]):
        yield f"input {name!r}: the channels are in reverse order (BGR for RGB, or the other way)"
    elif one.shape[0] == one.shape[1] and np.array_equal(one, other.transpose(1, 0, 2)):
        yield f"input {name!r}: rows and columns are exchanged"
    elif np.array_equal(one.view(np.uint8) ^ 128, other.view(np.uint8)):
        yield f"input {name!r}: one side holds unsigned bytes: every value is 128 off"


def _inner(codes: Codes, tensor: Tensor) -> tuple[slice, slice, slice]:
    """Return the part of a buffer that is no padding: what is not the zero point's code all along an edge."""
    zero = min(127, max(-128, tensor.zero_point))
    kept = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero((codes != zero).any(axis=others))
        kept.append(slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 0))
    return kept[0], kept[1], kept[2]


def _constants(node: Node, program: Program, other: Program) -> Iterator[str]:
    """Compare the node with the other program's of the same name."""
    twin = next((each for each in other.nodes if each.output == node.output), None)
    if twin is None:
        return
    yield from _scales(node, program, other)
    for key in sorted({*node.attributes, *twin.attributes}):
        if node.attributes.get(key) != twin.attributes.get(key):
            yield f"attribute {key!r} is {node.attributes.get(key)}, on the other side {twin.attributes.get(key)}"
    alike: dict[str, list[str]] = {}
    for role in sorted(node.constants):
        one, two = (
            program.constant(node, role),
            other.constant(twin, role) if role in twin.constants else None,
        )
        if two is None or one.shape != two.shape:
            alike.setdefault("another shape on the other side", []).append(role)
        elif not np.array_equal(one, two):
            alike.setdefault(_difference(role, one, two), []).append(role)
    for difference, roles in alike.items():
        yield f"constant{'s' if len(roles) > 1 else ''} {', '.join(map(repr, roles))}: {difference}"


def _scales(node: Node, program: Program, other: Program) -> Iterator[str]:
    """Compare scales and zero points of the tensors that a node reads and writes."""
    for name in dict.fromkeys((*node.inputs, node.output)):
        mine, theirs = program.tensors[name], other.tensors.get(name)
        if theirs is not None and np.float32(mine.scale) != np.float32(theirs.scale):
            yield f"the scale of tensor {name!r} is {mine.scale:.6g}, on the other side {theirs.scale:.6g}"
        if theirs is not None and mine.zero_point != theirs.zero_point:
            yield f"the zero point of tensor {name!r} is {mine.zero_point}, on the other side {theirs.zero_point}"


def _difference(role: str, one: npt.NDArray[np.generic], two: npt.NDArray[np.generic]) -> str:
    """Say in which channels or entries two arrays differ."""
    differing = one.reshape(len(one), -1) != two.reshape(len(two), -1)
    rows = np.flatnonzero(differing.any(axis=1))
    if (
        len(rows) == 2
        and np.array_equal(one[rows[0]], two[rows[1]])
        and np.array_equal(one[rows[1]], two[rows[0]])
    ):
        return f"channels {rows[0]} and {rows[1]} exchanged"
    count = int(differing.sum())
    place = tuple(int(index) for index in np.argwhere(one != two)[0])
    first = f"{one[place]} at {list(place)}, on the other side {two[place]}"
    if count == 1:
        bits = int(one[place].view(f"u{one.itemsize}") ^ two[place].view(f"u{two.itemsize}"))
        flipped = f" (bit {bits.bit_length() - 1} is flipped)" if bits & (bits - 1) == 0 else ""
        if role == "table" and len(place) == 1:
            return f"input {place[0] - 128} gives {one[place]}, on the other side {two[place]}{flipped}"
        return f"{first}{flipped}"
    if role == "table" and len(place) == 1:
        return f"{_named('entry', rows)} differ, first {first}"
    return f"{count} of {one.size} values differ, in {_named('channel', rows)}, first {first}"


def _entries(evidence: Evidence, node: Node, program: Program) -> Iterator[str]:
    """Say which entries of a table give something else."""
    if not evidence.operands:
        return
    table, (given, *_) = program.constant(node, "table"), evidence.operands
    if evidence.expected.codes is None:
        yield from _odd_entries(evidence, table, given)
        return
    differing = evidence.found != _codes(evidence)
    codes = np.unique(given[differing])
    if len(codes) > _FEW:
        yield f"{len(codes)} entries of the table of {node.name!r} give something else"
        return
    for code in codes:
        place = tuple(np.argwhere(differing & (given == code))[0])
        one, two = int(evidence.found[place]), int(_codes(evidence)[place])
        bits = (one ^ two) & 255
        flipped = f", bit {bits.bit_length() - 1} is flipped" if bits & (bits - 1) == 0 else ""
        channel = f" of channel {place[2]}" if table.ndim > 1 else ""
        yield f"the table's entry for input {int(code)}{channel} (index {int(code) + 128}) gives {one}, expected {two}{flipped}"


def _odd_entries(evidence: Evidence, table: Codes, given: Codes) -> Iterator[str]:
    """Say which entries of a table are far from the function's values."""
    tally, tensor = TableTally(table), evidence.tensor
    real = Value.of_codes(evidence.found, tensor.scale, tensor.zero_point).real()
    free = (given > -128) & (given < 127) & (evidence.found > -128) & (evidence.found < 127)
    tally.add(given, real, evidence.expected.real(), tensor.scale, free)
    odd = tally.odd()
    for index in odd[:_FEW]:
        channel = f" of channel {index // 256}" if table.ndim > 1 else ""
        off = tally.sums[index] / tally.counts[index]
        yield (
            f"the table's entry for input {index % 256 - 128}{channel} (index {index % 256}) gives {table.reshape(-1)[index]}, about "
            f"{abs(off):.0f} steps too {'much' if off > 0 else 'little'}"
        )
    if len(odd) > _FEW:
        yield f"{len(odd)} entries of the table are far from the function's values"


def _exchanged(evidence: Evidence) -> list[str]:
    """Say which channels hold each other's values."""
    found, expected = _both(evidence)
    noise = np.square(found - expected).sum(axis=(0, 1))
    rows = np.sort(np.argsort(-noise, kind="stable")[: 2 * _FEW])
    for one in rows:
        for two in rows[rows > one]:
            straight = noise[one] + noise[two]
            crossed = np.square(found[..., one] - expected[..., two]) + np.square(
                found[..., two] - expected[..., one]
            )
            if min(noise[one], noise[two]) > 0 and crossed.sum() < _CROSSED * straight:
                return [f"channels {one} and {two} of tensor {evidence.tensor.name!r} are exchanged"]
    return []


def _both(evidence: Evidence) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return real values of both sides."""
    tensor = evidence.tensor
    found = Value.of_codes(evidence.found, tensor.scale, tensor.zero_point).real()
    return found.astype(np.float64), evidence.expected.real().astype(np.float64)


def _factors(evidence: Evidence) -> list[str]:
    """Say whether values are those expected times a factor: all of them, or those of some channels."""
    tensor = evidence.tensor
    found, expected = _both(evidence)
    free = (np.abs(evidence.found.astype(np.int16)) < 127) & (evidence.found != _codes_at_zero(tensor))
    found, expected = np.where(free, found, 0.0), np.where(free, expected, 0.0)
    power = np.einsum("hwc,hwc->c", expected, expected)
    gains = np.einsum("hwc,hwc->c", found, expected) / np.where(power > 0, power, 1.0)
    rest = np.square(found - gains * expected).sum(axis=(0, 1))
    before = np.square(found - expected).sum(axis=(0, 1))
    fit = _FLOAT_FIT if evidence.expected.codes is None else _FIT
    step = tensor.scale * tensor.scale / 3 * free.sum(axis=(0, 1))
    scaled = (
        (free.sum(axis=(0, 1)) >= _FEW)
        & (power > 0)
        & (before > 9 * step)
        & (rest < fit * before + 2 * step)
        & (np.abs(gains - 1) > 0.01)
    )
    rows = np.flatnonzero(scaled)
    if not len(rows):
        return []
    middle = float(np.median(gains[rows]))
    if np.abs(gains[rows] - middle).max() > 0.05 * abs(middle):
        return [
            f"{len(rows)} channels hold the expected values times a factor each: a scale by channel is wrong"
        ]
    differing = int((before > step).sum())
    if len(rows) > max(_FEW, differing // 2):
        return [
            f"values are those expected times {middle:.4g} in {len(rows)} of {tensor.shape[2]} channels: a scale is wrong"
        ]
    return [f"values are those expected times {middle:.4g} in {_named('channel', rows)}: its scale is wrong"]


def _codes_at_zero(tensor: Tensor) -> int:
    return min(127, max(-128, tensor.zero_point))


def _spread(evidence: Evidence) -> str:
    """Say which channels and how many values differ."""
    least = _OFF if evidence.expected.codes is None else 1
    differing = np.abs(evidence.found.astype(np.int16) - _codes(evidence)) >= least
    rows = np.flatnonzero(differing.any(axis=(0, 1)))
    where = "all channels" if len(rows) == differing.shape[2] else _named("channel", rows)
    by = f" by {least} steps or more" if least > 1 else ""
    return f"{int(differing.sum())} of {differing.size} values differ{by}, in {where}"


def _named(what: str, rows: npt.NDArray[np.integer]) -> str:
    names = ", ".join(str(int(row)) for row in rows[:_FEW])
    more = f" and {len(rows) - _FEW} more" if len(rows) > _FEW else ""
    several = what if len(rows) == 1 else {"entry": "entries"}.get(what, f"{what}s")
    return f"{several} {names}{more}"
