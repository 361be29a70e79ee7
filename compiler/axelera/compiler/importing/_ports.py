"""Inputs and outputs of a program: the padded buffers of model.json, joined to the TorchScript program by order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from axelera.compiler.importing._builder import Builder, Shape
from axelera.compiler.importing._constants import scale_and_zero_point
from axelera.compiler.importing._refusal import Source
from axemu.driver import TensorInfo
from axemu.model.program import Attribute, Node
from axemu.model.torchscript import Operation

NOTHING = ((0, 0), (0, 0), (0, 0))
Margins = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Port:
    """An input of the program: the whole buffer, and the part of it that the network sees."""

    buffer: str
    tensor: str
    margins: Margins


def input_ports(
    source: Source,
    builder: Builder,
    infos: Sequence[TensorInfo],
    quantisers: Sequence[tuple[int, Operation]],
) -> tuple[tuple[str, ...], dict[int, Port]]:
    """Add the inputs of model.json; return their names and, by number of its result, the port of each quantiser.

    A quantiser of an input and an input of model.json belong together in order. A model whose input is quantised twice has
    either an input for each, or one for both.

    Raises:
        IncompatibleDevice: numbers or shapes do not tell which belongs to which.
        InvalidArgument: scale or zero point of a quantiser and of the manifest differ.
    """
    keys = []
    for index, operation in quantisers:
        if len(operation.arguments) != 4:
            raise source.unknown(operation.module, "a quantiser without scale and zero point")
        keys.append((index, scale_and_zero_point(source, operation.module, *operation.arguments[1:3])))
    distinct = list(dict.fromkeys(keys))
    if len(infos) == len(keys):
        places = list(range(len(keys)))
    elif len(infos) == len(distinct):
        places = [distinct.index(key) for key in keys]
    else:
        raise source.unknown("", f"model.json has {len(infos)} inputs and the program quantises {len(keys)}")
    ports: dict[int, Port] = {}
    made: dict[int, Port] = {}
    for place, (index, quantisation), (_, operation) in zip(places, keys, quantisers, strict=True):
        info = infos[place]
        if (info.scale, info.zero_point) != quantisation:
            raise source.wrong(
                operation.module,
                f"quantises input {info.name!r} with {quantisation}, manifest.json with {(info.scale, info.zero_point)}",
            )
        if place not in made:
            alike = [
                infos[other]
                for other, (graph_input, _) in zip(places, keys, strict=True)
                if graph_input == index
            ]
            made[place] = _input(source, builder, info, alike)
        ports[operation.result.number] = made[place]
    return tuple(made[place].buffer for place in range(len(infos))), ports


def _input(source: Source, builder: Builder, info: TensorInfo, alike: Sequence[TensorInfo]) -> Port:
    """Add one input; a flat one has the shape of another buffer of the same input of the network."""
    shaped = next((one for one in (info, *alike) if len(one.shape) == 4 and one.size == info.size), None)
    if shaped is None:
        raise source.unknown("", f"input {info.name!r} has shape {info.shape}, expected four dimensions")
    shape, margins = _geometry(source, shaped)
    quantisation = (info.scale, info.zero_point)
    buffer = builder.tensor(info.name, shape, *quantisation)
    if margins == NOTHING:
        return Port(buffer, buffer, margins)
    starts = tuple(before for before, _ in margins)
    sizes = tuple(extent - before - after for extent, (before, after) in zip(shape, margins, strict=True))
    attributes: dict[str, Attribute] = {"starts": starts, "sizes": sizes, "steps": (1, 1, 1)}
    inner = builder.node("slice", f"{buffer}/unpad", (buffer,), quantisation, attributes)
    return Port(buffer, inner, margins)


def output_ports(
    source: Source, builder: Builder, infos: Sequence[TensorInfo], names: Sequence[str], taken: Sequence[str]
) -> tuple[str, ...]:
    """Add the padding of the outputs and return their names; a tensor that is an output twice is copied.

    Raises:
        IncompatibleDevice: their numbers differ, or a shape does not fit.
        InvalidArgument: scale or zero point of the program and of the manifest differ.
    """
    if len(infos) != len(names):
        raise source.unknown("", f"model.json has {len(infos)} outputs and the program {len(names)}")
    outputs: list[str] = []
    for info, name in zip(infos, names, strict=True):
        tensor = builder.tensors[name]
        if (info.scale, info.zero_point) != (tensor.scale, tensor.zero_point):
            raise source.wrong(
                "",
                f"output {info.name!r} has scale and zero point {(tensor.scale, tensor.zero_point)}, in manifest.json "
                f"{(info.scale, info.zero_point)}",
            )
        if len(info.shape) != 4:
            raise source.unknown("", f"output {info.name!r} has shape {info.shape}, expected four dimensions")
        shape, margins = _geometry(source, info)
        inner = tuple(extent - before - after for extent, (before, after) in zip(shape, margins, strict=True))
        if inner != tensor.shape:
            raise source.unknown(
                "", f"output {info.name!r} holds {inner} without padding, the program makes {tensor.shape}"
            )
        quantisation = (tensor.scale, tensor.zero_point)
        output = name
        if margins != NOTHING:
            attributes: dict[str, Attribute] = {
                "before": tuple(before for before, _ in margins),
                "after": tuple(after for _, after in margins),
                "value": 0,
            }
            output = builder.node("pad", f"{info.name}/pad", (name,), quantisation, attributes)
        elif name in outputs or name in taken:
            whole = {"starts": (0, 0, 0), "sizes": tensor.shape, "steps": (1, 1, 1)}
            output = builder.node("slice", f"{info.name}/copy", (name,), quantisation, whole)
        outputs.append(output)
    return tuple(outputs)


def _geometry(source: Source, info: TensorInfo) -> tuple[Shape, Margins]:
    """Return shape and margins of a frame: height, width, channels."""
    padding = info.padding or [(0, 0)] * 4
    if tuple(padding[0]) != (0, 0):
        raise source.unknown("", f"{info.name!r} is padded in its batch")
    margins = tuple((int(before), int(after)) for before, after in padding[1:])
    return cast("Shape", tuple(info.shape[1:])), cast("Margins", margins)


def take_border_from_buffer(source: Source, builder: Builder, ports: Sequence[Port]) -> None:
    """Let a convolution that pads an input read that border from the buffer, where the host has put it.

    The vendor's compiler makes room for it before and behind the image, and the chip reads what lies there.

    Raises:
        IncompatibleDevice: a border that no int8 can hold has no room in the buffer.
    """
    for port in dict.fromkeys(ports):
        readers = [node for node in builder.nodes if port.tensor in node.inputs]
        if len(readers) == 1 and readers[0].op == "conv" and port.tensor != port.buffer:
            _move_border(builder, port, readers[0])
        padding = [node for node in builder.nodes if port.tensor in node.inputs and _pads(node)]
        if port.tensor in builder.wide_borders and padding:
            raise source.unknown(
                padding[0].name,
                f"a border of {builder.tensors[port.tensor].zero_point}, which no int8 holds and the buffer has no room for",
            )


def _pads(node: Node) -> bool:
    return any(cast("tuple[int, ...]", node.attributes.get("pads", ())))


def _move_border(builder: Builder, port: Port, conv: Node) -> None:
    top, left, bottom, right = cast("tuple[int, int, int, int]", conv.attributes["pads"])
    (above, below), (before, behind), (first, _) = port.margins
    if (
        not any((top, left, bottom, right))
        or above < top
        or below < bottom
        or before < left
        or behind < right
    ):
        return
    height, width, channels = builder.tensors[port.tensor].shape
    sizes = (height + top + bottom, width + left + right, channels)
    unpad = next(node for node in builder.nodes if node.output == port.tensor)
    starts = (above - top, before - left, first)
    builder.replace(unpad, replace(unpad, attributes={**unpad.attributes, "starts": starts, "sizes": sizes}))
    builder.tensors[port.tensor] = replace(builder.tensors[port.tensor], shape=sizes)
    moved = replace(conv, attributes={**conv.attributes, "pads": (0, 0, 0, 0)})
    builder.replace(conv, moved)
