"""The plan of a model: the program of its cores, the pools of model.json and where the weights lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from axelera.compiler._errors import MemoryPlanError
from axelera.compiler.planning._options import PlanOptions
from axelera.compiler.planning.passes import PassOptions, compile_passes
from axemu.model.passes import CoreProgram, totals_of
from axemu.model.program import Program

ALIGNMENT = 64


class DoesNotFit(MemoryPlanError):  # noqa: N818  read as a sentence: raise DoesNotFit("...")
    """A program asks for more memory than it was given; the message says which and how much."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A memory pool as model.json declares it. `blob` names the file with its content, if it has one."""

    name: str
    size: int
    memory: Literal["ddr", "l2"]
    depth: int = 1
    alignment: int = ALIGNMENT
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """Where the weights of a layer lie: bytes as stored, replicated, with the helper kernels it needs."""

    layer: str
    size: int
    in_ddr: int


@dataclass(frozen=True)
class Plan:
    """What the planner found: pools for model.json, weights for blobs and report, a core's program for the timing model."""

    core: CoreProgram
    pools: tuple[Pool, ...]
    weights: tuple[Weights, ...]
    cores: int

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights as stored."""
        return sum(one.size for one in self.weights)

    @property
    def weight_ddr_bytes(self) -> int:
        """Bytes of weights that come from DDR in every call, to each core."""
        return sum(one.in_ddr for one in self.weights)

    @property
    def weight_l2_bytes(self) -> int:
        """Bytes of weights that lie in L2."""
        return self.weight_bytes - self.weight_ddr_bytes

    @cached_property
    def ddr_traffic(self) -> int:
        """Bytes a call moves through DDR, all cores together."""
        routes = totals_of(self.core).routes
        return self.cores * sum(size for route, (size, _) in routes.items() if "ddr" in route)


def plan(program: Program, options: PlanOptions | None = None) -> Plan:
    """Plan memory and the program of a core; values are not looked at, so a structure-only program will do.

    Raises:
        DoesNotFit: the program needs more of a memory than `options` gives it.
    """
    options = options or PlanOptions(cores=program.batch)
    core = compile_passes(
        program,
        PassOptions(
            cores=options.cores,
            resources=options.resources,
            tiling_depth=options.tiling_depth,
            chip=options.chip,
        ),
    )
    constants = sum(one.size for one in core.transfers[: _layers_from(core)])
    if constants > options.l2_bytes:
        raise DoesNotFit(
            f"the vector constants take {constants} bytes of L2, and the model may use {options.l2_bytes}: give it a "
            "larger share (resources)"
        )
    if constants > options.l1_bytes:
        raise DoesNotFit(f"the vector constants take {constants} bytes, and L1 has {options.l1_bytes}")
    return Plan(core, tuple(_pools(program, core, options)), tuple(_weights(core)), options.cores)


def _layers_from(core: CoreProgram) -> int:
    """Return the number of the first transfer for a layer, whatever its name; vector constants come before, if there are any."""
    first = core.transfers[0] if core.transfers else None
    return int(first is not None and (first.what, first.source) == ("vector constants", "l2_const"))


def _round_up(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _pools(program: Program, core: CoreProgram, options: PlanOptions) -> Iterable[Pool]:
    """Yield the pools of model.json. The L2 pools together are the model's whole share of L2."""
    depth = 2 if options.double_buffer else 1
    frames, sizes = options.cores, core.pools
    inputs, outputs = (
        sum(_round_up(frames * program.tensors[name].size) for name in names)
        for names in (program.inputs, program.outputs)
    )
    constants = min(_round_up(sizes.get("l2_const", 0)), options.l2_bytes)
    pools = (
        Pool("ddr_input", inputs, "ddr", depth),
        Pool("ddr_output", outputs, "ddr", depth),
        Pool("l2_const", constants, "l2", blob="pool_l2_const.bin"),
        Pool("l2", options.l2_bytes - constants, "l2"),
        Pool("ddr_const", _round_up(sizes.get("ddr_const", 0)), "ddr", blob="pool_ddr_const.bin"),
        Pool("ddr", frames * _round_up(sizes.get("ddr", 0)), "ddr"),
    )
    return (pool for pool in pools if pool.size)


def _weights(core: CoreProgram) -> Iterable[Weights]:
    """Yield what each layer has in the constant pools, in the order of execution."""
    sizes: dict[str, list[int]] = {}
    for transfer in core.transfers[_layers_from(core) :]:
        if transfer.source in ("l2_const", "ddr_const"):
            total = sizes.setdefault(transfer.what, [0, 0])
            total[0] += transfer.size
            total[1] += transfer.size if transfer.source == "ddr_const" else 0
    return (Weights(layer, size, in_ddr) for layer, (size, in_ddr) in sizes.items())
