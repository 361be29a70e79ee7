"""The pickles of a TorchScript archive: a dozen opcodes that can make modules, tensors and plain values, and nothing else.

Python's own unpickler calls what a pickle names. This one only ever compares names with a list.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import IncompatibleDevice, InvalidArgument
from axemu.driver.bounded import shown
from axemu.model.torchscript._archive import Archive

MAX_OPCODES = 1 << 20
MAX_RANK = 8
_MODULES = "__torch__."
_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "CharStorage": "<i1",
    "ByteStorage": "|u1",
    "ShortStorage": "<i2",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
    "BoolStorage": "|b1",
}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor as a pickle describes it: of the `elements` of the member `key`."""

    key: str
    dtype: str
    elements: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def load(self, archive: Archive, folder: str) -> npt.NDArray[Any]:
        """Return its values, C-contiguous and read only.

        Raises:
            InvalidArgument: it reaches outside its member, or holds more values than that.
        """
        content = archive.tensor(f"{folder}/{self.key}")
        dtype = np.dtype(self.dtype)
        if len(content) != self.elements * dtype.itemsize:
            raise InvalidArgument(
                f"{archive.path}: member {folder}/{self.key} has {len(content)} B, expected {self.elements} values of {dtype}"
            )
        count = 1
        for size in self.shape:
            count *= size
        if count * dtype.itemsize > len(content):
            raise InvalidArgument(
                f"{archive.path}: member {folder}/{self.key} holds {len(content)} B, too few for {dtype} {self.shape}"
            )
        strides = tuple(stride * dtype.itemsize for stride in self.strides)
        try:
            view: npt.NDArray[Any] = np.ndarray(
                self.shape, dtype, content, self.offset * dtype.itemsize, strides
            )
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidArgument(
                f"{archive.path}: member {folder}/{self.key} has no room for {dtype} {self.shape} with strides {self.strides}"
                f" from {self.offset} on"
            ) from error
        values = np.ascontiguousarray(view).reshape(self.shape)
        values.flags.writeable = False
        return values


