"""What does heat leave?"""

from __future__ import annotations

from axemu.chip import BOARDS
from axemu.pages import Chart, Row
from axemu.studies._predict import predict
from axemu.studies._scenario import Scenario
from axemu.studies._target import load_target
from axemu.studies.questions import _options as option
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._words import stamp_of


@question
def heat(
    model: option.Model = "yolov8s",
    *,
    board: option.Board = "m2",
    ambient: option.Ambient = 50.0,
    cooling: option.Cooling = "fanless",
    cores: option.Cores = 4,
    host: option.Host = None,
) -> Answer:
    """How much of the throughput does heat leave, by default in a fanless box at 50 °C?"""
    target = load_target(model)
    rows: list[Row] = []
    for degrees in sorted({25.0, 40.0, 50.0, 60.0, ambient}):
        for mhz in (800, 400):
            one = predict(
                Scenario(
                    model,
                    board=board,
                    cores=cores,
                    clock=mhz,
                    host=host,
                    ambient=degrees,
                    cooling=cooling,
                ),
                target,
            )
            assert one.heat is not None  # noqa: S101 - asked for
            found = one.heat
            rows.append(
                {
                    "ambient °C": degrees,
                    "clock MHz": mhz,
                    "FPS": found.fps,
                    "sustained FPS": found.sustained_fps,
                    "watts": found.sustained_w,
                    "hottest °C": found.hottest_c,
                    "minutes to throttle": None
                    if found.seconds_to_throttle is None
                    else found.seconds_to_throttle / 60,
                    "limited by": found.limited_by,
                }
            )
    here = [row for row in rows if row["ambient °C"] == ambient]
    full, best = here[0], max(here, key=lambda row: row["sustained FPS"])
    part = full["sustained FPS"] / full["FPS"]
    answer = (
        f"{model} on {board} at {ambient:g} °C keeps {full['sustained FPS']:.0f} of {full['FPS']:.0f} frames/s ({part:.0%}), limited by "
        f"{full['limited by']}; most is left at {best['clock MHz']} MHz: {best['sustained FPS']:.0f} frames/s."
    )
    why = (
        (
            f"{BOARDS[board].title}, cooling {cooling or 'as sold'}. Power follows from what cores, array and memory do, temperature from a "
            "single body behind a thermal resistance; throttling is that of the firmware. Orders of magnitude."
        ),
    )
    charts = (
        Chart("Sustained throughput by ambient temperature", "ambient °C", "sustained FPS", "clock MHz"),
    )
    return Answer(answer, rows, why, stamp_of(one), charts)
