"""Boards on which one bit is wrong: a driver that executes the specification with a flipped bit in one node."""

from __future__ import annotations

import random
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from axemu.driver import FunctionDriver, ModelFiles
from axemu.model import ops
from axemu.model.ops import _accumulate, _avg_pool, _conv, _float, _max_pool, _softmax, _window
from axemu.model.program import Node, Program, Tensor, read_program
from axemu.testing.vectors import Vector

Values = Mapping[str, np.ndarray]
Execute = Callable[[Node, tuple[Tensor, ...], Tensor, tuple[np.ndarray, ...], Values], np.ndarray]


@dataclass(frozen=True)
class Flip:
    """One flipped bit: where it is, and what the node computes with it."""

    kind: str
    node: str
    what: str
    execute: Execute

    def driver(self) -> FunctionDriver:
        """Return boards that have it."""
        return FunctionDriver(self._run)

    def _run(self, model: ModelFiles, inputs: Any) -> list[np.ndarray]:
        program = read_program(model.directory)
        values = {
            name: value.reshape(program.tensors[name].shape)
            for name, value in zip(program.inputs, inputs, strict=True)
        }
        for node in program.nodes:
            tensors, output = program.input_tensors(node), program.tensors[node.output]
            constants = {role: program.constants[name] for role, name in node.constants.items()}
            operands = tuple(values[name] for name in node.inputs)
            run = self.execute if node.name == self.node else ops.execute_node
            values[node.output] = run(node, tensors, output, operands, constants)
        return [values[name].reshape(-1) for name in program.outputs]

    def changes(self, vector: Vector, dice: np.random.Generator) -> bool:
        """Tell whether it makes any difference to its node on random inputs that are not the vector's."""
        program = vector.program
        node = next(node for node in program.nodes if node.name == self.node)
        tensors, output = program.input_tensors(node), program.tensors[node.output]
        constants = {role: program.constants[name] for role, name in node.constants.items()}
        for _ in range(12):
            operands = tuple(dice.integers(-128, 128, t.shape).astype(np.int8) for t in tensors)
            arguments = (node, tensors, output, operands, constants)
            with np.errstate(all="ignore"):
                if not np.array_equal(self.execute(*arguments), ops.execute_node(*arguments)):
                    return True
        return False


def flips(vectors: list[Vector], seed: int) -> Iterator[tuple[Vector, Flip]]:
    """Yield random flips without end, of each kind in turn.

    A flip that makes no difference to its node on a dozen random inputs, which are not the vector's, is drawn again: nobody
    could find a bit of a weight that only meets padding, or of a constant that the node does not use.
    """
    dice, probe = random.Random(seed), np.random.default_rng(seed)
    makers = (_weight, _scale, _table, _pad, _kernel)
    while True:
        for make in makers:
            while True:
                vector = dice.choice(vectors)
                flip = make(vector.program, dice.choice(vector.program.nodes), dice)
                if flip is not None and flip.changes(vector, probe):
                    yield vector, flip
                    break


def _bit(value: np.ndarray, dice: random.Random, bits: range) -> tuple[np.ndarray, str]:
    """Return a copy with one bit of one element flipped, and say which."""
    flipped = np.array(value)
    index, bit = dice.randrange(flipped.size), dice.choice(bits)
    raw = flipped.reshape(-1).view(f"u{flipped.itemsize}")
    raw[index] ^= raw.dtype.type(1 << bit)
    return flipped, f"bit {bit} of element {index}"


def _with_constant(node: Node, role: str, value: np.ndarray, kind: str, what: str) -> Flip:
    def execute(node: Node, tensors: Any, output: Any, operands: Any, constants: Values) -> np.ndarray:
        return ops.execute_node(node, tensors, output, operands, {**constants, role: value})

    return Flip(kind, node.name, f"{what} of {role}", execute)


def _weight(program: Program, node: Node, dice: random.Random) -> Flip | None:
    if "weight" not in node.constants:
        return None
    value, what = _bit(program.constant(node, "weight"), dice, range(8))
    return _with_constant(node, "weight", value, "weight", what)


SIGNIFICANT = range(13, 26)
"""The ten bits of a float32's fraction that an f18 keeps, and the three lowest of its exponent."""


def _scale(program: Program, node: Node, dice: random.Random) -> Flip | None:
    """Flip a bit in a scale: of a convolution's channel, of the tensor that is written, or of one that is read."""
    operator = ops.OPERATORS[node.op]
    if operator.moves_values or node.op == "lut":
        return None
    if "scale_f18" in node.constants and dice.random() < 0.5:
        value, what = _bit(program.constant(node, "scale_f18"), dice, SIGNIFICANT)
        return _with_constant(node, "scale_f18", value, "scale", what)
    bit = dice.choice(SIGNIFICANT)
    place = (
        -1 if "weight" in node.constants or node.op == "softmax" else dice.randrange(len(node.inputs) + 1) - 1
    )

    def flipped(tensor: Tensor) -> Tensor:
        raw = np.array(tensor.scale, np.float32).view(np.uint32) ^ np.uint32(1 << bit)
        return replace(tensor, scale=float(raw.view(np.float32)))

    def execute(node: Node, tensors: Any, output: Any, operands: Any, constants: Values) -> np.ndarray:
        read = tuple(flipped(tensor) if index == place else tensor for index, tensor in enumerate(tensors))
        return ops.execute_node(node, read, flipped(output) if place < 0 else output, operands, constants)

    return Flip(
        "scale",
        node.name,
        f"bit {bit} of the scale of {node.output if place < 0 else node.inputs[place]}",
        execute,
    )


