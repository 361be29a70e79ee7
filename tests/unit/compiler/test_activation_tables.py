"""The tables of a compiled network are those of the specification's functions."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CompilerConfig
from axelera.compiler.frontend import activations, operator_matrix
from axelera.compiler.lowering.operators import LOWERINGS
from axemu.model.ops import FUNCTIONS, lut_table

SHAPE = (1, 3, 8, 8)
ALONE = {
    "Sigmoid": ("sigmoid", {}),
    "Tanh": ("tanh", {}),
    "HardSwish": ("hard_swish", {}),
    "LeakyRelu": ("leaky_relu", {"alpha": 0.25}),
    "HardSigmoid": ("hard_sigmoid", {"alpha": float(np.float32(1 / 6)), "beta": 0.5}),
    "Selu": ("selu", {}),
}


def pooled(net: Net) -> str:
    """Return a map that is no convolution's, so that channels keep their scale."""
    return net.add("MaxPool", net.conv("x", 3, 8), kernel_shape=[2, 2])


def tables(net: Net, output: str) -> dict[str, bool]:
    """Return for each function of a compiled network whether its table is the specification's."""
    program = compiler.quantize(net.model(output), iter(data(SHAPE, 4)), CompilerConfig()).program
    found = {}
    for node in program.nodes:
        if node.op == "lut":
            source, target = program.tensors[node.inputs[0]], program.tensors[node.output]
            name = str(node.attributes["function"])
            function = FUNCTIONS[name].having(**next((p for n, p in ALONE.values() if n == name), {}))
            wanted = lut_table(function, source.scale, source.zero_point, target.scale, target.zero_point)
            found[name] = np.array_equal(program.constants[node.constants["table"]], wanted)
    return found


def test_every_activation_names_a_function_of_the_registry_and_its_parameters() -> None:
    for op, (name, parameters) in activations().items():
        assert set(parameters) <= set(FUNCTIONS[name].parameters), op


def test_every_operator_of_the_matrix_is_simplified_away_or_lowered() -> None:
    assert set(operator_matrix()) - set(LOWERINGS) == {"BatchNormalization"}


@pytest.mark.parametrize("op", ALONE)
def test_an_operator_has_the_table_of_its_function(op: str) -> None:
    net = Net(SHAPE)
    name, parameters = ALONE[op]
    assert tables(net, net.add(op, pooled(net), **parameters)) == {name: True}


def test_a_recognised_group_has_the_table_of_its_function() -> None:
    net = Net(SHAPE)
    x = pooled(net)
    assert tables(net, net.add("Mul", x, net.add("Sigmoid", x))) == {"silu": True}


def test_a_table_per_channel_is_that_of_the_rescaled_function() -> None:
    """In front of a table the channels of a convolution fill int8 each for itself; the table takes that back."""
    net = Net(SHAPE)
    program = compiler.quantize(
        net.model(net.conv(net.add("Sigmoid", net.conv("x", 3, 8)), 8, 8)),
        iter(data(SHAPE, 4)),
        CompilerConfig(),
    ).program
    node = next(node for node in program.nodes if node.op == "lut")
    table = program.constants[node.constants["table"]]
    assert table.shape == (8, 256)
    assert (np.diff(table.astype(int), axis=1) >= 0).all()
