"""Windows of the vendor's demos, without a screen.

Nothing of the vendor documents this module; names and parameters are those that its published examples use. There is one renderer,
"none", which "auto" chooses: it keeps what was shown last, for `Window.picture`. See `docs/reference/op.md`.
"""

from axelera.runtime.display._app import App, Window
from axelera.runtime.display._draw import draw

__all__ = ["App", "Window", "draw"]
