"""Images, where the vendor's documents import them from."""

from axelera.runtime.cv import ColorFormat, Image

__all__ = ["ColorFormat", "Image"]
