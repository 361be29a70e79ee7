"""`compare`: where two ways of computing a network diverge, and how far they are apart from there on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.model.ops import OPERATORS
from axemu.model.program import Node, Program, Tensor
from axemu.studies._compare._advice import advice
from axemu.studies._compare._comparison import Comparison, TensorComparison, of_node
from axemu.studies._compare._findings import Evidence, explain
from axemu.studies._compare._measure import Codes, Measure, TableTally, Tally
from axemu.studies._compare._reference import OfOnnx, OfProgram, OfRecording, Reference, same_codes
from axemu.studies._compare._sides import (
    Frame,
    OnnxSide,
    ProgramSide,
    RecordingSide,
    Side,
    Value,
    codes_of,
    execute,
)

STEPS = 4.0
"""Against real numbers, an operator diverges if by itself it is off by more steps of its scale than this, root mean square, ..."""
DECIBELS = 25.0
"""... and its noise is above what this SQNR leaves; rounding of int8 alone stays below both."""
FEWEST = 16
"""Values of a channel, at least, for it to diverge by itself."""


def compare(a: Side, b: Side, frames: Sequence[Frame] = ()) -> Comparison:
    """Compare two sides tensor by tensor.

    One of them has to be a program; its nodes are run one by one on what the other side has, which tells an operator's own
    (local) error from what came to it. If both are, `a` is examined and `b` is the reference. Before anything is compared, layouts, padding,
    balanced channels and scales are aligned; each entry says so.

    Args:
        a: see `read_side`, `program_side`, `onnx_side`; or a `RecordingSide`.
        b: likewise.
        frames: float inputs NCHW of each frame, in the network's order; against a recording by default those recorded.

    Raises:
        InvalidArgument: neither side is a program, they are of different networks, or there are no frames.
        AxeleraError: a side cannot be run.
    """
    examined, other = sides_of(a, b)
    reference = reference_of(other, examined)
    count = len(frames) or (_recorded_frames(other) if isinstance(other, RecordingSide) else 0)
    if not count:
        raise InvalidArgument("no frames to compare on: give at least one")
    work = _Work(examined, reference)
    for index in range(count):
        given = frames[index] if frames else ()
        work.add(given, index, _recorded_inputs(other, examined, index) if not frames else None)
    return work.comparison(other, count)


def sides_of(a: Side, b: Side) -> tuple[ProgramSide, Side]:
    """Return which side is examined, and the other.

    Raises:
        InvalidArgument: neither is a program.
    """
    examined, other = (a, b) if isinstance(a, ProgramSide) else (b, a)
    if not isinstance(examined, ProgramSide):
        raise InvalidArgument(
            f"neither {a.name} nor {b.name} is a program whose operators can be run one by one; give a compiled model for one"
        )
    return examined, other


def reference_of(other: Side, examined: ProgramSide) -> Reference:
    """Return the other side's values by tensor of the examined one.

    Raises:
        InvalidArgument: they are of different networks.
    """
    if isinstance(other, ProgramSide):
        return OfProgram(other, examined.program)
    if isinstance(other, OnnxSide):
        return OfOnnx(other, examined)
    return OfRecording(other, examined)


def _recorded_frames(side: RecordingSide) -> int:
    return min(len(tensor.values) for tensor in side.recording.outputs.values())


def _recorded_inputs(other: Side, examined: ProgramSide, index: int) -> dict[str, Codes]:
    if not isinstance(other, RecordingSide):
        raise InvalidArgument("no frames to compare on: give at least one")
    values = OfRecording(other, examined).frame((), index)
    tensors = examined.program.tensors
    return {name: codes_of(values[name].real(), tensors[name]) for name in examined.program.inputs}


@dataclass(slots=True)
class _Entry:
    accumulated: Tally = field(default_factory=Tally)
    local: Tally = field(default_factory=Tally)
    table: TableTally | None = None
    evidence: Evidence | None = None


class _Work:
    """The comparison as it grows, frame by frame."""

    def __init__(self, examined: ProgramSide, reference: Reference) -> None:
        self._side = examined
        self._reference = reference
        self._program = examined.program
        self._nodes: dict[str, Node] = {node.output: node for node in examined.program.nodes}
        self._entries = {
            name: _Entry()
            for name in (*examined.program.inputs, *self._nodes)
            if reference.value_name(name) is not None
        }

    def add(self, frame: Frame, index: int, buffers: dict[str, Codes] | None) -> None:
        """Take in a frame."""
        mine = self._side.run(self._side.buffers(frame) if buffers is None else buffers)
        theirs = self._reference.frame(frame, index)
        carried: dict[str, Codes] = {}
        for name in self._program.inputs:
            carried[name] = mine[name]
            if name in theirs:
                self._compare(
                    self._entries[name].accumulated, mine[name], theirs[name], self._program.tensors[name]
                )
                self._keep(name, mine[name], theirs[name], ())
        for name, node in self._nodes.items():
            value = theirs.get(name)
            operands = tuple(
                self._given(theirs.get(source), carried.get(source), self._program.tensors[source])
                for source in node.inputs
            )
            alone = self._alone(node, operands) if all(operand is not None for operand in operands) else None
            if alone is not None:
                carried[name] = alone
            if value is None:
                continue
            tensor = self._program.tensors[name]
            self._compare(self._entries[name].accumulated, mine[name], value, tensor)
            if alone is not None:
                self._compare(self._entries[name].local, alone, value, tensor, operands)
                self._look_up(node, alone, value, operands)
                self._keep(name, alone, value, tuple(o for o in operands if o is not None))
            else:
                self._keep(name, mine[name], value, ())

    def comparison(self, other: Side, frames: int) -> Comparison:
        """Return the result."""
        entries = [
            self._entry(name, entry) for name, entry in self._entries.items() if entry.accumulated.frames
        ]
        divergence = next((entry for entry in entries if self._diverges(entry)), None)
        if divergence is not None:
            evidence = self._entries[divergence.tensor].evidence
            node = self._nodes.get(divergence.tensor)
            found = () if evidence is None else explain(evidence, node, self._program, other)
            marked = replace(divergence, findings=found)
            entries = [marked if entry is divergence else entry for entry in entries]
            divergence = marked
        return Comparison(
            examined=f"{self._side.name} ({self._side.engine}, {self._side.numerics})",
            reference=_described(other),
            frames=frames,
            exact=self._reference.exact,
            tensors=tuple(entries),
            first=None if divergence is None else divergence.tensor,
            notes=self._notes(entries),
            advice=advice(divergence, entries, exact=self._reference.exact),
        )

    def _given(self, value: Value | None, carried: Codes | None, tensor: Tensor) -> Codes | None:
        """Return what a node is given when it runs alone: the other side's value, else what followed from it."""
        if value is None:
            return carried
        codes = same_codes(value, tensor)
        return codes_of(value.real(), tensor) if codes is None else codes

    def _alone(self, node: Node, operands: Sequence[Codes | None]) -> Codes:
        given = {name: value for name, value in zip(node.inputs, operands, strict=True) if value is not None}
        program = single(self._program, node)
        if not given:
            given = {name: np.zeros(program.tensors[name].shape, np.int8) for name in program.inputs}
        return execute(program, given, self._side.engine, self._side.numerics, [node.output])[node.output]

    def _compare(
        self, tally: Tally, mine: Codes, value: Value, tensor: Tensor, operands: Sequence[Codes | None] = ()
    ) -> None:
        codes = same_codes(value, tensor)
        if codes is not None:
            tally.add_codes(mine, codes, tensor.zero_point, float(np.float32(tensor.scale)))
            return
        real = Value.of_codes(mine, tensor.scale, tensor.zero_point).real()
        tally.add(real, value.real(), tensor.scale, self._free(mine, tensor, operands))

    def _look_up(self, node: Node, mine: Codes, value: Value, operands: Sequence[Codes | None]) -> None:
        """Take in what the entries of a table give, where real numbers are expected."""
        tensor, given = self._program.tensors[node.output], operands[0] if operands else None
        if node.op != "lut" or given is None or self._reference.exact:
            return
        entry = self._entries[node.output]
        entry.table = entry.table or TableTally(self._program.constant(node, "table"))
        real = Value.of_codes(mine, tensor.scale, tensor.zero_point).real()
        entry.table.add(given, real, value.real(), tensor.scale, self._free(mine, tensor, operands))

    def _free(self, mine: Codes, tensor: Tensor, operands: Sequence[Codes | None]) -> npt.NDArray[np.bool_]:
        """Return which values are neither at an end of their range nor, value by value, computed from such."""
        node = self._nodes.get(tensor.name)
        low, high = (_bound(node, key, end) for key, end in (("qmin", -128), ("qmax", 127)))
        free = (mine > low) & (mine < high)
        if node is not None and OPERATORS[node.op].is_pointwise:
            for operand in operands:
                if operand is not None and operand.shape == mine.shape:
                    free &= (operand > -128) & (operand < 127)
        return free

    def _keep(self, name: str, mine: Codes, value: Value, operands: tuple[Codes, ...]) -> None:
        """Keep what a tensor holds where it differs by itself, unless an earlier tensor does."""
        for earlier, entry in self._entries.items():
            if entry.evidence is not None:
                return
            if earlier == name:
                break
        entry = self._entries[name]
        tally = entry.local if operands else entry.accumulated
        if tally.where is not None and (
            self._reference.exact or self._unusual(entry, tally, self._program.tensors[name])
        ):
            entry.evidence = Evidence(self._program.tensors[name], mine, value, operands)

    def _entry(self, name: str, entry: _Entry) -> TensorComparison:
        node, op, inputs = of_node(self._nodes.get(name))
        return TensorComparison(
            tensor=name,
            node=node,
            op=op,
            inputs=inputs,
            shape=self._program.tensors[name].shape,
            value=str(self._reference.value_name(name)),
            aligned=self._reference.aligned(name),
            accumulated=entry.accumulated.measure(),
            local=entry.local.measure() if entry.local.frames else None,
        )

    def _diverges(self, entry: TensorComparison) -> bool:
        measure: Measure = entry.local or entry.accumulated
        if self._reference.exact:
            return not measure.equal or (not entry.accumulated.equal and not self._inputs_differ(entry))
        found = self._entries[entry.tensor]
        return self._unusual(found, found.local, self._program.tensors[entry.tensor])

    def _inputs_differ(self, entry: TensorComparison) -> bool:
        """Tell whether something differs already that a tensor is computed from."""
        return any(
            name not in self._entries or self._entries[name].accumulated.where is not None
            for name in entry.inputs
        )

    def _unusual(self, entry: _Entry, tally: Tally, tensor: Tensor) -> bool:
        """Tell whether a tensor, a channel of it or an entry of its table is farther off than rounding explains."""
        signal, noise, values = tally.by_channel
        if not signal.sum():
            return False
        counted = np.maximum(values, 1.0)
        allowed, much = (STEPS * tensor.scale) ** 2, 10 ** (DECIBELS / 10)
        whole = noise.sum() > allowed * counted.sum() and noise.sum() * much > signal.sum()
        each = (noise > allowed * counted) & (noise * much > signal) & (values >= FEWEST)
        return bool(whole or each.any() or (entry.table is not None and entry.table.odd().size))

    def _notes(self, entries: Sequence[TensorComparison]) -> tuple[str, ...]:
        notes = []
        layouts = dict.fromkeys(what for entry in entries for what in entry.aligned.split(", ") if what)
        notes += [f"aligned before comparing: {', '.join(layouts)}"] if layouts else []
        unseen = len(self._nodes) + len(self._program.inputs) - len(entries)
        if unseen:
            notes.append(
                f"{unseen} of {len(self._nodes) + len(self._program.inputs)} tensors are not on the other side"
            )
        return tuple(notes)


