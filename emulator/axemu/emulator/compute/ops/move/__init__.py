"""Operators that move bytes or leave them where they are: `concat`, `constant`, `pad`, `reshape`, `slice` and others."""
