"""How operators that move bytes are lowered."""

from . import _concat, _constant, _pad, _reshape, _resize_nearest, _slice, _transpose

ASSEMBLE = {
    "concat": _concat.assemble,
    "constant": _constant.assemble,
    "pad": _pad.assemble,
    "reshape": _reshape.assemble,
    "resize_nearest": _resize_nearest.assemble,
    "slice": _slice.assemble,
    "transpose": _transpose.assemble,
}
