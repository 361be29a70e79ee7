"""ONNX files of strangers: what a file asks protobuf to make is counted on the wire before protobuf reads it.

A message of two bytes becomes an object of a hundred, and the checkers of ONNX walk over each several times.
"""

from __future__ import annotations

import mmap
import os
import stat
from pathlib import Path

import onnx

from axelera.compiler._errors import ModelError
from axemu.driver.bounded import open_without_waiting

MAX_BYTES = 1 << 31
"""What protobuf reads at most."""
MAX_NODES = 1 << 14
MAX_MESSAGES = 1 << 17
"""Nodes, attributes, tensors, values and names of all graphs."""
MAX_DEPTH = 8
"""Graphs inside graphs."""

_LENGTH_DELIMITED, _GROUP = 2, 3
_FIXED = {1: 8, 5: 4}
_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _LEAF, _FUNCTION = range(6)
_INSIDE = {
    _MODEL: {7: _GRAPH, 25: _FUNCTION},
    _GRAPH: {1: _NODE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {6: _GRAPH, 11: _GRAPH},
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
}
"""Numbers of the fields that hold what may hold graphs: ModelProto, GraphProto, NodeProto, AttributeProto, FunctionProto."""


def read_onnx(path: str | Path, *, external: bool = False) -> onnx.ModelProto:
    """Read an ONNX file, with the data it keeps in other files of its directory if `external`.

    Raises:
        ModelError: there is no such file, it is no ONNX model or exceeds the bounds of this module, or its data lies
            outside its directory.
    """
    path = Path(path)
    if path.is_dir():
        raise ModelError(f"model file {path} is a directory; give the path of an .onnx file")
    if not path.is_file():
        raise ModelError(f"model file {path}: no such file; give the path of an .onnx file")
    try:
        _check(path)
        return onnx.load(path, load_external_data=external)
    except ModelError:
        raise
    except Exception as error:  # protobuf, onnx and OS errors share no base class
        raise ModelError(f"model file {path} is not a readable ONNX model: {error}") from error


def _check(path: Path) -> None:
    with open(path, "rb", opener=open_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(f"model file {path} is not a regular file")
        if not status.st_size:
            raise ModelError(f"model file {path} is empty; export it again")
        if status.st_size > MAX_BYTES:
            raise ModelError(f"model file {path}: {status.st_size} bytes, an ONNX file has at most 2 GiB")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            problem = _problem(content)
    if problem:
        raise ModelError(f"model file {path} {problem}; no network this compiler takes does")


def _problem(content: mmap.mmap | bytes) -> str:
    """Say which bound a serialised ModelProto exceeds, or nothing; what is damaged is left to protobuf."""
    nodes = messages = 0
    waiting = [(_MODEL, 0, 0, len(content))]
    while waiting:
        kind, depth, place, end = waiting.pop()
        inside = _INSIDE[kind]
        while place < end:
            tag, place = _varint(content, place, end)
            number, wire = tag >> 3, tag & 7
            if wire == 0:
                _, place = _varint(content, place, end)
            elif wire in _FIXED:
                place += _FIXED[wire]
            elif wire == _LENGTH_DELIMITED:
                size, place = _varint(content, place, end)
                messages += 1
                within = inside.get(number, _LEAF)
                nodes += within == _NODE
                if messages > MAX_MESSAGES or nodes > MAX_NODES:
                    return f"has more than {MAX_NODES} nodes or {MAX_MESSAGES} attributes, tensors and names"
                if within != _LEAF and place + size <= end:
                    deeper = depth + (within == _GRAPH)
                    if deeper > MAX_DEPTH:
                        return f"has graphs within graphs, more than {MAX_DEPTH} deep"
                    waiting.append((within, deeper, place, place + size))
                place += size
            elif wire == _GROUP:
                return "holds groups, which ONNX has not"
            else:
                break
    return ""


def _varint(content: mmap.mmap | bytes, place: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while place < end and shift < 70:
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
    return value, place
