"""Planning: what each core does for one call, and where everything lies."""

from axelera.compiler.planning._options import PlanOptions
from axelera.compiler.planning._plan import DoesNotFit, Plan, Pool, Weights, plan
from axelera.compiler.planning.passes import Occupancy, PassOptions, occupancy

__all__ = [
    "DoesNotFit",
    "Occupancy",
    "PassOptions",
    "Plan",
    "PlanOptions",
    "Pool",
    "Weights",
    "occupancy",
    "plan",
]
