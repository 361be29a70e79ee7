"""What the library says about a model's tensors, against what its files say."""

from __future__ import annotations

import logging
import math
from typing import Any

from axemu.driver._errors import IncompatibleDevice
from axemu.driver._tensor_info import TensorInfo
from axemu.driver._types import ModelFiles
from axemu.driver.native._abi import MOST_DIMS, ffi
from axemu.driver.native._library import Library
from axemu.driver.native._messages import LOGGER

_log = logging.getLogger(LOGGER)


def check_tensors(library: Library, loaded: Any, model: ModelFiles) -> None:
    """Refuse a model whose buffers the library sees with other sizes; say what else it sees differently.

    Raises:
        IncompatibleDevice: numbers or sizes of tensors differ.
    """
    functions = library.functions
    for side, infos, count, get in (
        ("input", model.inputs, functions.axr_num_model_inputs, functions.axr_get_model_input),
        ("output", model.outputs, functions.axr_num_model_outputs, functions.axr_get_model_output),
    ):
        found = int(count(loaded))
        if found != len(infos):
            raise IncompatibleDevice(
                f"model {model.name!r}: the native library sees {found} {side}s, model.json has {len(infos)}"
            )
        for index, info in enumerate(infos):
            returned = get(loaded, index)
            where = f"model {model.name!r}: {side} {index} ({info.name})"
            _compare(
                where, info, returned.info, int(functions.axr_tensor_size(ffi.addressof(returned, "info")))
            )


def _compare(where: str, info: TensorInfo, native: Any, size: int) -> None:
    dims = int(native.ndims)
    shape = tuple(int(native.dims[axis]) for axis in range(min(dims, MOST_DIMS)))
    if (
        not 1 <= dims <= MOST_DIMS
        or size != info.size
        or math.prod(shape) * int(native.bits) != 8 * info.size
    ):
        raise IncompatibleDevice(
            f"{where}: the native library sees {size} B, {dims} dimensions {shape} of {native.bits} bits; model.json has "
            f"{info.size} B, shape {info.shape}: compile the model again for this runtime"
        )
    padding = [tuple(int(part) for part in native.padding[axis]) for axis in range(dims)]
    seen = {
        "shape": (shape, info.shape),
        "padding": (padding, info.padding or [(0, 0)] * len(info.shape)),
        "zero point": (int(native.zero_point), int(info.zero_point)),
    }
    differing = [f"{what} {one} (files: {other})" for what, (one, other) in seen.items() if one != other]
    if not math.isclose(native.scale, info.scale, rel_tol=1e-6):
        differing.append(f"scale {native.scale} (files: {info.scale})")
    if differing:
        _log.warning("%s: the native library has %s; the files are followed", where, "; ".join(differing))
