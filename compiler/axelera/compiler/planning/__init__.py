"""Planning: what each core does for one call, and where everything lies."""

from axelera.compiler.planning._options import PlanOptions
from axelera.compiler.planning._plan import DoesNotFit, Plan, Pool, Weights, plan

__all__ = ["DoesNotFit", "Plan", "PlanOptions", "Pool", "Weights", "plan"]