def _bound(node: Node | None, key: str, end: int) -> int:
    return end if node is None else int(node.attributes.get(key, end))  # type: ignore[arg-type]


def single(program: Program, node: Node) -> Program:
    """Return one node as a program."""
    return part(program, [node])


def part(program: Program, nodes: Sequence[Node]) -> Program:
    """Return some nodes as a program: what none of them writes are inputs, what none of the others reads are outputs."""
    written = {node.output for node in nodes}
    read = dict.fromkeys(name for node in nodes for name in node.inputs)
    inputs = tuple(name for name in read if name not in written) or program.inputs[:1]
    outputs = tuple(node.output for node in nodes if node.output not in read)
    names = dict.fromkeys((*inputs, *(node.output for node in nodes)))
    return Program(
        name=nodes[-1].name,
        batch=1,
        tensors={name: program.tensors[name] for name in names},
        nodes=tuple(nodes),
        inputs=inputs,
        outputs=outputs,
        constants={
            constant: program.constants[constant] for node in nodes for constant in node.constants.values()
        },
    )


def _described(side: Side) -> str:
    if isinstance(side, ProgramSide):
        return f"{side.name} ({side.engine}, {side.numerics})"
    if isinstance(side, OnnxSide):
        return f"{side.name} ({'QDQ' if side.quantised else 'float'}, ONNX Runtime)"
    about = ", ".join(
        f"{key} {value}" for key, value in side.recording.about.items() if key in ("board", "driver")
    )
    return f"{side.name} (recording{': ' if about else ''}{about})"
