"""`lut`, `requantize` and `affine`: each is a table of 256 bytes, one for all channels or one per channel.

Only an `affine` whose channels differ is computed instead (`affine`): 16 channels at a time beat as many look-ups.
"""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute._layout import Address, Data, Descriptor
from axemu.emulator.compute._lowering import Lowering
from axemu.emulator.compute.fields import table as f
from axemu.model.program import Node

from . import affine


def link(lowering: Lowering, node: Node, table: Data | None = None) -> tuple[str, Descriptor, Any]:
    """Return kernel, descriptor and the module of its fields; `table` replaces the node's own."""
    source, output = lowering.view(node.inputs[0]), lowering.view(node.output)
    by_channel = lowering.unary_table(node).ndim == 2
    if by_channel and node.op == "affine":
        return affine.link(lowering, node)
    descriptor = Descriptor(f.SIZE).update(
        {
            f.INPUT: Address(source.buffer, source.start),
            f.INPUT_PLACES: lowering.places(source),
            f.OUTPUT: Address(output.buffer, output.start),
            f.PLACES: lowering.places(output),
            f.TABLE: table or lowering.unary_data(node),
            f.DENSE: output.width if source.dense and output.dense else 0,
        }
    )
    return ("lut_by_channel" if by_channel else "lut"), descriptor, f


def lower(lowering: Lowering, node: Node) -> None:
    """Append the table as a stage of its own."""
    from ._follow import link_followers  # noqa: PLC0415  the two need each other

    kernel, descriptor, fields = link(lowering, node)
    descriptor[fields.NEXT], descriptor[fields.NEXT_DESCRIPTOR] = link_followers(
        lowering, lowering.followers(node)
    )
    lowering.over_pixels(kernel, descriptor, node, [lowering.view(node.inputs[0])])
