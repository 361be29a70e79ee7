"""Golden vectors that ship: made by this specification, held by every driver, and sharp enough for one flipped bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from tests.conformance._flips import Flip, flips
from tests.conftest import FULL

from axelera import compiler
from axelera.compiler.quantisation import run_session, session
from axemu.driver import FunctionDriver, InvalidArgument
from axemu.model.ops import NUMERICS, OPERATORS, Numerics
from axemu.model.program import read_program
from axemu.studies import qdq_network, read_recording
from axemu.testing import vectors as golden
from axemu.testing.vectors import Vector

EVERY = golden.find()
SAMPLE = EVERY if FULL else EVERY[4::23]
NAMES = [vector.name for vector in SAMPLE]


def test_there_are_200_vectors_and_10_networks_and_every_operator_is_among_them() -> None:
    kinds = Counter(vector.kind for vector in EVERY)
    assert len(EVERY) >= 200
    assert kinds["network"] >= 10
    assert {node.op for vector in EVERY for node in vector.program.nodes} == set(OPERATORS)
    assert len({vector.name for vector in EVERY}) == len(EVERY)


def test_programs_and_inputs_are_those_that_were_recorded() -> None:
    """After a change that is meant: `python -m axemu.testing.vectors`, and another NUMERICS_VERSION if bits changed."""
    known = golden.load_manifest().entries
    assert {vector.name: vector.checksum() for vector in EVERY} == {
        name: e.checksum for name, e in known.items()
    }


def test_the_specification_gives_the_recorded_values() -> None:
    known = golden.load_manifest().entries
    assert golden.make_manifest(SAMPLE).entries == {name: known[name] for name in NAMES}


@pytest.mark.parametrize("numerics", NUMERICS)
def test_the_emulator_gives_every_recorded_tensor(numerics: Numerics) -> None:
    assert [str(o) for o in _verified("emulator", SAMPLE, numerics) if not o.passed] == []


def test_the_function_driver_gives_what_the_specification_does() -> None:
    assert [str(o) for o in _verified("function", SAMPLE[::2], "metis") if not o.passed] == []


def test_the_native_driver_gives_every_recorded_tensor(native_boards: None) -> None:
    assert [str(o) for o in _verified("native", SAMPLE[::2], "metis") if not o.passed] == []


@pytest.mark.slow
def test_random_flips_of_one_bit_are_found_in_the_node_that_has_them() -> None:
    found = [
        (flip.kind, _located(vector, flip))
        for vector, flip in islice(flips(EVERY, seed=1), 100 if FULL else 5)
    ]
    assert [problem for _, problem in found if problem] == []
    assert {kind for kind, _ in found} == {"weight", "scale", "table", "pad", "kernel"}


def test_a_difference_is_named_with_its_first_value() -> None:
    (vector,) = golden.find(("residual_relu",))
    expected = vector.expected("metis")["conv_2"]

    def wrong(model: object, inputs: list[np.ndarray]) -> list[np.ndarray]:
        results = golden.specification(model, inputs, "metis")
        for name, result in zip(read_program(model.directory).outputs, results, strict=True):
            if name == "conv_2":
                result.reshape(expected.shape[1:])[2, 3, 4] ^= 1
        return results

    (outcome,) = golden.verify(FunctionDriver(wrong), [vector])
    value = int(expected[0, 2, 3, 4])
    assert str(outcome) == (
        "residual_relu: tensor 'conv_2' of node 'conv_2' (conv) differs first at frame 0, row 2, column 3, channel 4: "
        f"{value ^ 1}, expected {value}; 16 of {expected.size} values, by at most 1"
    )


def test_what_differs_only_where_operators_are_fused_is_said() -> None:
    (vector,) = golden.find(("conv_silu",))

    def wrong(model: object, inputs: list[np.ndarray]) -> list[np.ndarray]:
        results = golden.specification(model, inputs, "metis")
        if len(results) == 1:
            results[0][0] ^= 1
        return results

    (outcome,) = golden.verify(FunctionDriver(wrong), [vector])
    assert outcome.problem.startswith("only where operators are fused: tensor 'lut_1' of node 'lut_1' (lut)")


def test_a_vector_that_this_build_makes_otherwise_is_refused() -> None:
    first, other = golden.find(("conv_silu", "conv_mish"))
    renamed = Vector(other.name, first.kind, first.program, first.frames)
    (outcome,) = golden.verify(FunctionDriver(), [renamed])
    assert (
        outcome.problem == "its program or inputs are not those that were recorded: this build makes others"
    )


def test_a_name_that_nothing_matches_is_refused() -> None:
    with pytest.raises(
        InvalidArgument, match=r"no vector matches 'nothing\*'; `axemu vectors list` names all"
    ):
        golden.find(("nothing*",))


@pytest.mark.parametrize("vector", SAMPLE, ids=NAMES)
def test_the_onnx_form_gives_the_same_within_the_tolerance(vector: Vector) -> None:
    """ONNX Runtime, node by node: `exact` differs where it computes a value in other float steps than ONNX says."""
    program, tolerance = vector.program, golden.load_manifest().entries[vector.name].tolerance
    runner = session(qdq_network(program), vector.name, as_written=True)
    expected = {numerics: vector.expected(numerics) for numerics in NUMERICS}
    for index, frame in enumerate(vector.frames[:3]):
        tensors = {name: program.tensors[name] for name in program.inputs}
        feeds = {
            name: ((frame[name].astype(np.float32) - t.zero_point) * np.float32(t.scale)).transpose(2, 0, 1)[
                None
            ]
            for name, t in tensors.items()
        }
        for name, real in zip(
            program.outputs, run_session(runner, program.outputs, feeds, vector.name), strict=True
        ):
            tensor = program.tensors[name]
            codes = np.rint(real[0].transpose(1, 2, 0) / np.float32(tensor.scale)) + tensor.zero_point
            apart = {n: np.abs(codes - values[name][index]).max() for n, values in expected.items()}
            assert apart["metis"] <= tolerance
            assert apart["exact"] <= tolerance


def test_the_onnx_form_compiles_elsewhere_and_is_verified_within_the_tolerance(tmp_path: Path) -> None:
    """The way of whoever has the vendor's compiler: export, compile, verify; our compiler stands in for it."""
    chosen = golden.find(("residual_relu", "network_residual"))
    for vector in chosen:
        quantised = compiler.quantize(qdq_network(vector.program), [], compiler.CompilerConfig())
        compiler.compile(quantised, compiler.CompilerConfig(), tmp_path / vector.name)
    driver = golden.make_driver("emulator")
    outcomes = list(golden.verify_compiled(driver, [*chosen, EVERY[0]], tmp_path))
    driver.close()
    assert [str(outcome) for outcome in outcomes] == [f"{vector.name}: equal" for vector in chosen]


