"""Random small networks: right in every scheme, in both numerics and on every path, or refused by a documented rule.

Right is: outputs of ONNX Runtime's shapes, within the bound that follows from int8 (`_networks/_bound.py`), and integers
that equal the specification's bit for bit. A network is its seed: `python -m tests.conformance._networks SEED --reduce`
runs it again and makes it small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, note, settings
from tests._sizes import FULL, sample
from tests.conformance._compiler import yardsticks
from tests.conformance._networks import (
    ACTIVATIONS,
    FloatNetwork,
    Verdict,
    activation_pair,
    check,
    from_seed,
    networks,
    reduced,
    rules_of,
    samples,
    text_of,
)

from axelera.compiler import ModelError, UnsupportedModelError, Violation

SHARDS = sample(2, 100)
PER_SHARD = sample(5, 50)
PAIRS = list(product(ACTIVATIONS, repeat=2))
QUICK_PAIRS = [
    (first, second) for index, (first, second) in enumerate(PAIRS) if index % (len(ACTIVATIONS) * 2 - 3) == 0
]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_networks_of_a_shard_are_right_or_refused_by_a_rule(
    shard: int, record_property: Callable[[str, object], None]
) -> None:
    counts: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    failures, margins = [], []
    seeds = range(shard * PER_SHARD, (shard + 1) * PER_SHARD)
    for seed in seeds:
        outcome = check(from_seed(seed))
        counts[outcome.verdict] += 1
        if outcome.verdict is Verdict.REFUSED:
            rules.update(outcome.reasons)
        if outcome.verdict is Verdict.RIGHT:
            margins.append(outcome.margin)
        if outcome.failed:
            failures.append(f"seed {seed}: {outcome}")
    summary = (
        f"seeds {seeds.start} to {seeds.stop - 1}: {dict(counts)}, refused by {dict(rules)}, "
        f"largest error {max(margins, default=0):.2f} of its bound"
    )
    record_property("networks", summary)
    print(summary)
    assert not failures, "\n".join(
        [*failures, "replay: python -m tests.conformance._networks SEED --reduce", summary]
    )
    assert counts[Verdict.RIGHT] >= 0.6 * len(seeds), f"hardly anything was compared: {summary}"
    # The bound is six standard deviations, so that one network may not exceed it by chance; half of them keep to two.
    assert np.median(margins) <= 1 / 3, f"networks as a whole are too far off: {sorted(margins)}"


@pytest.mark.timeout(3600)
@settings(max_examples=sample(4, 500))
@given(networks())
def test_a_network_is_right_or_refused_by_a_rule(model: onnx.ModelProto) -> None:
    outcome = check(model)
    if outcome.failed:
        note(text_of(model))
    assert not outcome.failed, str(outcome)


@pytest.mark.parametrize(("first", "second"), PAIRS if FULL else QUICK_PAIRS)
def test_every_pair_of_activations_is_right(first: str, second: str) -> None:
    for seed in range(sample(1, 3)):
        outcome = check(activation_pair(first, second, seed))
        assert outcome.verdict is Verdict.RIGHT, str(outcome)


def test_a_seed_is_one_network() -> None:
    for seed in range(20):
        assert from_seed(seed).SerializeToString() == from_seed(seed).SerializeToString()


def test_rounding_stays_within_the_bound_and_a_lost_channel_does_not() -> None:
    model = activation_pair("relu", "hard_swish")
    network = FloatNetwork(model, samples(model))
    bounds = network.bounds()
    rounded, lost = [], []
    for outputs in network.expected:
        step = [(np.ptp(value) + 1e-6) / 255 for value in outputs]
        rounded.append([np.rint(value / s) * s for value, s in zip(outputs, step, strict=True)])
        lost.append([np.where(np.arange(value.shape[1])[:, None, None] == 1, 0, value) for value in outputs])
    assert all(error < bound for error, bound in zip(network.errors(rounded), bounds, strict=True))
    assert all(error > bound for error, bound in zip(network.errors(lost), bounds, strict=True))


@pytest.mark.parametrize("pair", [("relu", "silu"), ("hard_swish", "tanh"), ("leaky_relu", "sigmoid")])
def test_the_int8_of_onnx_runtime_stays_within_the_bound(pair: tuple[str, str], tmp_path: Path) -> None:
    model = activation_pair(*pair)
    frames = samples(model)
    network = FloatNetwork(model, frames)
    onnx.save(model, tmp_path / "model.onnx")
    arrays = [array for frame in frames for array in frame.values()]
    quantised = next(yardsticks(tmp_path / "model.onnx", arrays, tmp_path))
    errors = network.errors([quantised(array) for array in arrays])
    assert all(0 < error < bound for error, bound in zip(errors, network.bounds(), strict=True))


def test_a_failing_network_is_made_small() -> None:
    model = next(m for m in map(from_seed, range(100)) if {"Add", "Sigmoid"} <= operators_of(m))
    small = reduced(model, lambda found: "Sigmoid" in operators_of(found))
    assert [node.op_type for node in small.graph.node] == ["Sigmoid"]
    assert "Sigmoid" in text_of(small)


def operators_of(model: onnx.ModelProto) -> set[str]:
    return {node.op_type for node in model.graph.node}


def test_a_refusal_counts_by_its_rules_and_a_good_network_is_not_called_damaged() -> None:
    broken = [Violation("a", "Conv", {}, "const(1)", "help"), Violation("b", "Conv", {}, "const(1)", "help")]
    assert rules_of(UnsupportedModelError("net", broken)) == ("Conv: const(1)",)
    assert rules_of(ModelError("model 'net' cannot be understood: KeyError: 'x'")) is None
