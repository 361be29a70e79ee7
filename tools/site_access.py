"""Hooks of mkdocs: what the theme's pages lack for a screen reader; what it makes in the browser is in docs/assets/site.js."""

from __future__ import annotations

import re

EMPTY_HEADER = re.compile(r"<th([^>]*)>\s*</th>")
UNNAMED = {
    '<div class="md-search" data-md-component="search" role="dialog"': ' aria-label="Search"',
    'type="checkbox" id="__drawer"': ' aria-label="Navigation"',
    'type="checkbox" id="__search"': ' aria-label="Search"',
}
"""Tags of the theme, by how they begin, and the names that they want."""


def on_page_content(html: str, **_: object) -> str:
    """Make a cell of a header without text: the corner of a table names nothing."""
    return EMPTY_HEADER.sub(r"<td\1></td>", html)


def on_post_template(output_content: str, **_: object) -> str:
    """Name the parts of pages that are no documents."""
    return on_post_page(output_content)


def on_post_page(output: str, **_: object) -> str:
    """Name the parts of a page."""
    for tag, name in UNNAMED.items():
        output = output.replace(tag, tag + name)
    return output
