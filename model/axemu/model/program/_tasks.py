"""What the chip does for one operator, as the timing model sees it.

Tasks hold counts, never times: how often the array is fired, how many bytes cross which memory. Clock, rates and
calibrated costs belong to the timing model, so a compiled model needs no re-compilation when those change.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """One operator of a program (or a pass of one) on one core, for one frame.

    All counts are non-negative integers. Bytes include the padding to 64 channels that the chip stores.
    """

    name: str
    """Node of the program the task belongs to."""
    op: str
    """Operator the task executes."""
    mvm_slots: int = 0
    """Times the in-memory-compute array is fired; each takes 8 cycles."""
    macs: int = 0
    """Useful multiply-accumulates, for roofline and utilisation only."""
    weight_bytes: int = 0
    """Weights loaded from L2 into the array."""
    weight_ddr_bytes: int = 0
    """Weights streamed from DDR, once per call whatever the batch."""
    taps: int = 0
    """64-channel taps of the depthwise unit (depthwise convolution, pooling)."""
    vectors: int = 0
    """64-channel element-wise steps of the vector unit."""
    broadcasts: int = 0
    """64-channel steps that combine a map with one value per channel."""
    gathers: int = 0
    """64-channel taps of a slow path that collects its window element by element."""
    move_bytes: int = 0
    """Bytes of inner activations that move between the core's L1 and L2."""
    io_bytes: int = 0
    """Bytes of the program's inputs and outputs that the core copies in and out."""
    ddr_read_bytes: int = 0
    """Activation bytes read from DDR."""
    ddr_write_bytes: int = 0
    """Activation bytes written to DDR."""
    input_bytes: int = 0
    """Bytes of all activations the task reads, wherever they lie."""
    output_bytes: int = 0
    """Bytes of the activation the task writes, wherever it lies."""
    layers: int = 1
    """How often the fixed cost of starting an operator is paid; 0 where it is fused into its producer."""
