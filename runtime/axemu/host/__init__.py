"""What the host computes around a board, for programs that use any driver: the documented recipes, once.

A board takes and returns padded int8 buffers. Everything between them and a picture, or a list of boxes, is the host's:

    from axelera.runtime import Context
    from axemu.host import HostPart, chw, decode, letterbox, suppress

    with Context() as context:
        model = context.load_model("build/yolo11s-coco-onnx/yolo11s-coco-onnx/1/model.json")
        part = HostPart(model)                              # preamble, quantisation, padding, postamble
        instance = context.device_connect().load_model_instance(model)
        photo = letterbox(image, 640, 640)
        found = decode(part.run(instance, chw(photo.pixels) / 255), classes=80)
        found = photo.back(suppress(found))                 # boxes in pixels of the image

`quantise`, `pad`, `depad` and `dequantise` are the single steps, `to_buffer` and `from_buffer` each side at once. Only NumPy is
imported; ONNX Runtime when a model has a preamble or postamble, Pillow for images.
"""

from axemu.host._buffers import depad, dequantise, from_buffer, pad, quantise, to_buffer
from axemu.host._classify import softmax, top
from axemu.host._detections import Detections, overlap, suppress
from axemu.host._images import eight_bits
from axemu.host._info import model_info
from axemu.host._letterbox import Letterbox, chw, letterbox
from axemu.host._part import HostPart
from axemu.host._yolo import FAMILIES, decode

__all__ = [
    "FAMILIES",
    "Detections",
    "HostPart",
    "Letterbox",
    "chw",
    "decode",
    "depad",
    "dequantise",
    "eight_bits",
    "from_buffer",
    "letterbox",
    "model_info",
    "overlap",
    "pad",
    "quantise",
    "softmax",
    "suppress",
    "to_buffer",
    "top",
]
