"""The commands. They use this SDK's `axelera.runtime` and `axelera.compiler`, also where the vendor's are installed."""

import sys

# `python -m axemu.cli.axcompile` puts the current directory before everything installed, and a file there that is
# called like a module would run in its place. (While a module of this package is being located, argv[0] is "-m".)
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    del sys.path[0]

from axemu import faces

faces.first()