@dataclass(slots=True)
class StoredModule:
    """An object of a class of the archive, such as `__torch__.torch.nn.modules.container.Sequential`."""

    kind: str
    attributes: dict[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Name:
    """What a pickle asks for by name; never looked up."""

    text: str


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: str
    elements: int


_REBUILD = "torch._utils _rebuild_tensor_v2"
_ORDERED = "collections OrderedDict"
_MARK = object()


def read_pickle(archive: Archive, name: str) -> object:
    """Return the value of a pickle: nested tuples, lists, dicts and plain values, `StoredTensor` and `StoredModule`.

    Raises:
        InvalidArgument: it is damaged.
        IncompatibleDevice: it holds an opcode or asks for a name that no program of the vendor's compiler is known to have.
    """
    return _Machine(archive.text(name), f"{archive.path}: {name}").run()


class _Machine:
    def __init__(self, content: bytes, where: str) -> None:
        self._content, self._where = content, where
        self._at = 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> object:
        for _ in range(MAX_OPCODES):
            code = self.take(1)[0]
            if code == 0x2E:  # STOP
                value = self._pop()
                if self._stack:
                    raise self._damaged("leaves values behind")
                return value
            action = _ACTIONS.get(code)
            if action is None:
                raise self._unknown(f"opcode {_opcode(code)}")
            action(self)
        raise InvalidArgument(f"{self._where}: has more than {MAX_OPCODES} opcodes")

    def take(self, count: int) -> bytes:
        piece = self._content[self._at : self._at + count]
        if len(piece) != count:
            raise self._damaged("ends within a value")
        self._at += count
        return piece

    def _line(self) -> str:
        end = self._content.find(b"\n", self._at, self._at + 1024)
        if end < 0:
            raise self._damaged("has a name without an end")
        line = self._content[self._at : end]
        self._at = end + 1
        return self._decoded(line)

    def _decoded(self, content: bytes) -> str:
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidArgument(f"{self._where}: is damaged: a text is not UTF-8") from error

    def integer(self, form: str) -> int:
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise self._damaged("takes a value that is not there")
        return self._stack.pop()

    def _top(self) -> Any:
        value = self._pop()
        self._stack.append(value)
        return value

    def _to_mark(self) -> list[Any]:
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] is _MARK:
                values = self._stack[place + 1 :]
                del self._stack[place:]
                return values
        raise self._damaged("has no mark where one is needed")

    def protocol(self) -> None:
        if self.take(1)[0] > 4:
            raise self._unknown("protocol above 4")

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def name(self) -> None:
        module, attribute = self._line(), self._line()
        name = f"{module} {attribute}"
        storage = attribute if module == "torch" else ""
        if not (name in (_REBUILD, _ORDERED) or storage in _DTYPES or module.startswith(_MODULES)):
            raise self._unknown(f"name {_brief(name)}")
        self._stack.append(_Name(name))

    def text(self) -> None:
        size = self.integer("<I")
        if size > 1 << 16:
            raise self._damaged(f"has a text of {size} B")
        self._stack.append(self._decoded(self.take(size)))

    def put(self, form: str) -> None:
        self._memo[self.integer(form)] = self._top()

    def get(self, form: str) -> None:
        place = self.integer(form)
        if place not in self._memo:
            raise self._damaged(f"looks for memo {place}, which is not there")
        self._stack.append(self._memo[place])

    def tuple_of(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._stack.append(tuple(reversed(values)))

    def marked_tuple(self) -> None:
        self._stack.append(tuple(self._to_mark()))

    def appends(self) -> None:
        values = self._to_mark()
        target = self._top()
        if not isinstance(target, list):
            raise self._damaged("appends to what is no list")
        target.extend(values)

    def set_items(self) -> None:
        values = self._to_mark()
        target = self._top()
        keys = values[::2]
        if (
            not isinstance(target, dict)
            or len(values) % 2
            or not all(isinstance(key, str | int) for key in keys)
        ):
            raise self._damaged("fills what is no dict, or not with pairs")
        target.update(zip(keys, values[1::2], strict=True))

    def persistent(self) -> None:
        match self._pop():
            case ("storage", _Name(text), str(key), str(), int(elements)) if (
                text.removeprefix("torch ") in _DTYPES
            ):
                self._stack.append(_Storage(key, _DTYPES[text.removeprefix("torch ")], elements))
            case other:
                raise self._unknown(f"storage {_brief(other)}")

    def reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        match function, arguments:
            case _Name("collections OrderedDict"), ():
                self._stack.append({})
            case (
                _Name("torch._utils _rebuild_tensor_v2"),
                (_Storage(key, dtype, elements), int(offset), tuple(shape), tuple(strides), bool(), dict()),
            ) if _is_layout(offset, shape, strides):
                self._stack.append(StoredTensor(key, dtype, elements, offset, shape, strides))
            case _:
                raise self._unknown(f"call {_brief(function)} of {_brief(arguments)}")

    def new(self) -> None:
        arguments, kind = self._pop(), self._pop()
        if arguments != () or not isinstance(kind, _Name) or not kind.text.startswith(_MODULES):
            raise self._unknown(f"object {_brief(kind)} of {_brief(arguments)}")
        self._stack.append(StoredModule(kind.text.replace(" ", ".")))

    def build(self) -> None:
        state, target = self._pop(), self._top()
        if (
            not isinstance(target, StoredModule)
            or not isinstance(state, dict)
            or not all(map(_is_text, state))
        ):
            raise self._unknown(f"state {_brief(state)} of {_brief(target)}")
        target.attributes.update(state)

    def _damaged(self, problem: str) -> InvalidArgument:
        return InvalidArgument(f"{self._where}: is damaged: byte {self._at} {problem}; copy it again")

    def _unknown(self, what: str) -> IncompatibleDevice:
        return IncompatibleDevice(
            f"{self._where}: byte {self._at} has {what}, which this SDK does not know in a program of the vendor's compiler; nothing "
            "was executed"
        )


def _brief(value: object) -> str:
    return shown(value)[:200]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_layout(offset: int, shape: tuple[Any, ...], strides: tuple[Any, ...]) -> bool:
    numbers = (offset, *shape, *strides)
    return len(shape) == len(strides) <= MAX_RANK and all(
        type(number) is int and 0 <= number < 1 << 40 for number in numbers
    )


def _opcode(code: int) -> str:
    import pickletools  # noqa: PLC0415  only for the message

    known = {opcode.code: opcode.name for opcode in pickletools.opcodes}
    return known.get(chr(code), f"0x{code:02x}")


_ACTIONS: dict[int, Callable[[_Machine], None]] = {
    0x80: _Machine.protocol,  # PROTO
    ord("("): lambda m: m.push(_MARK),
    ord("c"): _Machine.name,  # GLOBAL
    ord("X"): _Machine.text,  # BINUNICODE
    ord("q"): lambda m: m.put("<B"),
    ord("r"): lambda m: m.put("<I"),
    ord("h"): lambda m: m.get("<B"),
    ord("j"): lambda m: m.get("<I"),
    ord("K"): lambda m: m.push(m.integer("<B")),
    ord("M"): lambda m: m.push(m.integer("<H")),
    ord("J"): lambda m: m.push(m.integer("<i")),
    0x8A: lambda m: m.push(int.from_bytes(m.take(m.integer("<B")), "little", signed=True)),  # LONG1
    ord("G"): lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord(")"): lambda m: m.push(()),
    ord("t"): _Machine.marked_tuple,
    0x85: lambda m: m.tuple_of(1),
    0x86: lambda m: m.tuple_of(2),
    0x87: lambda m: m.tuple_of(3),
    ord("}"): lambda m: m.push({}),
    ord("]"): lambda m: m.push([]),
    ord("e"): _Machine.appends,
    ord("u"): _Machine.set_items,
    ord("Q"): _Machine.persistent,  # BINPERSID
    ord("R"): _Machine.reduce,
    0x81: _Machine.new,  # NEWOBJ
    ord("b"): _Machine.build,
}
