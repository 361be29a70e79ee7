"""Making concat inputs share one scale: directly where the producer can, by a requantize node where it can't."""

from __future__ import annotations

from axelera.compiler.lowering._network import Activation, LoweredNetwork, LoweredOperator


def insert_requantise(network: LoweredNetwork) -> LoweredNetwork:
    """Return the network with requantize nodes in front of concats.

    An input needs none when its producer requantises anyway and only concats read it, or when all inputs share a scale
    already. So the concats of a dense block share one scale, as its last concat would demand anyway.
    """
    network = network.copy()
    others = {name for operator in network.operators if operator.op != "concat" for name in operator.inputs}
    others.update(port.tensor for port in network.outputs)
    writer = network.producer()
    fixed = _Groups(network)
    result: list[LoweredOperator] = []
    for operator in network.operators:
        if operator.op == "concat" and len({fixed.find(name) for name in operator.inputs}) > 1:
            free = {
                name
                for name in operator.inputs
                if name in writer and not writer[name].kind.same_scale and name not in others
            }
            for name in sorted(free):
                fixed.union(name, operator.output)
            operator.inputs = tuple(
                name if name in free else _requantised(network, result, fixed, operator, name)
                for name in operator.inputs
            )
        if operator.op == "concat":
            for name in operator.inputs:
                fixed.union(name, operator.output)
        result.append(operator)
    network.operators = result
    return network


def _requantised(
    network: LoweredNetwork, result: list[LoweredOperator], fixed: _Groups, concat: LoweredOperator, name: str
) -> str:
    """Return `name` in the scale of the concat's output; a copy made for an earlier concat of that scale is reused."""
    copies = [node.output for node in result if node.op == "requantize" and node.inputs == (name,)]
    for copy in copies:
        if fixed.find(copy) == fixed.find(concat.output):
            return copy
    node = network.free_name(f"{name}/requantize{len(copies) or ''}")
    output = network.free_name(f"{node}:0")
    network.activations[output] = Activation(output, network.activations[name].shape)
    result.append(LoweredOperator("requantize", node, (name,), output, source=concat.source))
    fixed.union(output, concat.output)
    return output


class _Groups:
    """Tensors that share a scale whatever happens to the concats, and then those decided so far."""

    def __init__(self, network: LoweredNetwork) -> None:
        self._parent: dict[str, str] = {}
        for operator in network.operators:
            if operator.kind.same_scale and operator.op != "concat":
                self.union(operator.inputs[0], operator.output)

    def find(self, name: str) -> str:
        while self._parent.get(name, name) != name:
            name = self._parent[name]
        return name

    def union(self, a: str, b: str) -> None:
        self._parent[self.find(b)] = self.find(a)
