"""How much of each memory a network uses while it runs."""

from __future__ import annotations

from collections.abc import Sequence

from axemu import faces
from axemu.pages import Row
from axemu.studies._explain import Row as Layer
from axemu.studies._scenario import Scenario
from axemu.studies._target import load_program

KIB = 1024


def memory_rows(scenario: Scenario, layers: Sequence[Layer]) -> list[Row]:
    """Return what each memory holds over time, a row per layer and memory; nothing where it is not known.

    A compiled model does not say where its maps lie: it is planned again, which tells nothing if that gives another program.

    Args:
        scenario: whose model.
        layers: how long each layer takes, in the order of execution.
    """
    program = load_program(scenario.model, scenario.compiled_cores)
    faces.check("axelera.compiler")
    from axelera.compiler.planning import PassOptions, PlanOptions, occupancy, plan  # noqa: PLC0415

    if program.core is not None and plan(program, PlanOptions(program.batch)).core != program.core:
        return []
    known = {one.layer: one for one in occupancy(program, PassOptions(program.batch))}
    rows: list[Row] = []
    now = 0.0
    for layer in layers:
        if one := known.get(layer.name):
            parts = (
                ("L1", one.l1),
                ("L2 weights", one.l2_weights),
                ("L2 maps", one.l2_maps),
                ("DDR maps", one.ddr_maps),
            )
            rows += [
                {"ms": now / 1000, "KiB": size / KIB, "memory": name, "layer": layer.name}
                for name, size in parts
            ]
        now += layer.time_us
    rows += [{**row, "ms": now / 1000} for row in rows[-4:]]
    return rows
