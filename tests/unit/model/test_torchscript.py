"""TorchScript archives are read without executing anything, within bounds, and refused by name."""

from __future__ import annotations

import pickle
import pickletools
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests._vendor.writer import Module, Pickle, Script, write_archive

from axemu.driver import AxeleraError, IncompatibleDevice, InvalidArgument
from axemu.model.torchscript import Value, read_torchscript

pytestmark = pytest.mark.slow

ROOT_TEXT = "code/__torch__/torch/fx/graph_module.py"


def doubling() -> Script:
    script = Script()
    two = script.constant([2.0, 3.0])
    script.module("layer/one", [f"x = torch.mul(argument_1, {two})", "return x"], "input_1")
    return script


def members(*lines: str) -> dict[str, bytes]:
    """Return an archive whose one module has `lines` in front of its return."""
    script = Script()
    script.constant([1.0])
    return script.members(script.module("layer", [*lines, "return argument_1"], "input_1"))


def read(path: Path, content: dict[str, bytes]) -> Any:
    return read_torchscript(write_archive(path / "program.pt", content))


def test_operators_come_in_the_order_in_which_they_are_called(tmp_path: Path) -> None:
    script = doubling()
    script.module("layer/two", ['return torch.pad(argument_1, [0, 1], "constant", -128.)'], "_0")
    graph = read(tmp_path, script.members("_1"))
    first, second = graph.operations
    assert [first.name, second.name] == ["torch.mul", "torch.pad"]
    assert [first.module, second.module] == ["layer/one", "layer/two"]
    assert first.arguments[0] == graph.inputs[0]
    assert second.arguments == (first.result, (0, 1), "constant", -128.0)
    assert graph.outputs == (second.result,)


def test_stored_tensors_come_with_their_values_and_names(tmp_path: Path) -> None:
    (operation,) = read(tmp_path, doubling().members("_0")).operations
    np.testing.assert_array_equal(operation.arguments[1], np.float32([2, 3]))
    assert operation.constants == {1: "CONSTANTS.c0"}


def test_tensors_of_modules_are_read_where_the_text_asks_for_them(tmp_path: Path) -> None:
    script = Script()
    script.module("layer", ["weight = self.weight", "return torch.mul(argument_1, weight)"], "input_1")
    part = script.parts["layer"]
    assert isinstance(part, Module)
    part.parts["weight"] = np.arange(6, dtype=np.float32).reshape(2, 3)
    (operation,) = read(tmp_path, script.members("_0")).operations
    np.testing.assert_array_equal(operation.arguments[1], np.arange(6).reshape(2, 3))


def test_strided_tensors_are_read_as_they_lie(tmp_path: Path) -> None:
    content = doubling().members("_0")
    body = Pickle("constants")
    whole = body.of((np.arange(6, dtype=np.float32).reshape(2, 3),))
    plain = b"K\x00(K\x02K\x03t(K\x03K\x01t"
    assert plain in whole
    content |= body.members | {"constants.pkl": whole.replace(plain, b"K\x01(K\x02K\x02t(K\x01K\x02t")}
    (operation,) = read(tmp_path, content).operations
    np.testing.assert_array_equal(operation.arguments[1], [[1, 3], [2, 4]])


