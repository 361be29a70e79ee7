"""`model_info.json`: what a network is called, does and names its classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axemu.driver.bounded import JSON_FILE, parse_json, read_bounded


def model_info(path: str | Path) -> dict[str, Any]:
    """Read the model_info.json that lies above the builds of a network (`<network>/<cores>/model.json`), or beside them.

    Args:
        path: the model.json of a build, or its directory.

    Returns:
        Its content, such as `labels` and `num_classes`; empty when there is none.

    Raises:
        ValueError: it is damaged.
    """
    given = Path(path).resolve()
    directory = given if given.is_dir() else given.parent
    for place in (directory.parent, directory):
        file = place / "model_info.json"
        if file.is_file():
            content = parse_json(read_bounded(file, JSON_FILE), JSON_FILE)
            return content if isinstance(content, dict) else {}
    return {}
