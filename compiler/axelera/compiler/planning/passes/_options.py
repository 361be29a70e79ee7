"""What a program of passes assumes: the user's choices and the rules that nobody could check."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from axemu.chip import METIS, PROGRAMS, ChipFigures, ProgramFigures

Rescale = Literal["lowered", "shared"]
Placement = Literal["maps", "weights"]
Cut = Literal["outputs", "inputs"]


@dataclass(frozen=True, slots=True)
class PassOptions:
    """Options of a program of passes. All from `rescale` on are rules that were inferred: switches, not settings.

    Args:
        cores: cores that execute one call, one frame each (the batch); they share their weights in L2.
        resources: share of the chip's L2 the model may use; None means a quarter per core.
        rescale: which parts of a concatenation get a rescale pass (R14): `lowered` those that the integer program
            rescales, `shared` every part that somebody else reads or that is only copied.
        first_in_l2: what L2 holds first (R7); `weights` is the contrary of what the decoded programs do.
        weights_stop: the first weight tensor that does not fit ends the filling of L2 (R8); otherwise smaller ones follow.
        split_maps: a map that L2 has no room for is split between L2 and DDR, unless it is larger than all of L2.
        reuse_pages: the operator that reads a map for the last time may write to the pages of L2 it lies in.
        lose_prefetch: a map that fits L1 only without the next weights stays whole, and the weights are waited for.
        tiles_power_of_two: operators are cut into 2, 4, 8, … tiles; otherwise into as few as fit.
        cut: what a kernel that does not fit the array is cut over: groups of `outputs` with all their inputs, or
            blocks of `inputs` for 8 words of outputs at a time, whose sums are added up.
        tiling_depth: operators that may be made tile by tile together, depth first, where a map between them does not fit
            L1 (inferred, no program shows one); None means 6 if all cores share a build, as the vendor's model cards ask
            for, else 1, the compiler's default.
        image_phases: an image's kernel is stored once per position of a window in its words.
    """

    cores: int = 1
    resources: float | None = None
    rescale: Rescale = "lowered"
    first_in_l2: Placement = "maps"
    weights_stop: bool = True
    split_maps: bool = True
    reuse_pages: bool = True
    lose_prefetch: bool = True
    tiles_power_of_two: bool = True
    cut: Cut = "outputs"
    tiling_depth: int | None = None
    image_phases: bool = True
    chip: ChipFigures = field(default=METIS)
    figures: ProgramFigures = field(default=PROGRAMS)

    def __post_init__(self) -> None:
        """Refuse what the chip does not have."""
        if not 1 <= self.cores <= int(self.chip.cores):
            raise ValueError(f"pass option cores is {self.cores}, expected 1 to {int(self.chip.cores)}")
        if self.resources is not None and not 0 < self.resources <= 1:
            raise ValueError(f"pass option resources is {self.resources}, expected a fraction in (0, 1]")

    @property
    def depth(self) -> int:
        """Operators that may be made tile by tile together."""
        if self.tiling_depth is not None:
            return self.tiling_depth
        return int(self.figures.batch_tiling_depth) if self.cores == int(self.chip.cores) else 1

    @property
    def l2_bytes(self) -> int:
        """Bytes of L2 the model may use, all its cores together, a multiple of 64."""
        share = self.cores / int(self.chip.cores) if self.resources is None else self.resources
        return int((int(self.chip.l2_bytes) - int(self.chip.l2_reserved)) * share) // 64 * 64
