"""Golden vectors: operators, fused patterns and small networks with inputs, and what every tensor of them must hold.

Programs and inputs are made from seeds wherever they are needed; `manifest.json` holds their checksums and the digest of every
tensor in both numerics, so that nothing can differ unnoticed. `axemu vectors` is the command, `docs/how-to/verify-numerics.md` the page.
"""

from axemu.testing.vectors._board import make_driver, specification
from axemu.testing.vectors._case import Case
from axemu.testing.vectors._collection import find, vectors
from axemu.testing.vectors._exchange import export, record_vectors, verify_recorded
from axemu.testing.vectors._manifest import Entry, Manifest, load_manifest, make_manifest
from axemu.testing.vectors._operators import operator_cases
from axemu.testing.vectors._vector import Vector
from axemu.testing.vectors._verify import Difference, Outcome, verify, verify_compiled

__all__ = [
    "Case",
    "Difference",
    "Entry",
    "Manifest",
    "Outcome",
    "Vector",
    "export",
    "find",
    "load_manifest",
    "make_driver",
    "make_manifest",
    "operator_cases",
    "record_vectors",
    "specification",
    "vectors",
    "verify",
    "verify_compiled",
    "verify_recorded",
]
