"""Write the counts that the registry serves: `python -m axemu.zoo`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from axemu.zoo import networks
from axemu.zoo._counts import count


def main() -> None:
    """Count every network at its default arguments and rewrite `counts.json` beside this module."""
    counts = {network.name: asdict(count(network.build(structure_only=True))) for network in networks()}
    Path(__file__).with_name("counts.json").write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
