"""Two ways of computing a network, tensor by tensor."""

from __future__ import annotations

from typing import Annotated

from axemu.cli._answers._answer import Answer, key


class Apart(Answer):
    """How far values of a tensor are apart."""

    sqnr_db: Annotated[
        float | None, key("signal over noise; null where nothing differs, or nothing is there")
    ]
    cosine: Annotated[float, key("of the angle between both, as vectors")]
    off_by: Annotated[
        dict[str, int],
        key("number of values by how many steps of the scale they differ; `8` counts all from eight"),
    ]
    largest: Annotated[float, key("steps, at most")]
    values: Annotated[int, key("how many there are")]
    where: Annotated[
        list[int] | None, key("frame, row, column, channel of the first that differs; null where none does")
    ]


class ComparedTensor(Answer):
    """A tensor on both sides."""

    tensor: Annotated[str, key("its name in the program")]
    node: Annotated[str, key("that writes it; empty for an input")]
    operator: Annotated[str, key("of that node; `input` for an input")]
    inputs: Annotated[list[str], key("tensors that the node reads")]
    shape: Annotated[list[int], key("height, width, channels")]
    value: Annotated[str, key("its name on the other side")]
    aligned: Annotated[str, key("what was done before comparing")]
    accumulated: Annotated[Apart, key("after everything before it")]
    local: Annotated[
        Apart | None, key("its node alone, fed with what the other side has; null where not known")
    ]
    findings: Annotated[list[str], key("what the differences look like, where the sides diverge")]


class ComparisonAnswer(Answer):
    """Two ways of computing a network."""

    examined: Annotated[str, key("the side whose nodes ran one by one")]
    reference: Annotated[str, key("the other")]
    frames: Annotated[int, key("how many")]
    exact: Annotated[bool, key("whether both are to hold the same integers")]
    first: Annotated[str | None, key("the first tensor that differs by itself")]
    notes: Annotated[list[str], key("what was aligned, or cannot be seen")]
    advice: Annotated[list[str], key("what to try")]
    tensors: Annotated[list[ComparedTensor], key("inputs first, then as the program computes")]
