"""A float network run in segments gives what it gives in one run, within the memory limit."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.compiler._networks import Array, Net, data, run_float

from axelera.compiler.quantisation import Segment, segments_of

pytestmark = pytest.mark.slow

SHAPE = (1, 2, 4, 4)
VALUE_BYTES = 4 * 32
Network = tuple[onnx.ModelProto, list[str], list[str]]


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A network of exact operators, all its values, and some that are wanted."""
    net = Net(SHAPE)
    values = ["x"]
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["Relu", "Neg", "Add", "Max", "Split", "constant"]))
        read = [draw(st.sampled_from(values)) for _ in range(2)]
        if kind == "Split":
            first = net.add("Split", read[0], outputs=2, axis=1)
            values.append(net.add("Concat", f"{first}_1", first, axis=1))
        elif kind == "constant":
            values.append(
                net.add("Add", read[0], net.constant(net.random.integers(-9, 9, SHAPE).astype("f4")))
            )
        else:
            values.append(net.add(kind, *read[: 1 if kind in ("Relu", "Neg") else 2]))
    wanted = draw(st.lists(st.sampled_from(values[1:]), unique=True))
    return net.model(values[-1]), values[1:], wanted


over_networks = given(networks(), st.integers(1, 6 * VALUE_BYTES))


def run(segments: list[Segment], image: Array) -> dict[str, Array]:
    found: dict[str, Array] = {}
    alive = {"x": image}
    for segment in segments:
        found |= segment.run(segment.session("test", alone=False), alive, "test")
    return found


@over_networks
def test_values_are_those_of_one_run(network: Network, limit: int) -> None:
    model, values, wanted = network
    (image,) = data(SHAPE, 1)
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    del whole.graph.output[:]
    whole.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in values)
    expected = dict(zip(values, run_float(whole, image), strict=True))
    found = run(segments_of(model, wanted, limit), image)
    assert found.keys() == set(wanted)
    for name in wanted:
        np.testing.assert_array_equal(found[name], expected[name])


@over_networks
def test_every_node_is_in_one_segment(network: Network, limit: int) -> None:
    model, _, wanted = network
    segments = segments_of(model, wanted, limit)
    assert [node for segment in segments for node in segment.model().graph.node] == list(model.graph.node)


@over_networks
def test_no_segment_gives_out_more_than_the_limit_unless_one_value_does(network: Network, limit: int) -> None:
    model, _, wanted = network
    segments = segments_of(model, wanted, limit)
    assert all(len(segment.wanted) <= max(1, limit // VALUE_BYTES) for segment in segments)
    assert len(segments) <= max(1, len(wanted))


@over_networks
def test_a_value_is_kept_no_longer_than_it_is_read(network: Network, limit: int) -> None:
    model, _, wanted = network
    segments = segments_of(model, wanted, limit)
    alive = {"x": data(SHAPE, 1)[0]}
    for index, segment in enumerate(segments):
        segment.run(segment.session("test", alone=False), alive, "test")
        later = {
            name
            for after in segments[index + 1 :]
            for node in after.model().graph.node
            for name in node.input
        }
        assert set(alive) <= later | {"x"}


@pytest.mark.parametrize("typed", [True, False])
def test_only_values_of_known_type_cross_a_border(typed: bool) -> None:
    net = Net(SHAPE)
    long = net.add("Relu", "x")
    short = net.add("Neg", long)
    last = net.add("Abs", net.add("Sub", short, long))
    model = net.model(last)
    if not typed:
        del model.graph.value_info[:]
    segments = segments_of(model, [long, short, last], 1)
    assert [len(segment.model().graph.node) for segment in segments] == ([1, 2, 1] if typed else [4])
    (image,) = data(SHAPE, 1)
    np.testing.assert_array_equal(run(segments, image)[last], 2 * np.maximum(image, 0))


def test_a_network_that_fits_is_one_segment() -> None:
    net = Net(SHAPE)
    values = [net.add("Relu", "x")]
    values.extend(net.add("Neg", values[-1]) for _ in range(5))
    assert len(segments_of(net.model(values[-1]), values, 6 * VALUE_BYTES)) == 1
    assert len(segments_of(net.model(values[-1]), values, 6 * VALUE_BYTES - 1)) == 2


def test_an_optional_output_that_is_not_there_stands_for_no_value() -> None:
    net = Net(SHAPE)
    first = net.add("Dropout", "x", outputs=2)
    net.nodes[0].output[1] = ""
    values = [first, net.add("Relu", first)]
    values.append(net.add("Clip", values[-1], "", net.constant(np.float32(1))))
    segments = segments_of(net.model(values[-1]), values, 1)
    assert [segment.wanted for segment in segments] == [(value,) for value in values]


def test_a_value_that_no_node_computes_is_named() -> None:
    net = Net(SHAPE)
    model = net.model(net.add("Relu", "x"))
    with pytest.raises(ValueError, match=r"net: no node computes \['x', 'y'\]"):
        segments_of(model, ["y", "x"])
