"""Which board?"""

from __future__ import annotations

from axemu.chip import BOARDS
from axemu.pages import Chart, Row
from axemu.studies.deployments import BoardSetup, NetworkSetup
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._loops import saturated
from axemu.studies.questions._words import ms, stamp_of


@question
def boards(
    model: option.Model = "yolov8s",
    *,
    clock: option.Clock = 800,
    double_buffer: option.DoubleBuffer = True,
    host: option.Host = None,
) -> Answer:
    """How do the boards compare for a network?"""
    found = {
        name: saturated(
            NetworkSetup(model, double_buffer=double_buffer), board=BoardSetup(name, clock=clock), host=host
        )
        for name in BOARDS
    }
    rows: list[Row] = [
        {
            "board": name,
            "chips": BOARDS[name].chips,
            "FPS": one.fps,
            "low": one.at_slow_end.fps,
            "p99 ms": one.p99,
            "DDR %": 100 * one.units["board0.ddr"],
            "link %": 100 * one.units["board0.link"],
            "bound by": one.bound_by.partition(": ")[2],
        }
        for name, one in found.items()
    ]
    best = max(found, key=lambda name: found[name].fps)
    card, module = found["pcie"], found["m2"]
    answer = (
        f"{model}: {card.fps:.0f} frames/s on pcie, {module.fps:.0f} on m2, {found['pcie-x4'].fps:.0f} on pcie-x4; "
        f"{best} is fastest."
    )
    why = (
        (
            f"An execution takes {ms(module.networks[0].executed)} on m2 and {ms(card.networks[0].executed)} on pcie when all cores work: "
            f"their DDR gives {float(BOARDS['m2'].memory_bandwidth) / 1e9:g} and {float(BOARDS['pcie'].memory_bandwidth) / 1e9:g} GB/s. "
            f"Four chips share one link, {found['pcie-x4'].units['board0.link']:.0%} busy."
        ),
        (
            "Each board is taken with the host that it is published with, unless told otherwise. Bandwidths of m2-max, pcie-x4 and "
            "sbc are assumed: their low ends are lower."
        ),
    )
    charts = (Chart("Throughput by board", "board", "FPS", mark="bar"),)
    return Answer(answer, rows, why, stamp_of(card), charts)
