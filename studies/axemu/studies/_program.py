"""The program of a core, as the vendor's compiler would write it for a model."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from axemu import faces
from axemu.model.passes import CoreProgram, totals_of
from axemu.studies._scenario import Scenario
from axemu.studies._target import load_program

if TYPE_CHECKING:
    from axelera.compiler.planning.passes import PassOptions


def core_program(scenario: Scenario, options: PassOptions | None = None) -> CoreProgram:
    """Write the program that each core of an instance executes for one call.

    Args:
        scenario: its model and `compiled_cores` count; how fast it is does not matter here.
        options: rules to switch; by default those of `PassOptions` for the model's batch.

    Raises:
        AxeleraError: the model cannot be found or read, or the chip cannot run it.
    """
    program = load_program(scenario.model, scenario.compiled_cores)
    if program.core is not None and options is None:
        return program.core
    faces.check("axelera.compiler")
    from axelera.compiler.planning.passes import compile_passes  # noqa: PLC0415

    return compile_passes(program, options)


def program_to_dict(program: CoreProgram) -> dict[str, Any]:
    """Return a program as JSON-ready values: `docs/explanation/programs.md` lists the keys."""
    from axelera.compiler.planning.passes import RULES  # noqa: PLC0415

    totals = totals_of(program)
    return {
        "name": program.name,
        "simulated": True,
        "pools": program.pools,
        "task_list": program.task_list,
        "inferred": [asdict(RULES[code]) for code in program.inferred],
        "totals": {
            **{
                name: getattr(totals, name)
                for name in ("passes", "waits", "tasks", "load_cycles", "pass_cycles", "weight_bytes")
            },
            "steps": len(program.steps),
            "units": asdict(totals.units),
            "routes": {
                route: {"bytes": size, "beside_compute": beside}
                for route, (size, beside) in totals.routes.items()
            },
            "roles": {
                role: dict(zip(("passes", "cycles", "load_cycles", "weight_bytes"), sums, strict=True))
                for role, sums in totals.roles.items()
            },
        },
        "passes": [
            {**asdict(one), "cycles": one.units.cycles, "busiest": list(one.units.busiest)}
            for one in program.passes
        ],
        "transfers": [asdict(transfer) for transfer in program.transfers],
        "steps": [
            {"tasks": step.tasks, "actions": [[action.verb, action.index] for action in step.actions]}
            for step in program.steps
        ],
    }
