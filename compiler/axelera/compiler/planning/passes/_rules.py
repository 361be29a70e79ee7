"""The rules by name: what each says, how sure it is, and which switch turns it off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

from axelera.compiler.planning.passes._level1 import Residency
from axelera.compiler.planning.passes._level2 import Outside
from axelera.compiler.planning.passes._operator import Map, Operator
from axelera.compiler.planning.passes._options import PassOptions

Certainty = Literal["verified", "inferred"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `verified` ones were read off the decoded programs; `switch` names an option of `PassOptions`."""

    code: str
    text: str
    certainty: Certainty = "verified"
    switch: str = ""


RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        Rule("R1", "maps whole in L1; an operator whose maps do not fit is cut over rows"),
        Rule("R2", "a weight tensor is loaded once per call and stays for all tiles"),
        Rule("R3", "copies of a kernel: least cycles to load and to run"),
        Rule("R4", "a 1x1 kernel of one word in and out is fed two words per pixel"),
        Rule("R5", "weights are stored and moved replicated"),
        Rule("R6", "sets only for kernels of more than 8 words of input"),
        Rule("R7", "L2 holds maps first, then weights", switch="first_in_l2"),
        Rule("R8", "weights in L2 by falling size up to the first that fails", "inferred", "weights_stop"),
        Rule("R9", "all of L1 but 15,104 bytes holds data"),
        Rule("R10", "8 bytes of vector constants per output channel, 256 per table, fetched at the start"),
        Rule("R11", "tables and residuals ride on the convolution before them"),
        Rule("R12", "a slice is a copying pass, or a 1x1 kernel where it is unaligned"),
        Rule("R13", "concatenation is a chain from the last operand to the first"),
        Rule("R14", "parts of a concatenation that others read are rescaled first", switch="rescale"),
        Rule("R15", "pooling in the adder, resize and broadcast as copies"),
        Rule("R16", "inputs and outputs lie in DDR; each reader fetches an input"),
        Rule("R17", "the task list is streamed from DDR"),
        Rule("R18", "outputs one after the other, depth first"),
        Rule("I1", "tiles are powers of two", "inferred", "tiles_power_of_two"),
        Rule("I2", "an image's kernel is stored once per position in a word", "inferred", "image_phases"),
        Rule(
            "I3", "what fits L1 only without the next weights loses the prefetch", "inferred", "lose_prefetch"
        ),
        Rule("I4", "a map is split between L2 and DDR, unless larger than L2", "inferred", "split_maps"),
        Rule("I5", "grouped convolution runs dense", "inferred"),
        Rule("I6", "depthwise convolution has a path and weights of its own", "inferred"),
        Rule("I7", "transposed convolution is a 1x1 kernel per tap", "inferred"),
        Rule("I8", "a matrix product loads its second operand into the array", "inferred"),
        Rule("I9", "softmax runs in the vector unit", "inferred"),
        Rule("I10", "kernels that do not fit the sets are cut into groups of outputs", "inferred", "cut"),
        Rule("I11", "lone tables, scales and linear resizes are passes of the vector unit", "inferred"),
        Rule("I12", "a known map lies among the weights", "inferred"),
        Rule("I13", "what does not fit L1 row by row is taken in parts of a row", "inferred"),
        Rule(
            "I14", "maps that do not fit L1 are handed over by tiles, depth first", "inferred", "tiling_depth"
        ),
        Rule(
            "I15", "who reads a map for the last time may write to its pages of L2", "inferred", "reuse_pages"
        ),
    )
}
"""All rules, by code: R as in the decoded programs, I for what they do not show."""

_ROLES = {
    "depthwise": "I6",
    "conv-transpose": "I7",
    "matmul": "I8",
    "softmax": "I9",
    "lut": "I11",
    "affine": "I11",
    "copy": "I11",
    "resize-linear": "I11",
}


def inferred_rules(
    operators: Sequence[Operator],
    maps: dict[str, Map],
    settled: Residency,
    outside: Outside,
    options: PassOptions,
) -> tuple[str, ...]:
    """Return the codes of the inferred rules that a program rests on, in the order of `RULES`."""
    weights = {index for index, operator in enumerate(operators) if operator.size}
    used = {"R8"} if weights - outside.weights_in_l2 else set()
    for operator in operators:
        base = operator.role.removesuffix("+residual")
        used |= {_ROLES[base]} if base in _ROLES else set()
        used |= {"I5"} if operator.grouped else set()
        used |= {"I10"} if base in ("conv", "slice-conv", "matmul") and len(operator.kernels) > 1 else set()
        used |= {"I2"} if any(maps[read.name].home == "ddr_input" for read in operator.reads) else set()
        used |= {"I12"} if any(maps[read.name].home == "ddr_const" for read in operator.reads) else set()
    for operator, room in zip(operators, settled.rooms, strict=True):
        used |= {"I1"} if len(room.tiles) > 1 else set()
        used |= {"I13"} if room.short else set()
        used |= {"I14"} if room.chain > 1 else set()
        used |= {"I3"} if operator.kernels and not room.ahead and not room.stores_tiles else set()
    if outside.reused:
        used.add("I15")
    if any(0 < near < maps[name].size for name, near in outside.in_l2.items()):
        used.add("I4")
    used |= {rule.code for rule in RULES.values() if rule.switch and _changed(options, rule.switch)}
    return tuple(code for code in RULES if code in used)


def _changed(options: PassOptions, name: str) -> bool:
    default = next(item.default for item in fields(PassOptions) if item.name == name)
    return bool(getattr(options, name) != default)
