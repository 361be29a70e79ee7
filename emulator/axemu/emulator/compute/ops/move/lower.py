"""How operators that move bytes are lowered."""

from . import _concat, _constant, _pad, _reshape, _resize_nearest, _slice, _transpose

LOWER = {
    "concat": _concat.lower,
    "constant": _constant.lower,
    "pad": _pad.lower,
    "reshape": _reshape.lower,
    "resize_nearest": _resize_nearest.lower,
    "slice": _slice.lower,
    "transpose": _transpose.lower,
}
