"""Planning as the vendor's compiler does it: passes, steps and transfers of one core.

`docs/explanation/programs.md` lists the rules R1 to R18, what each rests on and how to switch those that were inferred.
"""

from axelera.compiler.planning.passes._compile import compile_passes
from axelera.compiler.planning.passes._kernel import Kernel, Window, best_copies, dense_kernels, image_kernel
from axelera.compiler.planning.passes._occupancy import Occupancy, occupancy
from axelera.compiler.planning.passes._options import PassOptions
from axelera.compiler.planning.passes._rules import RULES, Rule

__all__ = [
    "RULES",
    "Kernel",
    "Occupancy",
    "PassOptions",
    "Rule",
    "Window",
    "best_copies",
    "compile_passes",
    "dense_kernels",
    "image_kernel",
    "occupancy",
]
