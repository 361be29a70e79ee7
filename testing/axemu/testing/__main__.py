"""`python -m axemu.testing`: the back-to-back suite, from the wheel alone.

Options are pytest's and the plugin's: `--metis-driver=native --metis-model=build/model/1 -v`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from axemu import faces

SUITE = Path(__file__).parent / "suite"


def main() -> int:
    """Run the suite in a process of its own, with our runtime in it; returns pytest's exit code."""
    command = [
        sys.executable, "-m", "pytest", "-c", str(SUITE / "pytest.ini"), "--rootdir", str(SUITE),
        "--import-mode=importlib", "-p", "axemu.testing.plugin", "-p", "no:cacheprovider", *sys.argv[1:], str(SUITE),
    ]  # fmt: skip
    return subprocess.run(command, env=os.environ | {faces.VARIABLE: "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
