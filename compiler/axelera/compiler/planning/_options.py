"""What the user decides about a plan."""

from __future__ import annotations

from dataclasses import dataclass, field

from axemu.chip import METIS, PROGRAMS, ChipFigures


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Options of a plan.

    Args:
        cores: cores that execute one call, one frame each (the batch).
        resources: share of the chip's L2 the model may use; None means a quarter per core.
        tiling_depth: operators that may be made tile by tile together; None as the vendor's model cards set it.
        double_buffer: input and output buffers exist twice, so that copies overlap with execution.
        chip: figures of the chip.
    """

    cores: int = 1
    resources: float | None = None
    tiling_depth: int | None = None
    double_buffer: bool = True
    chip: ChipFigures = field(default=METIS)

    def __post_init__(self) -> None:
        """Refuse what the chip does not have."""
        if not 1 <= self.cores <= int(self.chip.cores):
            raise ValueError(f"plan option cores is {self.cores}, expected 1 to {int(self.chip.cores)}")
        if self.resources is not None and not 0 < self.resources <= 1:
            raise ValueError(f"plan option resources is {self.resources}, expected a fraction in (0, 1]")

    @property
    def l1_bytes(self) -> int:
        """Bytes of a core's L1 that are free for data."""
        return int(PROGRAMS.l1_data)

    @property
    def l2_bytes(self) -> int:
        """Bytes of L2 the model may use, a multiple of 64."""
        share = self.cores / int(self.chip.cores) if self.resources is None else self.resources
        return int((int(self.chip.l2_bytes) - int(self.chip.l2_reserved)) * share) // 64 * 64
