"""How pools are lowered."""

from . import _average, _max

ASSEMBLE = {"avg_pool": _average.assemble, "max_pool": _max.assemble}
