"""What the host has to pad: the rows of known compiled models."""

from __future__ import annotations

import pytest
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CompilerConfig

ROWS = [
    # (C, H, W), kernel, pads; n_padded_ch_inputs; padded HWC
    ((3, 224, 224), 7, 3, (0, 0, 3, 3, 3, 13, 0, 1), (230, 240, 4)),
    ((3, 640, 640), 3, 1, (0, 0, 1, 1, 1, 15, 0, 1), (642, 656, 4)),
    ((3, 640, 640), 6, 2, (0, 0, 2, 2, 2, 14, 0, 1), (644, 656, 4)),
    ((3, 224, 224), 3, 1, (0, 0, 1, 1, 1, 15, 0, 1), (226, 240, 4)),
    ((1, 224, 224), 3, 1, (0, 0, 1, 1, 1, 31, 0, 0), (226, 256, 1)),
    ((12, 320, 320), 3, 1, (0, 0, 0, 0, 0, 0, 0, 52), (320, 320, 64)),
    ((4, 255, 1), 1, 0, (0, 0, 0, 0, 0, 15, 0, 0), (255, 16, 4)),
]


@pytest.mark.parametrize(("logical", "kernel", "pad", "padding", "padded"), ROWS)
def test_first_convolution_decides_the_padding(logical, kernel, pad, padding, padded) -> None:
    net = Net((1, *logical))
    stride = 2 if logical[2] > 1 else 1
    model = net.model(net.conv("x", logical[0], 8, kernel, strides=[stride, stride], pads=[pad] * 4))
    program = compiler.structure_program(model)
    assert program.tensors[program.inputs[0]].shape == padded
    assert program.nodes[0].op == "slice"


@pytest.mark.parametrize(
    ("channels", "extra"), [(1000, 24), (255, 1), (80, 48), (51, 13), (3, 61), (1, 63), (64, 0)]
)
def test_output_channels_are_padded_to_words_of_64(channels: int, extra: int) -> None:
    net = Net((1, 3, 8, 8))
    model = net.model(net.conv("x", 3, channels))
    quantised = compiler.quantize(model, iter(data((1, 3, 8, 8), 2)), CompilerConfig())
    assert quantised.outputs[0].padding == ((0, 0), (0, 0), (0, 0), (0, extra))
    assert quantised.outputs[0].info().shape == (1, 6, 6, channels + extra)
