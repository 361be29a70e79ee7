"""The chip's inputs and outputs: a buffer for each, padded as the host has to deliver it or gets it back."""

from __future__ import annotations

from typing import cast

from axelera.compiler.lowering._network import Activation, LoweredNetwork, LoweredOperator, Port, Shape
from axemu.model.program import Attribute

PWORD = 64
"""Bytes of the chip's vector word: channels of stored tensors are padded to it."""

_IMAGE_CHANNELS = {1: 1, 2: 4, 3: 4, 4: 4}
_NONE = (0, 0)


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def pad_interface(network: LoweredNetwork) -> LoweredNetwork:
    """Return the network with a slice behind every padded input and a pad before every padded output.

    An image-like input (up to four channels, read by one convolution) gets the convolution's own padding, channels 1 or
    4, and columns until a row is a multiple of 64 bytes. Any other tensor gets its channels padded to a multiple of 64.
    """
    network = network.copy()
    network.inputs = tuple(_pad_input(network, port) for port in network.inputs)
    network.outputs = tuple(_pad_output(network, port) for port in network.outputs)
    return network


def copy_shared_outputs(network: LoweredNetwork) -> LoweredNetwork:
    """Return the network with a tensor of its own for every output: an input, or another output too, is copied."""
    network = network.copy()
    taken = {port.tensor for port in network.inputs}
    outputs = []
    for port in network.outputs:
        tensor = port.tensor
        if tensor in taken:
            shape = network.activations[tensor].shape
            name = network.free_name(f"{port.value}/copy")
            copy = network.free_name(f"{name}:0")
            network.activations[copy] = Activation(copy, shape)
            attributes: dict[str, Attribute] = {"starts": (0, 0, 0), "sizes": shape, "steps": (1, 1, 1)}
            network.operators.append(LoweredOperator("slice", name, (tensor,), copy, attributes))
            tensor = copy
        taken.add(tensor)
        outputs.append(Port(port.value, tensor, port.shape, port.padding))
    network.outputs = tuple(outputs)
    return network


def _pad_input(network: LoweredNetwork, port: Port) -> Port:
    tensor = network.activations[port.tensor]
    readers = [operator for operator in network.operators if tensor.name in operator.inputs]
    height, width, channels = tensor.shape
    image = (
        channels in _IMAGE_CHANNELS and len(readers) == 1 and readers[0].op == "conv" and height * width > 1
    )
    if image:
        conv = readers[0]
        top, left, bottom, right = cast("tuple[int, int, int, int]", conv.attributes["pads"])
        conv.attributes["pads"] = (0, 0, 0, 0)
        inner: Shape = (height + top + bottom, width + left + right, channels)
        full_channels = _IMAGE_CHANNELS[channels]
        full: Shape = (inner[0], _round_up(inner[1], PWORD // full_channels), full_channels)
        padding = (_NONE, (top, bottom), (left, full[1] - width - left), (0, full_channels - channels))
    else:
        inner = tensor.shape
        full = (height, width, _round_up(channels, PWORD))
        padding = (_NONE, _NONE, _NONE, (0, full[2] - channels))
    if full == tensor.shape:
        return Port(port.value, tensor.name, port.shape, padding)
    padded = network.free_name(f"{tensor.name}:padded")
    network.activations[padded] = Activation(padded, full, tensor.observe)
    source = padded
    if inner != full:
        node = LoweredOperator(
            "slice",
            network.free_name(f"{tensor.name}/unpad"),
            (padded,),
            tensor.name,
            {"starts": (0, 0, 0), "sizes": inner, "steps": (1, 1, 1)},
        )
        network.operators.insert(0, node)
        source = tensor.name
    tensor.shape = inner
    if source == padded:  # nothing to cut off: the padded buffer is what the operators read
        for operator in readers:
            operator.inputs = tuple(padded if name == tensor.name else name for name in operator.inputs)
        del network.activations[tensor.name]
    return Port(port.value, padded, port.shape, padding)


def _pad_output(network: LoweredNetwork, port: Port) -> Port:
    tensor = network.activations[port.tensor]
    height, width, channels = tensor.shape
    extra = _round_up(channels, PWORD) - channels
    padding = (_NONE, _NONE, _NONE, (0, extra))
    if not extra:
        return Port(port.value, tensor.name, port.shape, padding)
    padded = network.free_name(f"{tensor.name}:padded")
    network.activations[padded] = Activation(padded, (height, width, channels + extra))
    network.operators.append(
        LoweredOperator(
            "pad",
            network.free_name(f"{tensor.name}/pad"),
            (tensor.name,),
            padded,
            {"before": (0, 0, 0), "after": (0, 0, extra), "value": 0},
        )
    )
    return Port(port.value, padded, port.shape, padding)
