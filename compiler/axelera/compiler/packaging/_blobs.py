"""The constant pools of model.json as files: the weights in the order of execution, split between L2 and DDR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from axelera.compiler.planning import Plan
from axemu.model.program import Program


def write_blobs(directory: Path, program: Program, plan: Plan) -> None:
    """Write one file per constant pool, of exactly the pool's size; channels and ends are padded with zeros."""
    blobs = {pool.memory: pool for pool in plan.pools if pool.blob is not None}
    shares = {place.layer: place for place in plan.weights}
    parts: Mapping[str, list[bytes]] = {"l2": [], "ddr": []}
    for node in program.nodes:
        place = shares.get(node.name)
        if place is None or "weight" not in node.constants:
            continue
        weight = np.asarray(program.constant(node, "weight")).tobytes()[: place.size].ljust(place.size, b"\0")
        resident = place.size - place.in_ddr
        parts["l2"].append(weight[:resident])
        parts["ddr"].append(weight[resident:])
    for memory, pool in blobs.items():
        content = b"".join(parts[memory])[: pool.size]
        (directory / str(pool.blob)).write_bytes(content.ljust(pool.size, b"\0"))
