"""An evaluator of the vendor's TorchScript programs in NumPy, which executes their text: for trusted files only.

It shares nothing with the reader under test. PyTorch 2.8 gave the same bits for every module of a real program.
"""

from __future__ import annotations

import io
import pickle
import re
import typing
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

F = np.float32
Array = npt.NDArray[Any]
DTYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "LongStorage": "<i8", "CharStorage": "<i1"}


def f18(x: npt.ArrayLike) -> Array:
    """Round to 11 significant bits, to nearest even, by scaling: not the way the specification does it."""
    mantissa, exponent = np.frexp(np.asarray(x, F).astype(np.float64))
    return np.ldexp(np.rint(mantissa * 2048), exponent - 11).astype(F)


class Qtools:
    """The vendor's operators, as their artefacts use them. Whether `quantize` divides is not known."""

    def __init__(self, divides: bool) -> None:
        self._divides = divides

    def quantize(self, x: Array, scale: Array, zero: Array, _: bool) -> Array:
        factor = scale.reshape(())
        steps = x / factor if self._divides else x * (F(1) / factor)
        return np.clip(np.rint(steps + zero.reshape(())), -128, 127).astype(F)

    @staticmethod
    def dequantize(x: Array, scale: Array, zero: Array, _: bool) -> Array:
        return ((x - zero.reshape(())) * scale.reshape(())).astype(F)

    @staticmethod
    def fake_dequantize(x: Array, scale: Array, offset: Array, _: bool) -> Array:
        return ((x - offset) * scale).astype(F)

    @staticmethod
    def add_by_constant(x: Array, constant: Array) -> Array:
        return x + constant

    @staticmethod
    def mul_by_constant(x: Array, constant: Array) -> Array:
        return x * constant

    fake_cast_int8 = staticmethod(lambda x: x)
    fake_cast_float32 = staticmethod(lambda x: x)
    round_float18 = staticmethod(f18)


def windows(x: Array, kernel: Any, strides: Any, dilations: Any) -> Array:
    """Return (N, C, rows, columns, kh, kw)."""
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, extent, axis=(2, 3))
    return view[:, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]


class Torch:
    """The operators of PyTorch that such programs use; sums of integers are exact in float64."""

    @staticmethod
    def pad(x: Array, pads: Any, mode: str, value: float) -> Array:
        assert mode == "constant"
        left, right, top, bottom = pads
        return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)

    @staticmethod
    def _convolution(
        x: Array, w: Array, bias: None, strides: Any, pads: Any, dilations: Any, *rest: Any
    ) -> Array:
        assert bias is None
        assert pads == [0, 0]
        group = rest[2]
        taps = windows(x.astype(np.float64), w.shape[2:], strides, dilations)
        n, c, rows, columns = taps.shape[:4]
        taps = taps.reshape(n, group, c // group, rows, columns, *w.shape[2:])
        weights = w.astype(np.float64).reshape(group, w.shape[0] // group, *w.shape[1:])
        return (
            np.einsum("ngchwij,gocij->ngohw", taps, weights).reshape(n, w.shape[0], rows, columns).astype(F)
        )

    @staticmethod
    def avg_pool2d(x: Array, kernel: Any, strides: Any, *rest: Any) -> Array:
        assert rest[-1] == 1
        return windows(x.astype(np.float64), kernel, strides, (1, 1)).sum(axis=(4, 5)).astype(F)

    @staticmethod
    def max_pool2d(x: Array, kernel: Any, strides: Any, _pads: Any, dilations: Any) -> Array:
        return windows(x, kernel, strides, dilations).max(axis=(4, 5))

    cat = staticmethod(np.concatenate)
    add = staticmethod(np.add)
    sub = staticmethod(np.subtract)
    alias = staticmethod(lambda x: x)


class _Tensors(pickle.Unpickler):
    def __init__(self, content: bytes, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(io.BytesIO(content))
        self._archive, self._folder = archive, folder

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("__torch__"):
            return type("Stored", (), {"kind": f"{module}.{name}"})
        known = {"_rebuild_tensor_v2": _rebuild, "OrderedDict": dict, **{key: key for key in DTYPES}}
        return known[name]

    def persistent_load(self, pid: Any) -> Array:
        return np.frombuffer(self._archive.read(f"{self._folder}/{pid[2]}"), DTYPES[pid[1]])


def _rebuild(storage: Array, offset: int, shape: Any, strides: Any, *_: Any) -> Array:
    return np.ndarray(
        shape, storage.dtype, storage, offset * storage.itemsize, [s * storage.itemsize for s in strides]
    )


class Reference:
    """A program that can be run; `taps` holds the result of every part of the outermost module, by its name."""

    def __init__(self, path: Path, *, divides: bool = False) -> None:
        self.taps: dict[str, Array] = {}
        with zipfile.ZipFile(path) as archive:
            root = archive.namelist()[0].partition("/")[0]
            constants = _Tensors(archive.read(f"{root}/constants.pkl"), archive, f"{root}/constants").load()
            self._classes = {
                name[len(root) + 6 : -3].replace("/", "."): archive.read(name).decode()
                for name in archive.namelist()
                if name.endswith(".py")
            }
            stored = _Tensors(archive.read(f"{root}/data.pkl"), archive, f"{root}/data").load()
        self._names = {
            "torch": Torch,
            "ops": SimpleNamespace(qtools_cpp_ext=Qtools(divides)),
            "CONSTANTS": type("Constants", (), {f"c{i}": value for i, value in enumerate(constants)}),
            "Module": object,
            "Tensor": Array,
            "Optional": typing.Optional,
            "TORCH": _Anything(),
        }
        self._made: dict[str, type] = {}
        self._root = self._object(stored, "")

    def run(self, *inputs: Array) -> Any:
        """Return what `forward` returns for NCHW inputs."""
        return self._root.forward(*(np.asarray(one, F) for one in inputs))

    def _object(self, stored: Any, name: str) -> Any:
        made = self._class(stored.kind)()
        for part, value in vars(stored).items():
            setattr(made, part, self._object(value, part) if hasattr(value, "kind") else value)
        if name:
            made.forward = self._tapped(made.forward, name)
        return made

    def _tapped(self, forward: Any, name: str) -> Any:
        def tapped(*arguments: Any) -> Any:
            self.taps[name] = forward(*arguments)
            return self.taps[name]

        return tapped

    def _class(self, kind: str) -> type:
        if kind not in self._made:
            module = kind.rpartition(".")[0]
            # Names with two underscores would be changed inside a class.
            text = re.sub(r"self: [\w.]+", "self", self._classes[module])
            text = text.replace("___torch_mangle", "mangled").replace("__torch__", "TORCH")
            space: dict[str, Any] = dict(self._names)
            exec(text, space)  # noqa: S102  the program is one of ours, or of the material
            self._made.update(
                {f"{module}.{key}": value for key, value in space.items() if isinstance(value, type)}
            )
        return self._made[kind]


class _Anything:
    def __getattr__(self, name: str) -> _Anything:
        return self
