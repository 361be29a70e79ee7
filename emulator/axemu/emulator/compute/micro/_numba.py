"""Numba's names without its partial type annotations, which describe ordinary functions and not these uses."""

from __future__ import annotations

from typing import Any

import numba
from numba.core import cgutils as _cgutils
from numba.core import datamodel as _datamodel
from numba.core import imputils as _imputils
from numba.core.typing import templates as _templates
from numba.extending import intrinsic as _intrinsic

njit: Any = numba.njit
intrinsic: Any = _intrinsic
types: Any = numba.types
cgutils: Any = _cgutils
datamodel: Any = _datamodel
imputils: Any = _imputils
templates: Any = _templates
