"""Command-line tools."""

import sys

# `python -m axelera.cli.axcompile` puts the current directory before everything installed, and a file there that is
# called like a module would run in its place. (While a module of this package is being located, argv[0] is "-m".)
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    del sys.path[0]
