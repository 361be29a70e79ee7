"""What do clock and MVM limit cost, and save?"""

from __future__ import annotations

from axemu.chip import CLOCKS_MHZ
from axemu.pages import Chart, Row
from axemu.studies._predict import predict
from axemu.studies._scenario import Scenario
from axemu.studies._target import load_target
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._words import stamp_of


@question
def clock(
    model: option.Model = "yolov8s",
    *,
    board: option.Board = "m2",
    cores: option.Cores = 4,
    double_buffer: option.DoubleBuffer = True,
    host: option.Host = None,
    ambient: option.Ambient = 25.0,
    cooling: option.Cooling = None,
) -> Answer:
    """What do clock and MVM limit cost in frames per second, and save in watts?"""
    target = load_target(model)
    rows: list[Row] = []
    for mhz in (one for one in CLOCKS_MHZ if one >= 400):
        for limit in (100, 50, 25):
            one = predict(
                Scenario(
                    model,
                    board=board,
                    cores=cores,
                    clock=mhz,
                    mvm_utilisation=limit,
                    double_buffer=double_buffer,
                    host=host,
                    ambient=ambient,
                    cooling=cooling,
                ),
                target,
            )
            assert one.heat is not None  # noqa: S101 - asked for
            rows.append(
                {
                    "clock MHz": mhz,
                    "MVM limit %": limit,
                    "FPS": one.system_fps,
                    "watts": one.heat.power_w,
                    "FPS per watt": one.system_fps / one.heat.power_w,
                    "settled °C": one.heat.settled_c,
                    "sustained FPS": one.heat.sustained_fps,
                }
            )
    full = next(row for row in rows if row["clock MHz"] == 800 and row["MVM limit %"] == 100)
    thrifty = max(rows, key=lambda row: row["FPS per watt"])
    answer = (
        f"{model} on {board}: {full['FPS']:.0f} frames/s at {full['watts']:.1f} W with 800 MHz and no limit; most frames per watt "
        f"at {thrifty['clock MHz']} MHz and {thrifty['MVM limit %']} %: {thrifty['FPS']:.0f} frames/s at {thrifty['watts']:.1f} W."
    )
    half = next(row for row in rows if row["clock MHz"] == 400 and row["MVM limit %"] == 100)
    why = (
        (
            f"Half the clock leaves {half['FPS'] / full['FPS']:.0%} of the frames: DDR, link and host do not go with it. The limit only "
            "stretches passes whose array is busier than it allows. Watts are orders of magnitude."
        ),
    )
    charts = (
        Chart("Throughput by clock", "clock MHz", "FPS", "MVM limit %"),
        Chart("Power by clock", "clock MHz", "watts", "MVM limit %"),
    )
    return Answer(answer, rows, why, stamp_of(one), charts)
