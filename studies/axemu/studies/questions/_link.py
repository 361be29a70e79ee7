"""How many boards behind one link?"""

from __future__ import annotations

from axemu.pages import Chart, Row
from axemu.studies.deployments import BoardSetup, NetworkSetup
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._loops import saturated
from axemu.studies.questions._words import stamp_of


@question
def link(
    model: option.Model = "yolov8s",
    *,
    board: option.Board = "pcie",
    most: option.Boards = 6,
    double_buffer: option.DoubleBuffer = True,
    host: option.Host = None,
) -> Answer:
    """How many boards are worth having behind one link?"""
    BoardSetup(board, most)  # refuses numbers that cannot be
    network = NetworkSetup(model, double_buffer=double_buffer)
    rows: list[Row] = []
    for count in range(1, most + 1):
        own, shared = (
            saturated(network, board=BoardSetup(board, count, shared_upstream=behind), host=host, seconds=1.0)
            for behind in (False, True)
        )
        rows.append(
            {
                "boards": count,
                "FPS, own links": own.fps,
                "FPS, one link": shared.fps,
                "of own links %": 100 * shared.fps / own.fps,
                "link %": 100 * shared.units["board0.link"],
                "p99 ms, one link": shared.p99,
                "bound by": shared.bound_by.partition(": ")[2],
            }
        )
    good = max(row["boards"] for row in rows if row["of own links %"] >= 95)
    answer = (
        f"{good} boards of kind {board} lose less than 5 % of their {model} frames behind one link"
        f" ({rows[good - 1]['FPS, one link']:.0f} frames/s)"
        + (
            f"; {most} lose {100 - rows[-1]['of own links %']:.0f} %."
            if good < most
            else ", and none of those asked for lose more."
        )
    )
    why = (
        (
            "Each direction of the link, and both together, are shared equally by the copies that are under way. Threads of the host are taken "
            "to be enough: what many boards cost a busy host is not modelled."
        ),
    )
    charts = (Chart("Throughput behind one link", "boards", "FPS, one link"),)
    return Answer(answer, rows, why, stamp_of(shared), charts)
