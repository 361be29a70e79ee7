"""The report of a compiled model: what quantisation measured, joined with where everything lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axelera.compiler._parts import QuantisedParts
from axelera.compiler.config import CompilerConfig
from axelera.compiler.planning import Plan


def compiled_report(model: QuantisedParts, plan: Plan, config: CompilerConfig) -> dict[str, Any]:
    """Return the content of report.json."""
    tasks = {task.name: task for task in plan.tasks}
    weights = {place.name: place for place in plan.placements if place.kind == "weights"}
    measured: Mapping[str, Any] = {entry["name"]: entry for entry in model.report.get("operators", [])}
    operators = []
    for node in model.program.nodes:
        task, place = tasks.get(node.name), weights.get(node.name)
        operators.append(
            {
                "name": node.name,
                "operator": node.op,
                "runs_on": "chip",
                "shape": list(model.program.tensors[node.output].shape),
                "output_bytes": model.program.tensors[node.output].size,
                "macs": task.macs if task is not None else 0,
                "weight_bytes": place.size if place is not None else 0,
                "weights_in_ddr": place.ddr if place is not None else 0.0,
                **{k: v for k, v in measured.get(node.name, {}).items() if k not in ("name", "operator")},
            }
        )
    return {
        **{key: value for key, value in model.report.items() if key != "operators"},
        "model": model.name,
        "note": "Sizes are those of the simulated chip; accuracy was measured on calibration samples.",
        "cores": config.aipu_cores_used,
        "resources": config.resources_used,
        "memory": {
            "weight_bytes": plan.weight_bytes,
            "weight_l2_bytes": plan.weight_l2_bytes,
            "weight_ddr_bytes": plan.weight_ddr_bytes,
            "activation_l1_peak": plan.activation_l1_peak,
            "activation_l2_peak": plan.activation_l2_peak,
            "ddr_traffic_per_call": plan.ddr_traffic,
            "pools": [
                {"name": p.name, "size": p.size, "memory": p.memory, "depth": p.depth} for p in plan.pools
            ],
        },
        "operators": operators,
    }
