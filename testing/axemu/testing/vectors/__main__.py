"""`python -m axemu.testing.vectors`: record what the specification says, into manifest.json of a checkout."""

from axemu.testing.vectors import make_manifest, vectors
from axemu.testing.vectors._manifest import FILE

if __name__ == "__main__":
    FILE.write_text(make_manifest(vectors()).text(), encoding="utf-8")