def test_a_recording_is_verified_within_the_tolerance(tmp_path: Path) -> None:
    chosen = golden.find(("conv_s*", "concat_0"))
    driver = golden.make_driver("emulator", "exact")
    assert all(outcome.passed for outcome in golden.record_vectors(driver, chosen, tmp_path))
    driver.close()
    outcomes = list(golden.verify_recorded([*chosen, EVERY[0]], tmp_path))
    assert [outcome.vector for outcome in outcomes] == [vector.name for vector in chosen]
    assert all(outcome.passed for outcome in outcomes)
    assert max(outcome.largest for outcome in outcomes) >= 1


def test_a_recording_of_other_inputs_is_not_compared(tmp_path: Path) -> None:
    first, other = golden.find(("conv_silu", "conv_mish"))
    driver = golden.make_driver("function")
    list(golden.record_vectors(driver, [first], tmp_path))
    (tmp_path / "conv_silu.axrec").rename(tmp_path / "conv_mish.axrec")
    (outcome,) = golden.verify_recorded([other], tmp_path)
    assert "recorded from another program or other inputs" in outcome.problem


@pytest.mark.parametrize("damage", ["cut", "magic", "shape", "empty"])
def test_a_damaged_recording_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    (vector,) = golden.find(("softmax",))
    driver = golden.make_driver("function")
    list(golden.record_vectors(driver, [vector], tmp_path))
    path = tmp_path / "softmax.axrec"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[:-1],
            "magic": b"x" + whole,
            "shape": whole.replace(b"[16,3,4,50]", b"[16,3,-4,50]", 1),
            "empty": b"",
        }[damage]
    )
    with pytest.raises(InvalidArgument, match=r"softmax\.axrec: no recording, or a damaged one"):
        read_recording(path)


def test_exported_files_are_enough(tmp_path: Path) -> None:
    (vector,) = golden.find(("attention_4x16",))
    golden.export(vector, tmp_path)
    folder = tmp_path / "attention_4x16"
    assert sorted(path.name for path in folder.iterdir()) == [
        "calibration.npz",
        "expected.npz",
        "frames.npz",
        "network.onnx",
        "vector.json",
    ]
    with np.load(folder / "frames.npz") as frames, np.load(folder / "expected.npz") as expected:
        assert np.array_equal(frames["input_1"][0], vector.frames[0]["input_1"])
        assert np.array_equal(expected["add_1/metis"], vector.expected("metis")["add_1"])
    with pytest.raises(InvalidArgument, match="is there already"):
        golden.export(vector, tmp_path)


def _verified(name: str, vectors: list[Vector], numerics: Numerics) -> Iterator[golden.Outcome]:
    driver = golden.make_driver(name, numerics)
    try:
        yield from golden.verify(driver, vectors, numerics)
    finally:
        driver.close()


def _located(vector: Vector, flip: Flip) -> str:
    """Return what is wrong with how a flip was found; empty if nothing is."""
    driver = flip.driver()
    with np.errstate(all="ignore"):
        (outcome,) = golden.verify(driver, [vector])
    driver.close()
    if outcome.difference is not None and outcome.difference.node == flip.node:
        return ""
    return f"{flip.what} of {flip.node!r} in {vector.name!r}: {outcome}"
