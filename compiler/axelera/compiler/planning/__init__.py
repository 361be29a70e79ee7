"""Planning: where activations and weights lie, and what the chip does for each operator."""

from axelera.compiler.planning._memory import DoesNotFit
from axelera.compiler.planning._options import PlanOptions
from axelera.compiler.planning._plan import Placement, Plan, Pool, plan

__all__ = ["DoesNotFit", "Placement", "Plan", "PlanOptions", "Pool", "plan"]
