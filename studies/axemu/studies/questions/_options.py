"""Parameters that questions have in common; what is said of them is the help of the command's flags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from axemu.chip import BOARDS, COOLINGS, HOSTS


def one_of(names: Iterable[str]) -> str:
    """Return names as a choice: a, b or c."""
    *others, last = names
    return f"{', '.join(others)} or {last}"


Model = Annotated[str, "A network of the zoo, an ONNX file or a compiled directory."]
Board = Annotated[str, f"{one_of(BOARDS)}."]
Boards = Annotated[int, "Number of boards."]
Fps = Annotated[float, "Frames per second of a camera."]
Latency = Annotated[float, "Milliseconds within which 99 % of the frames are wanted."]
Cores = Annotated[int, "Cores used on each board."]
Clock = Annotated[int, "Clock of the cores in MHz."]
Limit = Annotated[float, "Limit of the MVM utilisation in percent."]
Host = Annotated[
    str | None,
    f"{one_of(HOSTS)}. Default: what the board is measured in.",
]
DoubleBuffer = Annotated[bool, "Copy while executing."]
First = Annotated[str, "The first network: of the zoo, an ONNX file or a compiled directory."]
Second = Annotated[str, "The second network."]
Ambient = Annotated[float, "Temperature around the board in °C."]
Cooling = Annotated[str | None, f"{', '.join(COOLINGS)}. Default: as the board is sold."]
