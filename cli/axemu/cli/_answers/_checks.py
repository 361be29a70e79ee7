"""Whether values are right: golden vectors, and accuracy on one's own images."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from axemu.cli._answers._answer import Answer, key


class VectorFacts(Answer):
    """`axemu vectors list`, a list of these."""

    name: Annotated[str, key("of the vector")]
    kind: Annotated[str, key("`operator`, `pattern` or `network`")]
    operators: Annotated[int, key("nodes of its program")]
    frames: Annotated[int, key("it is fed")]
    tolerance: Annotated[int, key("steps by which outputs of another compiler's models may differ")]


class VectorDifference(Answer):
    """The first tensor, in the order of the nodes, that does not hold what it must."""

    tensor: Annotated[str, key("its name")]
    node: Annotated[str, key("that writes it")]
    op: Annotated[str, key("that node's operator")]
    where: Annotated[tuple[int, ...], key("frame, row, column, channel of the first value that differs")]
    found: Annotated[int, key("that value")]
    expected: Annotated[int, key("what it must be")]
    values: Annotated[int, key("how many values of the tensor differ")]
    of: Annotated[int, key("how many it has")]
    largest: Annotated[int, key("by how much, at most")]


class VectorOutcome(Answer):
    """`axemu vectors verify`, a list of these."""

    vector: Annotated[str, key("its name")]
    passed: Annotated[bool, key("nothing is wrong")]
    problem: Annotated[str, key("what is wrong; empty where nothing is")]
    difference: Annotated[VectorDifference | None, key("where values differ, if they do")]
    largest: Annotated[int, key("steps by which an output differs, at most")]


class Bounds(Answer):
    """A value, and between what it lies."""

    value: Annotated[float | None, key("null where it is not defined")]
    low: Annotated[float | None, key("null where one image tells nothing of that; likewise high")]
    high: float | None


class AccuracyFigure(Answer):
    """A metric on both sides."""

    float_: Annotated[
        Bounds | None, Field(alias="float", description="of the float network, if there is one")
    ]
    int8: Annotated[Bounds, key("of the compiled one")]
    difference: Annotated[Bounds | None, key("int8 - float, image by image")]


class EvaluationAnswer(Answer):
    """`axemu eval`."""

    model: Annotated[str, key("path of the compiled model")]
    float_network: Annotated[str | None, key("path of the float one")]
    pictures: Annotated[int, key("images judged")]
    resumed: Annotated[int, key("of these from the journal")]
    confidence: Annotated[float, key("of the bounds")]
    calibration_samples: Annotated[
        int | None, key("that images were compared with; null where the model does not tell")
    ]
    left_out: Annotated[int, key("images left out, as the network was calibrated with them")]
    metrics: Annotated[dict[str, AccuracyFigure], key("by name")]
