"""Images with their colours, and where frames come from: images, directories, videos, cameras.

As far as the vendor's documents of release 1.7 and the notes of 1.8 go; see `docs/reference/op.md`.
"""

from axelera.runtime.cv._image import ColorFormat, Image
from axelera.runtime.cv._source import Reader, Source, VideoSource, create_source

__all__ = ["ColorFormat", "Image", "Reader", "Source", "VideoSource", "create_source"]
