"""How pools are lowered."""

from . import _average, _max

LOWER = {"avg_pool": _average.lower, "max_pool": _max.lower}