def test_several_inputs_and_outputs_are_kept_in_order(tmp_path: Path) -> None:
    script = Script(inputs=2)
    script.module("a", ["return torch.add(argument_1, argument_2)"], "input_2", "input_1")
    graph = read(tmp_path, script.members("_0", "input_1"))
    assert graph.operations[0].arguments == (graph.inputs[1], graph.inputs[0])
    assert graph.outputs == (Value(2), graph.inputs[0])


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("x = argument_1 + argument_1", "line 8"),
        ("if True:", "line 8"),
        ("for i in argument_1:", "line 8"),
        ("x = torch.add(argument_1, argument_1, alpha=2)", "'alpha' by name"),
        ("x = argument_1[0]", "line 8"),
        ("x = open(argument_1)", "the name 'open'"),
        ("x = __import__(argument_1)", "the name '__import__'"),
        ("x = self.__class__", "a module or name"),
        ("x = torch.add(self)", "a module or name"),
        ("x = (self).missing(argument_1)", "no method 'missing'"),
        ("x = (self).forward(argument_1)", "nested deeper than 16"),
        ("x = getattr(self, argument_1)", "name 'getattr'"),
        ("a, b = argument_1", "assignment to 2 names"),
        ("lambda: 0", "line 8"),
        ("x = 'a\\n'", "holds a backslash"),
        ("x = CONSTANTS.c9", "CONSTANTS.c9 is not among the 1"),
        ("x = int(argument_1)", "int() of something that is no number"),
        ("x = " + "(" * 40 + "1" + ")" * 40, "nested deeper than 32"),
        ("x = argument_1" + ".a" * 40, "line 8"),
        ("x = torch.add(1" + "0" * 70 + ")", "a number of 71 characters"),
    ],
)  # fmt: skip
def test_what_the_language_of_traced_programs_has_not_is_refused_by_name(
    tmp_path: Path, line: str, named: str
) -> None:
    with pytest.raises((IncompatibleDevice, InvalidArgument), match=r"program\.pt") as caught:
        read(tmp_path, members(line, "y = torch.add(x)"))
    assert named in str(caught.value)


PLANTED: dict[str, Callable[[Path], bytes]] = {
    "reduce of os.system": lambda mark: pickle.dumps(_Runs(mark), protocol=2),
    "reduce by a later protocol": lambda mark: pickle.dumps(_Runs(mark), protocol=4),
    "inst": lambda mark: b"(X" + _text(f"open({str(mark)!r}, 'w')") + b"ibuiltins\nexec\n.",
    "global exec": lambda mark: b"\x80\x02cbuiltins\nexec\n(X" + _text(f"open({str(mark)!r}, 'w')") + b"tR.",
    "setstate": lambda mark: b"\x80\x02c__torch__.a\nB\n)\x81X" + _text(str(mark)) + b"b.",
    "called module": lambda mark: b"\x80\x02c__torch__.os\nsystem\n(X" + _text(f"touch {mark}") + b"tR.",
}


class _Runs:
    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> Any:
        return (Path.touch, (self._mark,))


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode()


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("name", ["data.pkl", "constants.pkl"])
def test_code_in_a_pickle_is_not_executed(tmp_path: Path, name: str, kind: str) -> None:
    mark = tmp_path / "executed"
    content = doubling().members("_0") | {name: PLANTED[kind](mark)}
    with pytest.raises(AxeleraError, match=name.replace(".", r"\.")):
        read(tmp_path, content)
    assert not mark.exists()


def test_the_planted_pickle_would_run_if_python_read_it(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    pickle.loads(PLANTED["reduce of os.system"](mark))  # noqa: S301
    assert mark.exists()


@pytest.mark.parametrize("place", ["module", "class", "method", "default", "debug"])
def test_code_in_the_text_is_not_executed(tmp_path: Path, place: str) -> None:
    mark = tmp_path / "executed"
    run = f'__import__("pathlib").Path("{mark}").touch()'
    content = doubling().members("_0")
    text = content[ROOT_TEXT].decode()
    match place:
        case "module":
            text = f"{run}\n{text}"
        case "class":
            text = text.replace("  training : bool\n", f"  training : bool\n  {run}\n")
        case "method":
            text = text.replace("    return _0", f"    x = {run}\n    return _0")
        case "default":
            text = text.replace("input_1: Tensor)", f"input_1: Tensor={run})")
        case _:
            content[f"{ROOT_TEXT}.debug_pkl"] = pickle.dumps(_Runs(mark), protocol=2)
    content[ROOT_TEXT] = text.encode()
    if place == "debug":
        read(tmp_path, content)
    else:
        with pytest.raises(AxeleraError, match=r"graph_module"):
            read(tmp_path, content)
    assert not mark.exists()


def test_a_packed_text_that_unpacks_to_far_more_is_refused_unread(tmp_path: Path) -> None:
    content = doubling().members("_0")
    content[ROOT_TEXT] += b" " * (32 << 20)
    path = write_archive(tmp_path / "bomb.pt", content)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InvalidArgument, match=r"claims 335\d+ B, expected at most 2097152"):
        read_torchscript(path)


