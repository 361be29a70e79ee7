"""Damaged directories of the vendor's compiler: refused, or translated into what the damaged program still says."""

from __future__ import annotations

import json
import random
import re
import shutil
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tests._vendor.networks import Network, everything, frame
from tests._vendor.reference import Reference
from tests._vendor.writer import write_archive
from tests.system._mutations import mutate_bytes, mutate_document

from axelera.compiler.importing import import_program
from axemu.model.ops import execute

SHAPE = (8, 8, 3)


@cache
def original(folder: Path) -> tuple[Path, dict[str, bytes], Network, str]:
    """Return an undamaged directory, the members of its archive, and the network with its input."""
    net, x, y = everything()
    buffers = [net.port(x, SHAPE, (8, 16, 4))]
    directory = net.directory(folder / "original", buffers, {y: net.port(y, (1, 1, 10), (1, 1, 64))})
    with zipfile.ZipFile(directory / "quantized_model.pt") as archive:
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    return directory, members, net, x


def case(seed: int, folder: Path) -> None:
    """Damage the archive in one of many ways, and read it."""
    chance = random.Random(seed)
    directory, members, net, x = original(folder)
    mutant = folder / "mutant"
    shutil.rmtree(mutant, ignore_errors=True)
    shutil.copytree(directory, mutant)
    target = mutant / "quantized_model.pt"
    damage = chance.choice((*DAMAGES, *DAMAGES[1:]))
    if damage is of_the_file:
        target.write_bytes(mutate_bytes(target.read_bytes(), chance))
    elif damage is of_a_document:
        of_a_document(mutant, chance)
    else:
        changed = dict(members)
        damage(changed, chance)
        write_archive(target, changed)
    program = import_program(mutant)
    real = frame(net, x, SHAPE, seed)
    wanted, codes = said(mutant, directory, real)
    buffer = np.full((8, 16, 4), program.tensors[program.inputs[0]].zero_point, np.int8)
    buffer[:, :8, :3] = codes
    (found,) = execute(program, {program.inputs[0]: buffer}).values()
    assert found.ravel()[:10].tolist() == wanted


def said(mutant: Path, directory: Path, real: Any) -> tuple[list[int], Any]:
    """Return what a program's text gives; where damage is to what only Python would look at, that of the original."""
    for path in (mutant, directory):
        try:
            reference = Reference(path / "quantized_model.pt")
            reference.run(real)
            codes = reference.taps["input_qre"][0].transpose(1, 2, 0).astype(np.int8)
            return reference.taps["y_qre"].ravel().astype(int).tolist(), codes
        except Exception:  # noqa: BLE001, S112  the evaluator trusts its files and fails in any way
            continue
    raise AssertionError("the original does not run")


def of_the_file(_: dict[str, bytes], __: random.Random) -> None:
    """Change bytes of the archive; most of it has checksums."""


def of_a_member(members: dict[str, bytes], chance: random.Random) -> None:
    """Change bytes of a member, whose checksum then fits."""
    name = chance.choice([name for name, content in members.items() if content])
    members[name] = mutate_bytes(members[name], chance)


def of_the_members(members: dict[str, bytes], chance: random.Random) -> None:
    """Take a member away, or give it the content or the name of another."""
    one, other = chance.choice(list(members)), chance.choice(list(members))
    match chance.randrange(3):
        case 0:
            del members[one]
        case 1:
            members[one] = members[other]
        case _:
            members[one], members[other] = members[other], members[one]


