"""How should two networks share a board?"""

from __future__ import annotations

from axemu.pages import Chart, Row
from axemu.studies.deployments import BoardSetup, Evaluation, NetworkSetup
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._loops import saturated
from axemu.studies.questions._words import stamp_of


@question
def split(
    first: option.First = "yolov8s",
    second: option.Second = "resnet50",
    *,
    board: option.Board = "m2",
    clock: option.Clock = 800,
    double_buffer: option.DoubleBuffer = True,
    host: option.Host = None,
) -> Answer:
    """How should two networks share the four cores of a board?"""
    setup = BoardSetup(board, clock=clock)

    def shared(mine: int, yours: int, from_core: int | None) -> list[float]:
        one = saturated(
            NetworkSetup(first, "first", cores=mine, double_buffer=double_buffer),
            NetworkSetup(second, "second", cores=yours, first_core=from_core, double_buffer=double_buffer),
            board=setup,
            host=host,
        )
        answers.append(one)
        return [stream.fps for stream in one.streams]

    answers: list[Evaluation] = []
    columns = [f"{first} FPS", f"{second} FPS" if second != first else f"{second} FPS, second"]
    alone = [
        saturated(NetworkSetup(model, double_buffer=double_buffer), board=setup, host=host).fps
        for model in (first, second)
    ]
    rows: list[Row] = []
    for name, mine, yours, from_core in (
        ("3 + 1", 3, 1, None),
        ("2 + 2", 2, 2, None),
        ("1 + 3", 1, 3, None),
        ("all, in turn", 4, 4, 0),
    ):
        fps = shared(mine, yours, from_core)
        parts = [rate / most for rate, most in zip(fps, alone, strict=True)]
        rows.append(
            {
                "cores": name,
                columns[0]: fps[0],
                columns[1]: fps[1],
                "of alone, first %": 100 * parts[0],
                "second %": 100 * parts[1],
                "together %": 100 * sum(parts),
                "p99 ms": answers[-1].p99,
                "DDR %": 100 * answers[-1].units["board0.ddr"],
            }
        )
    best = max(rows, key=lambda row: row["together %"])
    even = max(rows, key=lambda row: min(row["of alone, first %"], row["second %"]))
    answer = (
        f"Most work gets done with {best['cores']}: {best[columns[0]]:.0f} frames/s of {first} and {best[columns[1]]:.0f} of "
        f"{second} on {board}. The slower of both fares best with {even['cores']}."
    )
    why = (
        (
            f"Alone on four cores they do {alone[0]:.0f} and {alone[1]:.0f} frames/s. Together above 100 % means that one leaves DDR or host "
            "time that the other uses; below, that they get in each other's way. In turn, each call waits for the other network's call on "
            "its core. What both do to each other in L2 is not modelled."
        ),
    )
    charts = (Chart("Work done, of that of each alone", "cores", "together %", mark="bar"),)
    return Answer(answer, rows, why, stamp_of(answers[0]), charts)
