"""`compare`: planted errors are found where they are, and named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests._vendor.networks import everything

from axelera import compiler
from axelera.compiler.quantisation import run_session, session
from axemu.driver import InvalidArgument
from axemu.model.program import Node, Program
from axemu.studies import (
    Comparison,
    ProgramSide,
    Recorded,
    Recording,
    RecordingSide,
    compare,
    onnx_side,
    program_side,
    qdq_network,
    read_side,
    reduce,
    write_page,
)
from axemu.testing.vectors import find

(DETECTOR,) = find(("network_detector",))
GOOD = ProgramSide("good", DETECTOR.program)
FRAME = [np.random.default_rng(5).normal(0, 2, (1, 3, 24, 24)).astype(np.float32)]
MORE = [[np.random.default_rng(seed).normal(0, 2, (1, 3, 24, 24)).astype(np.float32)] for seed in (6, 7)]
CONV = next(node for node in DETECTOR.program.nodes if node.name == "conv_9")
TABLE = next(node for node in DETECTOR.program.nodes if node.name == "lut_6")


def changed(node: Node, change: Callable[[np.ndarray], None], *roles: str) -> ProgramSide:
    """Return the program with changed constants of a node."""
    constants = dict(DETECTOR.program.constants)
    for role in roles:
        value = np.array(constants[node.constants[role]])
        change(value)
        constants[node.constants[role]] = value
    return ProgramSide("bad", replace(DETECTOR.program, constants=constants))


def exchange(value: np.ndarray) -> None:
    value[[2, 5]] = value[[5, 2]]


def enlarge(value: np.ndarray) -> None:
    value[3] *= 1.5


def flip(value: np.ndarray) -> None:
    value[120] ^= 1 << 5


EXCHANGED = changed(CONV, exchange, *CONV.constants)
SCALED = changed(CONV, enlarge, "scale_f18", "multiplier")
FLIPPED = changed(TABLE, flip, "table")


def divergence(found: Comparison) -> tuple[str | None, str]:
    entry = found.divergence
    return found.first, "" if entry is None else "\n".join(entry.findings)


def test_equal_sides_diverge_nowhere() -> None:
    found = compare(GOOD, ProgramSide("specification", DETECTOR.program, "specification"), [FRAME])
    assert found.first is None
    assert found.exact
    assert all(entry.accumulated.equal for entry in found.tensors)
    assert [entry.tensor for entry in found.tensors[1:]] == [node.output for node in DETECTOR.program.nodes]


@pytest.mark.parametrize(
    ("bad", "node", "said"),
    [
        (EXCHANGED, CONV, "channels 2 and 5 of tensor 'conv_9' are exchanged"),
        (SCALED, CONV, "values are those expected times 1.499 in channel 3: its scale is wrong"),
        (FLIPPED, TABLE, "the table's entry for input -8 (index 120) gives"),
    ],
    ids=["channels", "scale", "table"],
)
def test_a_planted_error_is_named_where_it_is(bad: ProgramSide, node: Node, said: str) -> None:
    first, findings = divergence(compare(bad, GOOD, [FRAME]))
    assert first == node.output
    assert said in findings
    assert "constant" in findings


@pytest.mark.parametrize(
    ("bad", "node", "said"),
    [
        (EXCHANGED, CONV, "channels 2 and 5 of tensor 'conv_9' are exchanged"),
        (SCALED, CONV, "in channel 3: its scale is wrong"),
        (FLIPPED, TABLE, "the table's entry for input -8 (index 120) gives"),
    ],
    ids=["channels", "scale", "table"],
)
def test_it_is_named_against_the_network_in_onnx_runtime(bad: ProgramSide, node: Node, said: str) -> None:
    first, findings = divergence(
        compare(bad, onnx_side(qdq_network(DETECTOR.program), "qdq"), [FRAME, *MORE])
    )
    assert first == node.output
    assert said in findings


def test_a_sound_program_does_not_diverge_from_its_onnx_form() -> None:
    found = compare(GOOD, onnx_side(qdq_network(DETECTOR.program), "qdq"), [FRAME])
    assert found.first is None
    assert not found.exact
    assert all(entry.local is None or entry.local.largest <= 2 for entry in found.tensors)
    assert found.notes[0] == "aligned before comparing: NCHW to NHWC"


def test_the_error_of_an_operator_and_that_of_all_before_it_are_apart() -> None:
    found = compare(EXCHANGED, GOOD, [FRAME])
    after = [entry for entry in found.tensors if not entry.accumulated.equal and entry.tensor != found.first]
    assert after
    assert all(entry.local is not None and entry.local.equal for entry in after)


def recorded(inputs: np.ndarray, outputs: list[np.ndarray]) -> RecordingSide:
    program = DETECTOR.program
    tensors = [program.tensors[name] for name in (*program.inputs, *program.outputs)]
    values = [
        Recorded(value[None], tensor.scale, tensor.zero_point)
        for tensor, value in zip(tensors, [inputs, *outputs], strict=True)
    ]
    names = [tensor.name for tensor in tensors]
    return RecordingSide(
        "card",
        Recording(
            "m",
            {names[0]: values[0]},
            dict(zip(names[1:], values[1:], strict=True)),
            {"board": "metis-0:1:0"},
        ),
    )


@pytest.mark.parametrize(
    ("fed", "said"),
    [
        (lambda x: x.transpose(2, 0, 1).reshape(x.shape), "NCHW was fed where NHWC is expected"),
        (lambda x: x[..., ::-1], "the channels are in reverse order"),
        (lambda x: (x.view(np.uint8) ^ 128).view(np.int8), "one side holds unsigned bytes"),
        (lambda x: x.transpose(1, 0, 2), "rows and columns are exchanged"),
    ],
    ids=["layout", "channels", "unsigned", "transposed"],
)
def test_a_board_that_was_fed_otherwise_is_told_by_its_recording(
    fed: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    (name,) = DETECTOR.program.inputs
    given = np.ascontiguousarray(fed(GOOD.buffers(FRAME)[name]))
    values = GOOD.run({name: given})
    side = recorded(given, GOOD.outputs(values))
    first, findings = divergence(compare(side, GOOD, [FRAME]))
    assert first == name
    assert said in findings
    assert (
        compare(side, GOOD).first is None
    )  # on the recorded inputs: the board computed what the program says


def test_a_recorded_output_that_the_program_does_not_give_is_found() -> None:
    (name,) = DETECTOR.program.inputs
    given = GOOD.buffers(FRAME)[name]
    outputs = [value.copy() for value in GOOD.outputs(GOOD.run({name: given}))]
    outputs[2][1, 2, 0] ^= 1
    found = compare(recorded(given, outputs), GOOD)
    assert found.first == DETECTOR.program.outputs[2]
    assert found.divergence is not None
    assert found.divergence.local is not None
    assert found.divergence.local.where == (0, 1, 2, 0)


def test_the_smallest_part_that_differs_runs_in_onnx_runtime() -> None:
    found = compare(FLIPPED, GOOD, [FRAME])
    small = reduce(FLIPPED, GOOD, [FRAME], found)
    assert small.nodes == (TABLE.name,)
    runner = session(small.network, "reduced", as_written=True)
    (real,) = run_session(runner, None, small.inputs, "reduced")
    tensor = DETECTOR.program.tensors[TABLE.output]
    codes = np.rint(real[0].transpose(1, 2, 0) / np.float32(tensor.scale)) + tensor.zero_point
    assert np.array_equal(codes, small.found)
    assert not np.array_equal(small.found, small.expected)


def test_there_is_nothing_to_cut_where_sides_do_not_diverge() -> None:
    found = compare(GOOD, GOOD, [FRAME])
    with pytest.raises(InvalidArgument, match="do not diverge: there is nothing to cut out"):
        reduce(GOOD, GOOD, [FRAME], found)


def float_network() -> onnx.ModelProto:
    """A network with balanced channels and a table: convolution, SiLU, depthwise convolution, ReLU, convolution."""
    rng = np.random.default_rng(2)
    graph = onnx.GraphProto(name="small")

    def conv(x: str, name: str, weight: np.ndarray, group: int = 1) -> str:
        spread = np.exp(rng.normal(0, 0.7, len(weight)))[:, None, None, None]
        graph.initializer.append(numpy_helper.from_array((weight * spread).astype(np.float32), f"{name}.w"))
        node = helper.make_node("Conv", [x, f"{name}.w"], [name], name=name, pads=[1, 1, 1, 1], group=group)
        graph.node.append(node)
        return name

    graph.input.append(helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16]))
    first = conv("image", "first", rng.normal(0, 0.4, (12, 3, 3, 3)))
    graph.node.append(helper.make_node("Sigmoid", [first], ["gate"], name="gate"))
    graph.node.append(helper.make_node("Mul", [first, "gate"], ["swish"], name="swish"))
    middle = conv("swish", "middle", rng.normal(0, 0.4, (12, 1, 3, 3)), group=12)
    graph.node.append(helper.make_node("Relu", [middle], ["positive"], name="positive"))
    graph.output.append(helper.make_tensor_value_info("last", TensorProto.FLOAT, [1, 8, 16, 16]))
    conv("positive", "last", rng.normal(0, 0.2, (8, 12, 3, 3)))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(3)
    samples = [rng.normal(0, 1, (1, 3, 16, 16)).astype(np.float32) for _ in range(6)]
    directory = tmp_path_factory.mktemp("compiled") / "1"
    config = compiler.CompilerConfig()
    compiler.compile(compiler.quantize(float_network(), samples, config), config, directory)
    return directory


IMAGE = [np.random.default_rng(4).normal(0, 1, (1, 3, 16, 16)).astype(np.float32)]


def test_a_compiled_directory_is_aligned_with_its_float_network(compiled: Path) -> None:
    found = compare(program_side(compiled), onnx_side(float_network(), "float"), [IMAGE])
    assert found.first is None
    entries = {entry.op: entry for entry in found.tensors}
    assert "channels balanced as when compiled" in entries["lut"].aligned
    for entry in found.tensors:
        assert entry.local is not None
        assert entry.local.sqnr_db is not None
        assert entry.local.sqnr_db > 30
    assert found.tensors[-1].accumulated.sqnr_db is not None
    assert found.tensors[-1].accumulated.sqnr_db > 25


def test_an_exchanged_channel_is_found_against_the_float_network(compiled: Path) -> None:
    good = program_side(compiled)
    conv = [node for node in good.program.nodes if node.op == "conv"][-1]
    constants = dict(good.program.constants)
    for name in conv.constants.values():
        constants[name] = constants[name].copy()
        exchange(constants[name])
    bad = replace(good, program=replace(good.program, constants=constants))
    first, findings = divergence(compare(bad, onnx_side(float_network(), "float"), [IMAGE]))
    assert first == conv.output
    assert f"channels 2 and 5 of tensor {conv.output!r} are exchanged" in findings


def test_both_numerics_may_be_compared(compiled: Path) -> None:
    found = compare(program_side(compiled, "core", "metis"), program_side(compiled, "core", "exact"), [IMAGE])
    assert max(entry.local.largest for entry in found.tensors if entry.local is not None) <= 1


def test_programs_of_different_networks_are_refused(compiled: Path) -> None:
    with pytest.raises(InvalidArgument, match="no tensor of the same name and shape"):
        compare(program_side(compiled), GOOD, [IMAGE])


def test_two_networks_without_a_program_are_refused() -> None:
    side = onnx_side(float_network(), "float")
    with pytest.raises(InvalidArgument, match="neither float nor float is a program"):
        compare(side, side, [IMAGE])


def test_the_page_holds_every_tensor_and_refers_to_nothing_outside(tmp_path: Path) -> None:
    found = compare(EXCHANGED, GOOD, [FRAME])
    write_page(tmp_path / "page.html", found)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(f'<td class="name">{entry.tensor}' in text for entry in found.tensors)
    assert text.count("<rect ") == len(found.tensors)
    assert "channels 2 and 5 of tensor &#39;conv_9&#39; are exchanged" in text
    assert "http" not in text
    assert "src=" not in text


def test_json_has_the_documented_keys() -> None:
    found = compare(SCALED, GOOD, [FRAME]).to_dict()
    assert set(found) == {"examined", "reference", "frames", "exact", "first", "notes", "advice", "tensors"}
    assert set(found["tensors"][3]) == {
        "tensor", "node", "operator", "inputs", "shape", "value", "aligned", "accumulated", "local", "findings",
    }  # fmt: skip
    assert set(found["tensors"][3]["local"]) == {"sqnr_db", "cosine", "off_by", "largest", "values", "where"}


def test_measures_agree_with_their_definitions() -> None:
    found = compare(EXCHANGED, GOOD, [FRAME])
    entry = found.divergence
    assert entry is not None
    tensor = DETECTOR.program.tensors[entry.tensor]
    buffers = GOOD.buffers(FRAME)
    one, two = (
        (side.run(buffers)[entry.tensor].astype(np.float64) - tensor.zero_point) * tensor.scale
        for side in (EXCHANGED, GOOD)
    )
    assert entry.accumulated.sqnr_db == pytest.approx(
        10 * np.log10((two**2).sum() / ((one - two) ** 2).sum()), abs=0.01
    )
    cosine = (one * two).sum() / np.sqrt((one**2).sum() * (two**2).sum())
    assert entry.accumulated.cosine == pytest.approx(cosine, abs=1e-5)
    steps = np.rint(np.abs(one - two) / tensor.scale)
    assert entry.accumulated.off_by == {
        k: int((steps == k).sum() if k < 8 else (steps >= 8).sum()) for k in range(9)
    }


def test_a_program_may_be_any_vector() -> None:
    chosen: list[Program] = [vector.program for vector in find(("attention_4x16", "matmul*"))]
    rng = np.random.default_rng(1)
    for program in chosen:
        frame = [
            rng.normal(0, 2, (1, c, h, w)).astype(np.float32)
            for h, w, c in (program.tensors[name].shape for name in program.inputs)
        ]
        found = compare(ProgramSide("core", program), onnx_side(qdq_network(program), "qdq"), [frame])
        assert found.first is None


def test_a_directory_of_the_vendors_compiler_is_a_side(tmp_path: Path) -> None:
    net, x, y = everything(1)
    directory = net.directory(
        tmp_path / "net", [net.port(x, (8, 8, 3), (8, 16, 4))], {y: net.port(y, (1, 1, 10), (1, 1, 64))}
    )
    frame = [np.random.default_rng(1).normal(0, 2, (1, 3, 8, 8)).astype(np.float32)]
    core, specification = program_side(directory), program_side(directory, "specification")
    found = compare(core, specification, [frame])
    assert found.first is None
    assert len(found.tensors) > 10
    conv = next(node for node in core.program.nodes if node.op == "conv_add")
    constants = dict(core.program.constants)
    constants[conv.constants["weight"]] = constants[conv.constants["weight"]].copy()
    constants[conv.constants["weight"]].reshape(-1)[5] ^= 64
    bad = replace(core, program=replace(core.program, constants=constants))
    first, findings = divergence(compare(bad, specification, [frame]))
    assert first == conv.output
    assert "bit 6 is flipped" in findings


def test_a_report_with_a_number_that_no_float_holds_is_damaged(compiled: Path, tmp_path: Path) -> None:
    shutil.copytree(compiled, tmp_path / "copy")
    path = tmp_path / "copy" / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    next(entry for entry in report["operators"] if entry["rescaling"])["rescaling"]["gain"][0] = 10**400
    path.write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(InvalidArgument, match=r"report\.json: damaged"):
        program_side(tmp_path / "copy")


@pytest.mark.timeout(20)
def test_a_pipe_is_no_recording(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.axrec")
    with pytest.raises(InvalidArgument, match=r"pipe\.axrec: no recording"):
        read_side(str(tmp_path / "pipe.axrec"))


def test_a_report_that_does_not_fit_its_program_is_refused(compiled: Path, tmp_path: Path) -> None:
    shutil.copytree(compiled, tmp_path / "copy")
    path = tmp_path / "copy" / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    entry = next(entry for entry in report["operators"] if entry["rescaling"])
    entry["rescaling"]["gain"].append(1.0)
    path.write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(
        InvalidArgument, match=r"report\.json: what it says of the channels of tensor .* does not fit"
    ):
        program_side(tmp_path / "copy")
