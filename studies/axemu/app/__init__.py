"""The short way from a network and a source to boxes and classes, much like the vendor's InferenceStream.

    from axemu.app import create_inference_stream

    with create_inference_stream("yolo11n-coco-onnx", "street.mp4") as stream:
        for frame in stream:
            for one in frame.objects:
                print(frame.number, one.class_id.name, one.score, one.bbox)

It is ours and stands on `axelera.runtime.op` alone, so it runs on every driver. The vendor's `axelera.app` is another thing, with
pipelines in YAML and GStreamer.
"""

from axemu.app._pipelines import Described, describe, pipeline
from axemu.app._stream import Frame, InferenceStream, create_inference_stream

__all__ = ["Described", "Frame", "InferenceStream", "create_inference_stream", "describe", "pipeline"]
