"""What options of `axcompile` may be; light, so that its help is quick."""

from __future__ import annotations

from enum import StrEnum


class Layout(StrEnum):
    """Order of the dimensions of the model's image input."""

    NCHW = "NCHW"
    NHWC = "NHWC"


class ColorFormat(StrEnum):
    """Channels of the images a transform gets."""

    RGB = "RGB"
    BGR = "BGR"
    GRAY = "GRAY"


class ImageReader(StrEnum):
    """What reads images, and so what kind of object a transform gets."""

    PIL = "PIL"
    OPENCV = "OPENCV"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"
