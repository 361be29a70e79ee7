"""The report of a compiled model: what quantisation measured, joined with where everything lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axelera.compiler._parts import QuantisedParts
from axelera.compiler.config import CompilerConfig
from axelera.compiler.planning import Plan


def compiled_report(model: QuantisedParts, plan: Plan, config: CompilerConfig) -> dict[str, Any]:
    """Return the content of report.json."""
    macs: dict[str, int] = {}
    for one in plan.core.passes:
        macs[one.layer] = macs.get(one.layer, 0) + one.macs
    weights = {place.layer: place for place in plan.weights}
    measured: Mapping[str, Any] = {entry["name"]: entry for entry in model.report.get("operators", [])}
    makers = {node.output: node.name for node in model.program.nodes}
    operators = []
    for node in model.program.nodes:
        place = weights.get(node.name)
        operators.append(
            {
                "name": node.name,
                "operator": node.op,
                "runs_on": "chip",
                "inputs": [makers[name] for name in node.inputs if name in makers],
                "shape": list(model.program.tensors[node.output].shape),
                "output_bytes": model.program.tensors[node.output].size,
                "macs": macs.get(node.name, 0),
                "weight_bytes": place.size if place is not None else 0,
                "weights_in_ddr": place.in_ddr / place.size if place is not None else 0.0,
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
            "l1_peak": plan.core.pools.get("l1", 0),
            "activation_l2_peak": plan.core.pools.get("l2", 0),
            "ddr_traffic_per_call": plan.ddr_traffic,
            "pools": [
                {"name": p.name, "size": p.size, "memory": p.memory, "depth": p.depth} for p in plan.pools
            ],
        },
        "operators": operators,
    }
