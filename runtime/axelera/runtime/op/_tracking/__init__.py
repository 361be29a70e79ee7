"""Trackers of the literature: boxes of frame after frame in, tracks out. Boxes are corners in pixels."""

from axelera.runtime.op._tracking._bytetrack import ByteTrack, ByteTrackParameters
from axelera.runtime.op._tracking._ocsort import OcSort, OcSortParameters
from axelera.runtime.op._tracking._sort import Sort, SortParameters
from axelera.runtime.op._tracking._track import Parameters, Track, Tracking
from axelera.runtime.op._tracking._tracktrack import TrackTrack, TrackTrackParameters

ALGORITHMS: dict[str, type[Tracking]] = {
    "bytetrack": ByteTrack,
    "oc-sort": OcSort,
    "sort": Sort,
    "tracktrack": TrackTrack,
}

__all__ = [
    "ALGORITHMS",
    "ByteTrack",
    "ByteTrackParameters",
    "OcSort",
    "OcSortParameters",
    "Parameters",
    "Sort",
    "SortParameters",
    "Track",
    "TrackTrack",
    "TrackTrackParameters",
    "Tracking",
]
