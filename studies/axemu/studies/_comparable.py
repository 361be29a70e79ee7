"""Which published rate a prediction may be held against."""

from __future__ import annotations

from axemu.chip import BOARDS, CORES, METIS, RELEASES
from axemu.emulator.metis import Board
from axemu.studies._measured import published
from axemu.studies._scenario import Scenario
from axemu.studies._target import Target


def comparable(scenario: Scenario, target: Target, board: Board) -> tuple[str, float | None]:
    """Return what `host_fps` of a prediction compares with, in words, and the published rate if there is one.

    Tables hold host FPS of four cores at full clock on one PCIe or M.2 board in the host of the release.
    """
    calibration = board.calibration
    table = f"model-zoo table of SDK {RELEASES[calibration.sdk].table}"
    cases = [case for case in published(calibration.sdk) if case.board == scenario.board]
    differing = [
        what
        for what, differs in (
            (f"board {scenario.board}", not cases),
            (f"host {board.host.name}", board.host.name != calibration.host_of(BOARDS[scenario.board]).name),
            (f"{scenario.cores} cores", scenario.cores != CORES),
            (f"{scenario.clock} MHz", scenario.clock != METIS.clock.value),
            (f"{scenario.boards} boards", scenario.boards != 1),
        )
        if differs
    ]
    if differing:
        return f"nothing published ({', '.join(differing)})", None
    setting = target.name, target.batch, scenario.mvm_utilisation
    rates = [case.fps for case in cases if (case.model, case.compiled_cores, case.mvm_utilisation) == setting]
    return f"host FPS in the {table}", rates[0] if rates else None