def test_a_member_that_unpacks_to_more_than_it_claims_is_cut_off(tmp_path: Path) -> None:
    content = doubling().members("_0")
    content[ROOT_TEXT] += b" " * (16 << 20)
    path = write_archive(tmp_path / "liar.pt", content)
    size = struct.pack("<I", len(content[ROOT_TEXT]))
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", 5000)))

    tracemalloc.start()
    try:
        with pytest.raises(InvalidArgument, match="damaged"):
            read_torchscript(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_many_small_bombs_are_bounded_together(tmp_path: Path) -> None:
    script = Script()
    name = "input_1"
    for index in range(6):
        name = script.module(f"part{index}", ["return torch.alias(argument_1)"], name)
    content = script.members(name)
    content |= {member: text + b" " * (1 << 20) for member, text in content.items() if "layers" in member}
    with pytest.raises(InvalidArgument, match=r"unpack to more than 4194304 B"):
        read(tmp_path, content)


def test_tensors_that_share_their_bytes_are_bounded_by_the_file(tmp_path: Path) -> None:
    script = Script()
    big = script.constant(np.zeros(1 << 16))
    lines = [f"x{index} = torch.mul(argument_1, {big})" for index in range(3)]
    script.module("layer", [*lines, "return x2"], "input_1")
    graph = read(tmp_path, script.members("_0"))
    assert all(operation.arguments[1] is graph.operations[0].arguments[1] for operation in graph.operations)
    content = script.members("_0")
    uses = [f"x{index} = torch.mul(argument_1, CONSTANTS.c{index})" for index in range(50)]
    shared = Pickle("constants")
    one = shared.of((np.zeros(1 << 16, np.float32),))
    storage = one[one.index(b"(c") : -2]
    globals_again = storage
    content["constants.pkl"] = b"\x80\x02(" + globals_again[1:] * 50 + b"t."
    layer = next(name for name in content if "layers" in name)
    content[layer] = content[layer].replace(
        "\n".join(f"    {line}" for line in lines).encode(),
        "\n".join(f"    {line}" for line in uses).encode(),
    )
    with pytest.raises(InvalidArgument, match="take more than 4 times"):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((100,), (1,), 0), ((2,), (1,), 1), ((2,), (9,), 0), ((1 << 30,), (0,), 0), ((2, 2, 2), (0, 0, 0), 0)],
)
def test_tensors_that_reach_beyond_their_member_are_refused(
    tmp_path: Path, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    content = doubling().members("_0")
    body = Pickle("constants")
    number = lambda value: b"J" + struct.pack("<i", value)  # noqa: E731
    layout = number(offset) + b"".join(b"(" + b"".join(map(number, of)) + b"t" for of in (shape, strides))
    pickled = body.of((np.zeros(2, np.float32),)).replace(b"K\x00(K\x02t(K\x01t", layout)
    assert layout in pickled
    content |= body.members | {"constants.pkl": pickled}
    with pytest.raises(InvalidArgument, match=r"member constants/0"):
        read(tmp_path, content)


def test_calls_that_double_at_every_level_are_bounded(tmp_path: Path) -> None:
    script = Script()
    script.module("a", ["x = argument_1", "return x"], "input_1")
    content = script.members("_0")
    layer = next(name for name in content if "layers" in name)
    kind = (
        "__torch__." + layer.removeprefix("code/__torch__/").removesuffix(".py").replace("/", ".") + ".Layer"
    )
    methods = "".join(
        f"  def f{level}(self: {kind},\n    a: Tensor) -> Tensor:\n    b = (self).f{level + 1}(a, )\n"
        f"    c = (self).f{level + 1}(b, )\n" + f"    d = (self).f{level + 1}(c, )\n" * 20 + "    return c\n"
        for level in range(12)
    )
    content[layer] = (
        f"class Layer(Module):\n  def forward(self: {kind},\n    a: Tensor) -> Tensor:\n    return (self).f0(a, )\n{methods}"
        f"  def f12(self: {kind},\n    a: Tensor) -> Tensor:\n    return torch.alias(a)\n"
    ).encode()
    with pytest.raises(InvalidArgument, match=r"calls more than 32768 operators|runs more than"):
        read(tmp_path, content)


def test_lists_that_double_are_bounded_when_they_are_used(tmp_path: Path) -> None:
    lines = ["x0 = [argument_1, argument_1]", *(f"x{n + 1} = [x{n}, x{n}]" for n in range(60))]
    with pytest.raises(InvalidArgument, match=r"more than 262144 arguments"):
        read(tmp_path, members(*lines, "y = torch.cat(x60, 1)"))


def test_a_list_in_a_list_in_a_list_is_refused(tmp_path: Path) -> None:
    lines = ["x = [argument_1]", *["x = [x]"] * 5000, "y = torch.cat(x, 1)"]
    with pytest.raises(InvalidArgument, match="nested too deeply"):
        read(tmp_path, members(*lines))


def test_calls_in_brackets_in_calls_are_refused(tmp_path: Path) -> None:
    content = doubling().members("_0")
    text = content[ROOT_TEXT].decode()
    deep = "(self).forward(" + "torch.alias(" * 29 + "input_1" + ")" * 30
    with pytest.raises(AxeleraError, match=r"nested (too deeply|deeper than 16)"):
        read(tmp_path, content | {ROOT_TEXT: text.replace("    return _0", f"    return {deep}").encode()})


def test_a_module_inside_itself_ends(tmp_path: Path) -> None:
    content = doubling().members("_0")
    text = content[ROOT_TEXT].decode().replace("    return _0", "    return (self).forward(_0, )")
    with pytest.raises(IncompatibleDevice, match="nested deeper than 16"):
        read(tmp_path, content | {ROOT_TEXT: text.encode()})


@pytest.mark.parametrize(
    "opcode",
    [b"\x8c\x01a", b"\x93", b"\x82\x01", b"\x95" + b"\0" * 8, b"o", b"i", b"P1\n", b"I1\n", b"\x92"],
)
def test_opcodes_that_programs_do_not_need_are_refused_by_name(tmp_path: Path, opcode: bytes) -> None:
    content = doubling().members("_0") | {"constants.pkl": b"\x80\x02(" + opcode + b"t."}
    name = {op.code: op.name for op in pickletools.opcodes}[chr(opcode[0])]
    with pytest.raises(IncompatibleDevice, match=rf"opcode {name}"):
        read(tmp_path, content)


def test_a_pickle_of_lists_in_lists_is_no_danger(tmp_path: Path) -> None:
    deep = b"\x80\x02" + b"]" + b"(]" * 200_000 + b"e" * 200_000 + b"."
    with pytest.raises(AxeleraError, match=r"constants\.pkl"):
        read(tmp_path, doubling().members("_0") | {"constants.pkl": deep})


@pytest.mark.parametrize("name", ["data.pkl", "constants.pkl", ROOT_TEXT, "constants/0"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_missing_and_cut_members_are_refused_by_name(tmp_path: Path, name: str, damage: str) -> None:
    content = doubling().members("_0")
    if damage == "missing":
        del content[name]
    else:
        content[name] = content[name][: len(content[name]) // 2 if damage == "cut" else 0]
    with pytest.raises(AxeleraError, match=r"program\.pt"):
        read(tmp_path, content)


@pytest.mark.parametrize("version", ["2", "11", "x", "", "9" * 12])
def test_formats_of_another_age_are_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(IncompatibleDevice, match="version"):
        read(tmp_path, doubling().members("_0") | {"version": version.encode()})


def test_big_endian_tensors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IncompatibleDevice, match="little-endian"):
        read(tmp_path, doubling().members("_0") | {"byteorder": b"big"})


def test_members_outside_the_one_directory_are_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "program.pt", doubling().members("_0"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", b"")
    with pytest.raises(InvalidArgument, match=r"'other/data.pkl' is not in 'quantized_model'"):
        read_torchscript(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "program.pt", doubling().members("_0"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("quantized_model/data.pkl", b"")
    with pytest.raises(InvalidArgument, match="is there twice"):
        read_torchscript(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\5\6" + b"\0" * 18, b"\x80\x02N." * 100])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "program.pt"
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match=r"program\.pt"):
        read_torchscript(path)
