"""TorchScript archives in the form of the vendor's compiler, written by hand: text, pickles and tensors in a ZIP."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

STORAGES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "int64": "LongStorage",
    "int8": "CharStorage",
}
ROOT = "__torch__.torch.fx.graph_module.GraphModule"


@dataclass
class Module:
    """A module: its class, and its parts by name."""

    kind: str
    parts: dict[str, object] = field(default_factory=dict)


class Pickle:
    """Writes the opcodes that PyTorch writes, names once and then from the memo."""

    def __init__(self, folder: str) -> None:
        self.members: dict[str, bytes] = {}
        self._folder = folder
        self._memo: dict[str, int] = {}

    def of(self, value: object) -> bytes:
        return b"\x80\x02" + self._value(value) + b"."

    def name(self, module: str, attribute: str) -> bytes:
        key = f"{module} {attribute}"
        if key in self._memo:
            return (
                b"h" + bytes([self._memo[key]])
                if self._memo[key] < 256
                else b"j" + struct.pack("<I", self._memo[key])
            )
        self._memo[key] = place = len(self._memo)
        put = b"q" + bytes([place]) if place < 256 else b"r" + struct.pack("<I", place)
        return b"c" + f"{module}\n{attribute}\n".encode() + put

    def _value(self, value: object) -> bytes:
        match value:
            case tuple():
                return b"(" + b"".join(map(self._value, value)) + b"t"
            case dict():
                pairs = b"".join(self._value(key) + self._value(item) for key, item in value.items())
                return b"}(" + pairs + b"u"
            case Module():
                module, _, kind = value.kind.rpartition(".")
                return self.name(module, kind) + b")\x81" + self._value(value.parts) + b"b"
            case np.ndarray():
                return self.tensor(value)
        return plain(value)

    def tensor(self, value: npt.NDArray[Any]) -> bytes:
        key = str(len(self.members))
        self.members[f"{self._folder}/{key}"] = np.ascontiguousarray(value).tobytes()
        strides = tuple(stride // value.itemsize for stride in np.ascontiguousarray(value).strides)
        storage = (
            b"("
            + self._value("storage")
            + self.name("torch", STORAGES[str(value.dtype)])
            + b"".join(map(self._value, (key, "cpu", value.size)))
            + b"tQ"
        )
        layout = b"".join(map(self._value, (0, value.shape, strides if value.ndim else ())))
        hooks = self.name("collections", "OrderedDict") + b")R"
        return (
            self.name("torch._utils", "_rebuild_tensor_v2")
            + b"("
            + storage
            + layout
            + b"\x89"
            + hooks
            + b"tR"
        )


def plain(value: object) -> bytes:
    """Return the opcode of a value that holds no others."""
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)
    text = str(value).encode()
    return b"X" + struct.pack("<I", len(text)) + text


class Script:
    """A program whose outermost module calls others, one after the other."""

    def __init__(self, inputs: int = 1) -> None:
        self.constants: list[npt.NDArray[Any]] = []
        self.classes: dict[str, str] = {}
        self.parts: dict[str, object] = {"training": False, "_is_full_backward_hook": None}
        self.lines: list[str] = []
        self.parameters = [f"input_{index + 1}" for index in range(inputs)]

    def constant(self, value: npt.ArrayLike, dtype: str = "float32") -> str:
        """Store a tensor and return how the text calls it."""
        self.constants.append(np.array(value, dtype))
        return f"CONSTANTS.c{len(self.constants) - 1}"

    def module(self, name: str, body: Sequence[str], *inputs: str) -> str:
        """Add a module and a call of it; `body` reads argument_1 and so on. Return the name of its result."""
        number = len(self.classes)
        folder = f"axelera.layers.___torch_mangle_{number}"
        kind = f"__torch__.{folder}.Layer"
        parameters = "".join(f",\n    argument_{index + 1}: Tensor" for index in range(len(inputs)))
        self.classes[f"code/__torch__/{folder.replace('.', '/')}.py"] = (
            "class Layer(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
            "  _is_full_backward_hook : Optional[bool]\n"
            f"  def forward(self: {kind}{parameters}) -> Tensor:\n"
            + "".join(f"    {line}\n" for line in body)
        )
        self.parts[name] = Module(kind, {"training": False})
        self.lines.insert(number, f'part_{number} = getattr(self, "{name}")')
        self.lines.append(f"_{number} = (part_{number}).forward({', '.join(inputs)}, )")
        return f"_{number}"

    def members(self, *outputs: str) -> dict[str, bytes]:
        """Return the members of the archive, by name."""
        result = outputs[0] if len(outputs) == 1 else f"({', '.join(outputs)})"
        parameters = ",\n    ".join(f"{name}: Tensor" for name in self.parameters)
        annotations = "".join(
            f'  __annotations__["{name}"] = {part.kind}\n'
            for name, part in self.parts.items()
            if isinstance(part, Module)
        )
        text = (
            f"class GraphModule(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n{annotations}"
            f"  def forward(self: {ROOT},\n    {parameters}) -> Tensor:\n"
            + "".join(f"    {line}\n" for line in (*self.lines, f"return {result}"))
        )
        constants, data = Pickle("constants"), Pickle("data")
        return {
            "data.pkl": data.of(Module(ROOT, self.parts)),
            "code/__torch__/torch/fx/graph_module.py": text.encode(),
            "code/__torch__/torch/fx/graph_module.py.debug_pkl": b"\x80\x02N.",
            **{name: content.encode() for name, content in self.classes.items()},
            "constants.pkl": constants.of(tuple(self.constants)),
            **data.members,
            **constants.members,
            "version": b"3\n",
            "byteorder": b"little",
        }


def write_archive(path: Path, members: Mapping[str, bytes], root: str = "quantized_model") -> Path:
    """Write an archive as PyTorch does: longer texts packed, tensors as they are."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            packed = name.startswith("code/") and len(content) > 200
            entry = zipfile.ZipInfo(f"{root}/{name}")
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    return path
