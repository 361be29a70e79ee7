"""What the event loop simulates, as arrays of records: instances, networks, boards, streams, frames. Times are in seconds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from axemu.chip import CORES
from axemu.studies.deployments._spec import MOST_BOARDS

Floats = npt.NDArray[np.float64]
Records = Any
"""A structured array, whose records have attributes in compiled code."""

UNLIMITED = 1 << 30

_INT, _REAL = np.int64, np.float64
INSTANCE = np.dtype(
    [
        ("network", _INT),
        ("board", _INT),
        ("first", _INT),  # core
        ("phase", _INT),
        ("number", _INT),  # calls so far
        ("idle", _INT),  # since which event
        ("waiting", _INT),  # for cores, since which event; 0: not
        ("held", _INT, (3, CORES)),  # frames copied in, executed, copied out
        ("left", _REAL, (4,)),  # of a copy, in bytes, or of an execution, whose whole is 1
        ("speed", _REAL, (4,)),
        ("since", _REAL, (4,)),  # when `left` was
        ("due", _REAL, (4,)),
        ("began", _REAL, (4,)),
        ("called", _REAL),
        ("calls", _INT),  # that returned while frames counted; and seconds of that time:
        ("busy", _REAL),
        ("executing", _REAL),
    ]
)
NETWORK = np.dtype(
    [
        ("width", _INT),  # cores of an instance, frames of a call
        ("double", _INT),
        ("limit", _INT),  # frames that may wait
        ("oldest", _INT),  # is dropped, or the newest
        ("copied", _REAL, (2,)),  # bytes of a call
        ("launch", _REAL),  # seconds
        ("executed", _REAL, (MOST_BOARDS, CORES)),  # seconds beside 0, 1, … others of its kind
        ("slowest", _REAL, (MOST_BOARDS,)),  # seconds beside whatever else
        ("weight", _REAL, (MOST_BOARDS,)),  # part of the time an instance fetches, times its cores
        ("head", _INT),
        ("tail", _INT),
        ("length", _INT),
        ("longest", _INT),
        ("entered", _INT),  # frames that count
        ("dropped", _INT),
    ]
)
BOARD = np.dtype(
    [
        ("one_way", _REAL),  # bytes per second of its link
        ("joint", _REAL),
        ("domain", _INT),  # first of the boards behind the same way to the host
        ("dirty", _INT),  # rates have to be settled
        ("owner", _INT, (CORES,)),
        ("copies", _REAL, (2,)),
        ("pressure", _REAL),
    ]
)
STREAM = np.dtype(
    [
        ("entry", _INT),  # its first network
        ("tokens", _INT),  # frames of a loop that are under way
        ("stagger", _REAL),  # seconds between the first of them
    ]
)
BRANCH = np.dtype([("after", _INT), ("to", _INT)])
ARRIVAL = np.dtype([("time", _REAL), ("stream", _INT), ("camera", _INT)])
FRAME = np.dtype(
    [
        ("arrival", _REAL),
        ("done", _REAL),
        ("stream", _INT),
        ("camera", _INT),  # counted over all streams
        ("network", _INT),
        ("root", _INT),  # the frame that a crop comes from
        ("left", _INT),  # of itself and its crops
        ("dropped", _INT),
        ("behind", _INT),  # in a queue
    ]
)
SCALARS = np.dtype(
    [
        ("spread", _REAL),  # of launches, either way, in seconds
        ("gap", _REAL),
        ("setup", _REAL),
        ("begin", _REAL),  # frames count
        ("end", _REAL),
        ("last", _REAL),  # the simulation ends at the latest
        ("seed", np.uint64),
        ("threads", _INT),  # of the host, that are free
        ("host", _REAL),  # seconds that they were busy
        ("made", _INT),  # frames
        ("open", _INT),  # frames that count and are not done
        ("sequence", _INT),  # events
        ("full", _INT),  # there is no room for more frames
    ]
)


class World(NamedTuple):
    """What is simulated and where it is: arrays of the records above.

    `pre`, `post` (by network) and `crops` (by branch) are tables of quantiles, of seconds or numbers.
    """

    instances: Records
    networks: Records
    boards: Records
    streams: Records
    branches: Records
    arrivals: Records
    frames: Records
    scalars: Records
    pre: Floats
    post: Floats
    crops: Floats