def of_the_text(members: dict[str, bytes], chance: random.Random) -> None:
    """Change numbers, names, lines and operators of a module."""
    name = chance.choice([name for name in members if name.endswith(".py")])
    text = members[name].decode()
    for _ in range(chance.choice((1, 1, 2))):
        lines = text.split("\n")
        place, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(7):
            case 0 | 1:
                numbers = [
                    "0",
                    "1",
                    "-1",
                    "2",
                    "3",
                    "64",
                    "1000000000",
                    "-128.",
                    "0.5",
                    "1e30",
                    "True",
                    "None",
                    "[1]",
                ]
                text = exchanged(text, r"-?\b\d+\.?\b", chance.choice(numbers), chance)
            case 2:
                text = exchanged(
                    text, r"(?:torch|ops\.qtools_cpp_ext)\.\w+(?=\()", chance.choice(OPERATORS), chance
                )
            case 3:
                text = exchanged(text, r"CONSTANTS\.c\d+", f"CONSTANTS.c{chance.randrange(60)}", chance)
            case 4:
                names = re.findall(r"\b\w+\b", text)
                text = exchanged(text, r"\b\w+\b", chance.choice(names), chance)
            case 5:
                lines[place], lines[other] = lines[other], lines[place]
                text = "\n".join(lines)
            case _:
                lines.insert(place, lines[other]) if chance.random() < 0.5 else lines.pop(place)
                text = "\n".join(lines)
    members[name] = text.encode()


def of_the_pickles(members: dict[str, bytes], chance: random.Random) -> None:
    """Change names, integers and opcodes of a pickle."""
    name = chance.choice(("constants.pkl", "data.pkl"))
    content = members[name]
    match chance.randrange(3):
        case 0:
            names = (
                b"os\nsystem\n",
                b"builtins\neval\n",
                b"torch\nLongStorage\n",
                b"torch\nHalfStorage\n",
                b"torch\nload\n",
            )
            content = exchanged(content, rb"(?<=c)[\w.]+\n\w+\n", chance.choice(names), chance)
        case 1:
            content = exchanged(content, rb"K.", b"K" + bytes([chance.randrange(256)]), chance)
        case _:
            opcodes = b"(tlde]})0.21NRbQq\x81\x85\x88\x89\x93\x94"
            place = chance.randrange(len(content))
            content = content[:place] + bytes([chance.choice(opcodes)]) + content[place + 1 :]
    members[name] = content


def of_a_tensor(members: dict[str, bytes], chance: random.Random) -> None:
    """Change values of a stored tensor."""
    name = chance.choice(
        [name for name in members if name.startswith("constants/") and len(members[name]) % 4 == 0]
    )
    values = np.frombuffer(members[name], np.float32).copy()
    numbers = (0, 1, -1, 0.5, 127, 128, -128, -129, 1e-30, 1e30, -1e9, np.nan, np.inf, 1.0009765625, 0.1)
    for _ in range(chance.choice((1, 1, 5))):
        values[chance.randrange(values.size)] = np.float32(chance.choice(numbers))
    members[name] = values.tobytes()


def of_a_document(mutant: Path, chance: random.Random) -> None:
    """Change values of model.json or manifest.json."""
    path = mutant / chance.choice(("model.json", "manifest.json"))
    document = json.loads(path.read_text(encoding="utf-8"))
    mutate_document(document, chance)
    path.write_text(json.dumps(document), encoding="utf-8")


def exchanged(text: Any, pattern: Any, value: Any, chance: random.Random) -> Any:
    """Put `value` in the place of one of the matches."""
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    start, end = chance.choice(found).span()
    return text[:start] + value + text[end:]


OPERATORS = (
    "torch.add", "torch.sub", "torch.mul", "torch.max_pool2d", "torch.cat", "torch.alias", "torch.pad", "torch.load",
    "ops.qtools_cpp_ext.quantize", "ops.qtools_cpp_ext.dequantize", "ops.qtools_cpp_ext.round_float18",
    "ops.qtools_cpp_ext.add_by_constant", "ops.qtools_cpp_ext.fake_cast_int8", "ops.qtools_cpp_ext.nothing",
)  # fmt: skip
DAMAGES: tuple[Callable[..., None], ...] = (
    of_the_file, of_a_member, of_the_members, of_the_text, of_the_pickles, of_a_tensor, of_a_document,
)  # fmt: skip
CASES = {"quantized_model.pt": case}
