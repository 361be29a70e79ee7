"""Each pass on the chip's network: a new network of the same real numbers, and better integers where that is its aim."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import FULL
from tests.unit.compiler._float_network import run_network
from tests.unit.compiler._networks import Net, data, run_float, sqnr

from axelera import compiler
from axelera.compiler import CompilerConfig, pipeline
from axelera.compiler._quantise import Prepared, prepare
from axelera.compiler.config import QuantizationScheme
from axelera.compiler.frontend import extract_core
from axelera.compiler.lowering import LoweredNetwork, LoweredOperator, lower
from axelera.compiler.quantisation import Histogram, Quantisation, given_scales, observe
from axelera.compiler.quantisation._bias import corrected_bias, tap_shares
from axelera.compiler.quantisation._noise import accumulator_noise
from axemu.model import ops
from axemu.model.program import Tensor

pytestmark = pytest.mark.slow

SHAPE = (1, 3, 8, 8)
SEEDS = st.integers(0, 2**16)
EXAMPLES = settings(max_examples=60 if FULL else 5)

Real = npt.NDArray[np.float64]


def unequal(net: Net, x: str, inputs: int, outputs: int, kernel: int = 3, **attributes: Any) -> str:
    """A convolution whose channels differ by up to a factor of 100."""
    name = net.conv(x, inputs, outputs, kernel, **attributes)
    gain = (10 ** net.random.uniform(-2, 0, outputs)).astype(np.float32)
    return net.add("Mul", name, net.constant(gain.reshape(-1, 1, 1)))


def depthwise(net: Net, choice: random.Random) -> str:
    x = net.add("Relu", unequal(net, "x", 3, 8))
    if choice.random() < 0.5:
        x = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    return net.conv(net.conv(x, 8, 8, 2, group=8), 8, 4, 1)


def dense(net: Net, choice: random.Random) -> str:
    widths = [choice.randrange(2, 6) for _ in range(2)]
    parts = [net.add("Relu", unequal(net, "x", 3, width)) for width in widths]
    return net.conv(net.add("Concat", *parts, axis=1), sum(widths), 4)


def tables(net: Net, choice: random.Random) -> str:
    x = unequal(net, "x", 3, 6)
    if choice.random() < 0.3:
        x = net.add("Clip", x, net.constant(np.float32(-1)), net.constant(np.float32(1)))
    kind = choice.choice(["Sigmoid", "Tanh", "HardSwish"])
    x = net.add("Mul", x, net.add("Sigmoid", x)) if choice.random() < 0.5 else net.add(kind, x)
    return net.conv(x, 6, 4)


def residual(net: Net, choice: random.Random) -> str:
    x = net.add("Relu", unequal(net, "x", 3, 6, 1))
    y = net.add("Tanh", unequal(net, x, 6, 6, 1))
    return net.add("Concat", net.add("Add", x, y), x, net.conv(y, 6, 4, 1), axis=1)


def shared(net: Net, _: random.Random) -> tuple[str, str]:
    """Two outputs that are one tensor on the chip."""
    x = net.add("GlobalMaxPool", net.add("Relu", net.conv("x", 3, 8)))
    return x, net.add("Flatten", x)


FAMILIES: dict[str, Callable[[Net, random.Random], str | tuple[str, ...]]] = {
    "depthwise": depthwise,
    "dense": dense,
    "tables": tables,
    "residual": residual,
    "shared": shared,
}
SAMPLES = data(SHAPE, 6)


class Case:
    """A lowered network with the ranges that samples show."""

    def __init__(self, family: str, seed: int) -> None:
        net = Net(SHAPE, seed=seed)
        built = FAMILIES[family](net, random.Random(seed))
        self.model = net.model(*([built] if isinstance(built, str) else built))
        self.prepared: Prepared = prepare(self.model, CompilerConfig())
        self.network = self.prepared.network
        self.core = extract_core(self.prepared.model, self.prepared.part)
        self.feeds = [{"x": sample} for sample in SAMPLES]
        values = {n: a.value for n, a in self.network.activations.items() if a.value is not None}
        seen = observe(self.core, (), set(values.values()), self.feeds).channels
        self.ranges = {n: (seen[v].low, seen[v].high) for n, v in values.items()}
        self.largest = {n: np.maximum(np.abs(low), np.abs(high)) for n, (low, high) in self.ranges.items()}

    def expected(self) -> list[npt.NDArray[np.float32]]:
        return run_float(self.model, SAMPLES[0])

    def histograms(self, network: LoweredNetwork) -> tuple[dict[str, Histogram], dict[str, Real]]:
        activations = network.activations
        read = {
            o.inputs[0]: value
            for o in network.operators
            if o.op == "conv" and (value := activations[o.inputs[0]].value) is not None
        }
        changes = {a.value: a.rescaling for a in activations.values() if a.value and a.rescaling}
        watched = sorted({a.observe for a in activations.values() if a.observe is not None})
        seen = observe(self.core, watched, set(read.values()), self.feeds, changes)
        return seen.histograms, {name: seen.channels[value].mean for name, value in read.items()}

    def accuracy(self, network: LoweredNetwork) -> float:
        """Signal to noise of the integer program, exact arithmetic, over all samples."""
        histograms, means = self.histograms(network)
        scales = pipeline.CHOOSE_SCALES(network, histograms, means, clip_tails=True)
        program = pipeline.EMIT(network, scales, means=means)
        expected, found = [], []
        for sample in SAMPLES:
            (port,) = network.inputs
            scale = scales[port.tensor]
            steps = np.rint(sample[0].transpose(1, 2, 0) / scale.scale + scale.zero_point).clip(-128, 127)
            padded = np.pad(steps, port.padding[1:], constant_values=scale.zero_point).astype(np.int8)
            results = ops.execute(program, {port.tensor: padded}, "exact")
            expected += [value.ravel() for value in run_float(self.model, sample)]
            for out in network.outputs:
                channels = out.shape[1]
                real = results[out.tensor].astype(np.float64) - scales[out.tensor].zero_point
                found.append((real[..., :channels] * scales[out.tensor].scale).transpose(2, 0, 1).ravel())
        return sqnr(np.concatenate(expected), np.concatenate(found))


def equal(a: Any, b: Any) -> bool:
    """Equality that looks into arrays."""
    if isinstance(a, np.ndarray):
        return bool(np.array_equal(a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    if hasattr(a, "__slots__") and not callable(a):
        return all(equal(getattr(a, name), getattr(b, name)) for name in a.__slots__)
    return bool(a == b) or (callable(a) and a.name == b.name)


STEPS: dict[str, Callable[[Case, LoweredNetwork], LoweredNetwork]] = {
    "copy_shared_outputs": lambda _, network: pipeline.COPY_SHARED_OUTPUTS(network),
    "insert_requantise": lambda _, network: pipeline.INSERT_REQUANTIZE(network),
    "pad_interface": lambda _, network: pipeline.PAD_INTERFACE(network),
    "normalise_tables": lambda case, network: pipeline.NORMALISE_TABLES(network, case.ranges),
    "equalise": lambda case, network: pipeline.EQUALISE(network, case.largest),
    "given_scales": lambda _, network: pipeline.GIVEN_SCALES(network, disagreeing(network))[0],
}


def before(case: Case, name: str) -> LoweredNetwork:
    """The network that a pass is given."""
    early = ("copy_shared_outputs", "insert_requantise", "pad_interface")
    if name not in early:
        return case.network
    network = lower(case.prepared.part, "net")
    for earlier in early[: early.index(name)]:
        network = STEPS[earlier](case, network)
    return network


def disagreeing(network: LoweredNetwork) -> dict[str, tuple[float, int]]:
    """A scale of its own for every value that is observed."""
    watched = [a.observe for a in network.activations.values() if a.observe is not None]
    return {value: (2.0**-5 * (index + 1), index) for index, value in enumerate(dict.fromkeys(watched))}


@pytest.mark.parametrize("name", STEPS)
@EXAMPLES
@given(family=st.sampled_from(list(FAMILIES)), seed=SEEDS)
def test_a_pass_keeps_the_real_numbers_of_a_network(name: str, family: str, seed: int) -> None:
    case = Case(family, seed)
    after = STEPS[name](case, before(case, name))
    for expected, found in zip(case.expected(), run_network(after, SAMPLES[0]), strict=True):
        real = found.reshape(expected.shape)
        np.testing.assert_allclose(real, expected, rtol=1e-3, atol=1e-4 * float(np.abs(expected).max()))


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_pass_leaves_the_network_it_was_given_as_it_was(name: str, family: str) -> None:
    case = Case(family, 3)
    network = before(case, name)
    kept = copy.deepcopy(network)
    STEPS[name](case, network)
    assert equal(network, kept)


def test_every_pass_on_the_network_is_tested_here() -> None:
    names = [entry.name for entry in pipeline.PASSES]
    assert set(names[names.index("lower") + 1 : names.index("choose_scales")]) == set(STEPS)


def test_an_output_that_is_read_elsewhere_gets_a_tensor_of_its_own() -> None:
    given = before(Case("shared", 0), "copy_shared_outputs")
    assert len({port.tensor for port in given.outputs}) == 1
    network = pipeline.COPY_SHARED_OUTPUTS(given)
    assert len({port.tensor for port in network.outputs}) == 2


@EXAMPLES
@given(seed=SEEDS)
def test_concatenated_tensors_share_a_scale_after_requantising(seed: int) -> None:
    case = Case("residual", seed)
    network = case.network
    groups = network.groups()
    for operator in network.operators:
        if operator.op == "concat":
            assert len({groups[name] for name in (*operator.inputs, operator.output)}) == 1


@EXAMPLES
@given(seed=SEEDS)
def test_channels_in_front_of_a_depthwise_convolution_fill_the_range_of_the_largest(seed: int) -> None:
    case = Case("depthwise", seed)
    network = pipeline.EQUALISE(case.network, case.largest)
    (reader,) = [o for o in network.operators if o.op == "conv" and o.attributes["group"] != 1]
    name = reader.inputs[0]
    rescaling = network.activations[name].rescaling
    assert rescaling is not None
    producer = name if network.producer()[name].op == "conv" else network.producer()[name].inputs[0]
    largest = case.largest[producer]
    balanced = largest * rescaling.gain
    limit = 64 * largest
    wanted = np.where(largest > 0, np.minimum(largest.max(), limit), 0)
    np.testing.assert_allclose(balanced, wanted, rtol=1e-4)


def test_hybrid_balancing_leaves_dense_convolutions_alone() -> None:
    case = Case("dense", 1)
    network = pipeline.EQUALISE(case.network, case.largest, depthwise_only=True)
    assert all(activation.rescaling is None for activation in network.activations.values())


@pytest.mark.parametrize("family", ["depthwise", "dense", "tables"])
def test_balancing_makes_integers_more_accurate_and_never_much_less(family: str) -> None:
    gains = []
    for seed in range(12 if FULL else 3):
        case = Case(family, seed)
        better = pipeline.NORMALISE_TABLES(case.network, case.ranges)
        better = pipeline.EQUALISE(better, case.largest)
        gains.append(case.accuracy(better) - case.accuracy(case.network))
    assert np.mean(gains) > 0.5
    assert min(gains) > -1


@EXAMPLES
@given(seed=SEEDS)
def test_channels_in_front_of_a_table_fill_the_range_from_minus_one_to_one(seed: int) -> None:
    case = Case("tables", seed)
    network = pipeline.NORMALISE_TABLES(case.network, case.ranges)
    (name,) = [n for n, a in network.activations.items() if a.rescaling is not None]
    rescaling = network.activations[name].rescaling
    assert rescaling is not None
    assert (network.activations[name].low, network.activations[name].high) == (None, None)
    ends = np.stack([np.clip(end, rescaling.low, rescaling.high) for end in case.ranges[name]])
    reached = ends * rescaling.gain + rescaling.shift
    assert np.abs(reached).max() <= 1 + 1e-6
    assert np.abs(reached).max() >= 0.9  # the widest channel fills it but for the margin


@EXAMPLES
@given(family=st.sampled_from(list(FAMILIES)), seed=SEEDS, clip=st.booleans())
def test_scales_cover_what_was_seen_and_groups_share_one(family: str, seed: int, clip: bool) -> None:
    case = Case(family, seed)
    histograms, means = case.histograms(case.network)
    scales = pipeline.CHOOSE_SCALES(case.network, histograms, means, clip_tails=clip)
    groups = case.network.groups()
    for name, quantisation in scales.items():
        assert quantisation == scales[groups[name]]
        assert -128 <= quantisation.zero_point <= 127
    for name, activation in case.network.activations.items():
        seen = histograms.get(activation.observe or "")
        if seen is None or (
            clip and name not in {p.tensor for p in (*case.network.inputs, *case.network.outputs)}
        ):
            continue
        step, zero = scales[name].scale, scales[name].zero_point
        assert (-128 - zero) * step <= min(seen.minimum, 0) + 0.51 * step
        assert (127 - zero) * step >= max(seen.maximum, 0) - 0.51 * step


@EXAMPLES
@given(seed=SEEDS)
def test_the_chosen_range_of_a_single_tensor_has_no_larger_error_than_minimum_and_maximum(seed: int) -> None:
    from axelera.compiler.quantisation._ranges import least_error, min_max

    values = np.random.default_rng(seed).standard_t(3, 4000).astype(np.float32)
    histogram = Histogram()
    histogram.add(values, "values")

    def error(chosen: Quantisation) -> float:
        steps = np.clip(np.rint(values / chosen.scale) + chosen.zero_point, -128, 127)
        return float(np.square((steps - chosen.zero_point) * chosen.scale - values.astype(np.float64)).mean())

    assert error(least_error(histogram)) <= 1.02 * error(min_max(histogram))  # bins blur the values a little


def convolution_of(
    random_: np.random.Generator, outputs: int, inputs: int, group: int = 1
) -> LoweredOperator:
    weight = random_.standard_normal((outputs, 3, 3, inputs // group)).astype(np.float32)
    return LoweredOperator("conv", "c", ("x",), "y", {"group": group}, {"weight": weight})


@EXAMPLES
@given(seed=SEEDS, zero_point=st.integers(-128, 127), group=st.sampled_from([1, 2]))
def test_the_noise_of_an_accumulator_is_what_rounding_to_11_bits_adds(
    seed: int, zero_point: int, group: int
) -> None:
    random_ = np.random.default_rng(seed)
    operator = convolution_of(random_, 4, 6, group)
    mean, spread = random_.normal(0, 1, 6), 0.8
    noise = accumulator_noise(operator, mean, spread)
    assert noise is not None
    quantisation = Quantisation(0.02, zero_point)
    weight = np.asarray(operator.parameters["weight"], np.float64)
    scale = np.abs(weight.reshape(4, -1)).max(axis=1) / 127
    integers = np.rint(weight / scale[:, None, None, None]).reshape(4, -1)
    channel = np.tile(np.arange(6 // group), 9)
    added = np.zeros(4)
    for output in range(4):
        channels = channel + (output // (4 // group)) * (6 // group)
        steps = np.rint(random_.normal(mean[channels], spread, (4000, len(channels))) / 0.02) + zero_point
        sums = steps @ integers[output]
        rounded = ops.round_f18(sums.astype(np.float32)).astype(np.float64)
        added[output] = np.square((rounded - sums) * 0.02 * scale[output]).mean()
    simulated = 2 * added.sum() / np.square(weight).sum()  # rounded once alone, once with the bias
    assert simulated / 4 <= noise.error(quantisation) + 1e-12
    assert noise.error(quantisation) <= 4 * simulated + 1e-5


def test_operators_without_weights_and_weights_of_zero_make_no_noise() -> None:
    operator = convolution_of(np.random.default_rng(0), 4, 6)
    assert accumulator_noise(LoweredOperator("add", "a", ("x", "x"), "y"), np.zeros(6), 1.0) is None
    operator.parameters = {"weight": np.zeros((4, 3, 3, 6), np.float32)}
    assert accumulator_noise(operator, np.zeros(6), 1.0) is None


@EXAMPLES
@given(seed=SEEDS, zero_point=st.integers(-128, 127), group=st.sampled_from([1, 2, 3]))
def test_a_corrected_bias_keeps_the_mean_of_every_channel(seed: int, zero_point: int, group: int) -> None:
    random_ = np.random.default_rng(seed)
    weight = np.asarray(convolution_of(random_, 6, 6, group).parameters["weight"])
    scale = (np.abs(weight.reshape(6, -1)).max(axis=1) / 20).astype(np.float32)  # coarse, so that it matters
    integers = np.rint(weight / scale[:, None, None, None]).astype(np.int8)
    bias, mean = random_.standard_normal(6).astype(np.float32), random_.normal(0, 2, 6)
    source = Tensor("x", (4, 4, 6), 0.05, zero_point)
    exact, metis = corrected_bias(weight, integers, scale, bias, mean, source, np.ones(weight.shape[1:3]))

    def means(weights: npt.NDArray[Any]) -> Real:
        """Mean of every output when each input channel has its mean everywhere."""
        per_group = mean.reshape(group, 1, 6 // group).repeat(6 // group, axis=1).reshape(6, -1)
        return np.einsum("okli,oi->o", weights.astype(np.float64), per_group)

    wanted = means(weight) + bias
    rounded = integers * scale.astype(np.float64)[:, None, None, None]
    np.testing.assert_allclose(means(rounded) + exact, wanted, rtol=1e-4, atol=1e-3)
    # In metis the zero point's share is taken away as a number of 11 bits.
    share = integers.reshape(6, -1).astype(np.int64).sum(axis=1) * zero_point
    taken = ops.round_f18(share.astype(np.float32)).astype(np.float64) - share
    lost = taken * source.scale * scale.astype(np.float64)
    np.testing.assert_allclose(means(rounded) - lost + metis, wanted, rtol=1e-4, atol=1e-3)


@EXAMPLES
@given(
    kernel=st.integers(1, 5),
    extent=st.integers(1, 9),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    before=st.integers(0, 6),
    results=st.integers(1, 12),
)
@pytest.mark.parametrize("op", ["conv", "conv_transpose"])
def test_a_position_of_the_kernel_counts_as_often_as_it_lies_on_the_input(
    op: str, kernel: int, extent: int, stride: int, dilation: int, before: int, results: int
) -> None:
    attributes = {"strides": (stride, 1), "dilations": (dilation, 1), "pads": (before, 0, 0, 0)}
    operator = LoweredOperator(op, "c", ("x",), "y", attributes, {"weight": np.zeros((1, kernel, 1, 1))})  # type: ignore[arg-type]
    shares = tap_shares(operator, Tensor("x", (extent, 1, 1), 1.0, 0), Tensor("y", (results, 1, 1), 1.0, 0))

    def lies_inside(tap: int, result: int) -> bool:
        """By definition: which input pixel, if any, meets this position of the kernel at this result."""
        if op == "conv":
            return 0 <= result * stride + tap * dilation - before < extent
        return any(pixel * stride + tap * dilation - before == result for pixel in range(extent))

    expected = [
        [sum(lies_inside(tap, result) for result in range(results)) / results] for tap in range(kernel)
    ]
    np.testing.assert_allclose(shares, expected)


@pytest.mark.parametrize("scheme", list(QuantizationScheme))
def test_what_lies_on_padding_corrects_no_bias(scheme: QuantizationScheme) -> None:
    """Every position of this kernel but the middle row lies outside: each value is the bias alone."""
    net = Net((1, 24, 3, 1))
    weight = net.constant(net.random.standard_normal((24, 5, 2, 2)).astype(np.float32))
    bias = net.constant(np.linspace(-0.2, 0.2, 5, dtype=np.float32))
    model = net.model(
        net.add("ConvTranspose", "x", weight, bias, kernel_shape=[2, 2], dilations=[2, 2], pads=[1, 1, 1, 1])
    )
    frames = [1.0 + frame for frame in data((1, 24, 3, 1), 3)]
    quantised = compiler.quantize(model, iter(frames), CompilerConfig(quantization_scheme=scheme))
    error = np.abs(quantised(frames[0]) - run_float(model, frames[0])[0])
    assert error.max() < 2 * quantised.outputs[0].scale


def test_scales_that_disagree_meet_in_a_requantize() -> None:
    net = Net(SHAPE)
    a, b = net.add("Relu", net.conv("x", 3, 4)), net.add("Tanh", net.conv("x", 3, 4))
    joined = net.add("Concat", a, b, axis=1)
    network = prepare(net.model(net.conv(joined, 8, 4)), CompilerConfig()).network
    scales = {"x": (0.05, 0), a: (0.01, -128), b: (0.02, 0), joined: (0.03, 3)}
    carried, decided = given_scales(network, scales)
    (concat,) = [o for o in carried.operators if o.op == "concat"]
    assert {decided[name] for name in (*concat.inputs, concat.output)} == {Quantisation(0.03, 3)}
    writer = carried.producer()
    assert {writer[name].op for name in concat.inputs} == {"requantize"}
    assert {decided[writer[name].inputs[0]].scale for name in concat.inputs} == {0.01, 0.02}
