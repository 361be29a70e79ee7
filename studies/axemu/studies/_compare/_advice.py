"""What to try, given where two sides diverge."""

from __future__ import annotations

from collections.abc import Sequence

from axemu.studies._compare._comparison import TensorComparison

_LOW = 20.0
"""dB of local SQNR below which quantising an operator otherwise is worth a try."""
_NAMED = 3


def advice(
    divergence: TensorComparison | None, entries: Sequence[TensorComparison], *, exact: bool
) -> tuple[str, ...]:
    """Return what to try, the most promising first."""
    if divergence is None:
        return _of_rounding(entries) if not exact else ()
    said = " ".join(divergence.findings)
    tips = []
    if divergence.op == "input":
        tips.append("give the board what `axemu.host.to_buffer` makes of the image: NHWC, quantised, padded")
    if "exchanged" in said or "constant" in said or "scale" in said or "table" in said or "attribute" in said:
        tips.append("compile again and compare the new directory: the program itself is another one")
    if exact and divergence.local is not None and divergence.local.equal:
        tips.append(
            f"{divergence.node!r} is right when it runs alone: look at what it is fused with (AXEMU_COMPUTE=reference runs nothing fused)"
        )
    elif exact and not tips:
        tips.append(
            f"hold the driver to the vectors of this operator: axemu vectors verify '*{divergence.op}*'"
        )
    if not exact:
        tips.append(
            "quantise with more calibration images, or another `quantization_scheme`, and compare again"
        )
    if divergence.op != "input":
        tips.append("cut it out with --reduce: a network of the few operators that show it")
    return tuple(tips)


def _of_rounding(entries: Sequence[TensorComparison]) -> tuple[str, ...]:
    worst = sorted(
        (e for e in entries if e.local is not None and e.local.sqnr_db is not None),
        key=lambda e: e.local.sqnr_db or 0.0,  # type: ignore[union-attr]
    )[:_NAMED]
    if not worst:
        return ()
    named = ", ".join(
        f"{entry.node} ({entry.local.sqnr_db} dB)" for entry in worst if entry.local is not None
    )
    tips = [f"no operator stands out; the least exact by themselves: {named}"]
    if worst[0].local is not None and (worst[0].local.sqnr_db or 0.0) < _LOW:
        tips.append(
            "their ranges are wide for what is in them: try `quantization_scheme` = 'per_tensor_histogram', or other calibration images"
        )
    return tuple(tips)
