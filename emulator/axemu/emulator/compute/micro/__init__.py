"""The shared micro-kernel and the memory access kernels are made of. Imported only where code is generated."""

from . import block, ir
from ._arguments import ScalarReader, Source, reader, sources
from ._combine import make_combine
from ._depth_tile import DepthTile, make_depth_tile
from ._intrinsic import intrinsic_of
from ._isa import Isa
from ._matrix import MatrixTile, make_matrix_tile, release_tiles, shape_tiles
from ._memory import (
    atomic_add,
    atomic_load,
    atomic_replace,
    atomic_swap,
    call_range,
    call_stage,
    copy_bytes,
    fill_bytes,
    load_f32,
    load_i32,
    load_i64,
    load_u8,
    relax,
    semaphore_post,
    semaphore_wait,
    store_i32,
    store_u8,
    yield_thread,
)
from ._neon import instructions
from ._numba import cgutils, njit
from ._pair_tile import STEP_BYTES, PairTile, make_pair_tile
from ._requantise import Requantise, shortened
from ._runs import run_end
from ._table import has_shuffles, translate_run
from ._thread import current_core, own_thread, read_cores, set_cores, thread_time
from ._tile import Tile, make_tile

__all__ = [
    "STEP_BYTES",
    "DepthTile",
    "Isa",
    "MatrixTile",
    "PairTile",
    "Requantise",
    "ScalarReader",
    "Source",
    "Tile",
    "atomic_add",
    "atomic_load",
    "atomic_replace",
    "atomic_swap",
    "block",
    "call_range",
    "call_stage",
    "cgutils",
    "copy_bytes",
    "current_core",
    "fill_bytes",
    "has_shuffles",
    "instructions",
    "intrinsic_of",
    "ir",
    "load_f32",
    "load_i32",
    "load_i64",
    "load_u8",
    "make_combine",
    "make_depth_tile",
    "make_matrix_tile",
    "make_pair_tile",
    "make_tile",
    "njit",
    "own_thread",
    "read_cores",
    "reader",
    "relax",
    "release_tiles",
    "run_end",
    "semaphore_post",
    "semaphore_wait",
    "set_cores",
    "shape_tiles",
    "shortened",
    "sources",
    "store_i32",
    "store_u8",
    "thread_time",
    "translate_run",
    "yield_thread",
]
