"""From a float network to an integer program: calibration data, ranges, scales, weights, tables."""

from axelera.compiler.quantisation._datasets import (
    image_paths,
    images_in,
    items_of,
    length_of,
    random_data,
    read_image,
    samples_of,
    to_array,
    transformed,
)
from axelera.compiler.quantisation._digests import Seen, digest, digest_of_frame
from axelera.compiler.quantisation._emit import FixedWeights, emit
from axelera.compiler.quantisation._equalise import equalise
from axelera.compiler.quantisation._given import fixed_weights, given_scales
from axelera.compiler.quantisation._histogram import Histogram
from axelera.compiler.quantisation._normalise import normalise_tables
from axelera.compiler.quantisation._observe import Observations, observe
from axelera.compiler.quantisation._quantisation import Quantisation
from axelera.compiler.quantisation._scales import Clipped, choose_scales, clipped
from axelera.compiler.quantisation._segments import Segment, SegmentedSession, segments_of
from axelera.compiler.quantisation._session import Feeds, run_session, session

__all__ = [
    "Clipped",
    "Feeds",
    "FixedWeights",
    "Histogram",
    "Observations",
    "Quantisation",
    "Seen",
    "Segment",
    "SegmentedSession",
    "choose_scales",
    "clipped",
    "digest",
    "digest_of_frame",
    "emit",
    "equalise",
    "fixed_weights",
    "given_scales",
    "image_paths",
    "images_in",
    "items_of",
    "length_of",
    "normalise_tables",
    "observe",
    "random_data",
    "read_image",
    "run_session",
    "samples_of",
    "segments_of",
    "session",
    "to_array",
    "transformed",
]