def _table(program: Program, node: Node, dice: random.Random) -> Flip | None:
    role = {"lut": "table", "softmax": "exp_table"}.get(node.op)
    if role is None:
        return None
    value = program.constant(node, role)
    flipped, what = _bit(value, dice, range(8) if role == "table" else range(16, 30))
    return _with_constant(node, role, flipped, "table", what)


def _pad(program: Program, node: Node, dice: random.Random) -> Flip | None:
    """Flip a bit of what padding holds, or shift the window by one pixel: a bit in the pads before and behind."""
    pads = node.attributes.get("pads", (0, 0, 0, 0))
    if node.op == "pad":
        bit = dice.randrange(8)
        value = int(
            (np.array(node.attributes["value"], np.int8).view(np.uint8) ^ np.uint8(1 << bit)).view(np.int8)
        )
        return _with_attributes(node, {"value": value}, "pad", f"bit {bit} of the value")
    if node.op not in ("conv", "conv_add", "max_pool", "avg_pool") or not any(pads):
        return None
    if dice.random() < 0.5:
        axis = dice.choice([axis for axis in (0, 1) if pads[axis] + pads[axis + 2]])
        moved = list(pads)
        step = 1 if moved[axis] and (moved[axis + 2] == 0 or dice.random() < 0.5) else -1
        moved[axis] -= step
        moved[axis + 2] += step
        return _with_attributes(node, {"pads": tuple(moved)}, "pad", f"pads {moved}")
    if node.op == "avg_pool" and not node.attributes.get("count_include_pad"):
        return _with_attributes(node, {"count_include_pad": True}, "pad", "count_include_pad")
    bit = dice.randrange(8)
    proper = -128 if node.op == "max_pool" else min(127, max(-128, program.input_tensors(node)[0].zero_point))
    fill = int((np.array(proper, np.int8).view(np.uint8) ^ np.uint8(1 << bit)).view(np.int8))
    top, left, bottom, right = pads

    def execute(node: Node, tensors: Any, output: Any, operands: Any, constants: Values) -> np.ndarray:
        padded = np.pad(operands[0], ((top, bottom), (left, right), (0, 0)), constant_values=fill)
        bare = replace(node, attributes={**node.attributes, "pads": (0, 0, 0, 0)})
        source = replace(tensors[0], shape=padded.shape)
        return ops.execute_node(bare, (source, *tensors[1:]), output, (padded, *operands[1:]), constants)

    return Flip("pad", node.name, f"bit {bit} of what padding holds", execute)


def _with_attributes(node: Node, attributes: dict[str, Any], kind: str, what: str) -> Flip:
    def execute(node: Node, tensors: Any, output: Any, operands: Any, constants: Values) -> np.ndarray:
        changed = replace(node, attributes={**node.attributes, **attributes})
        return ops.execute_node(changed, tensors, output, operands, constants)

    return Flip(kind, node.name, what, execute)


def _functions() -> list[types.FunctionType]:
    """Return the functions that kernels of the specification consist of, where they hold integers."""
    modules = (_float, _accumulate, _window, _conv, _max_pool, _avg_pool, _softmax)
    owners = [
        owner
        for module in modules
        for owner in (module, *(v for v in vars(module).values() if isinstance(v, type)))
    ]
    found = {
        id(value): value
        for owner in owners
        for value in vars(owner).values()
        if isinstance(value, types.FunctionType) and value.__module__.startswith("axemu.model.ops")
    }
    return [function for function in found.values() if _integers(function)]


def _integers(function: types.FunctionType) -> list[int]:
    constants = function.__code__.co_consts
    return [i for i, value in enumerate(constants) if type(value) is int]


FUNCTIONS = _functions()


def _kernel(program: Program, node: Node, dice: random.Random) -> Flip | None:
    """Flip a bit of an integer in the code of a kernel, while the node runs."""
    function = dice.choice(FUNCTIONS)
    place, bit = dice.choice(_integers(function)), dice.randrange(8)
    constants = list(function.__code__.co_consts)
    constants[place] ^= 1 << bit
    code = function.__code__.replace(co_consts=tuple(constants))

    @contextmanager
    def patched() -> Iterator[None]:
        proper = function.__code__
        function.__code__ = code
        try:
            yield
        finally:
            function.__code__ = proper

    def execute(node: Node, tensors: Any, output: Any, operands: Any, values: Values) -> np.ndarray:
        with patched():
            return ops.execute_node(node, tensors, output, operands, values)

    flip = Flip(
        "kernel",
        node.name,
        f"bit {bit} of {function.__code__.co_consts[place]} in {function.__qualname__}",
        execute,
    )
    sources = program.input_tensors(node)
    try:  # a board that cannot run at all needs no vectors
        operands = tuple(np.zeros(tensor.shape, np.int8) for tensor in sources)
        roles = {role: program.constants[name] for role, name in node.constants.items()}
        with np.errstate(all="ignore"):
            execute(node, sources, program.tensors[node.output], operands, roles)
    except (
        ValueError,
        IndexError,
        TypeError,
        OverflowError,
        ZeroDivisionError,
        FloatingPointError,
        AttributeError,
    ):
        return None
    return flip
