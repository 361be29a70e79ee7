"""What `axemu.host` does, with NumPy and ONNX Runtime alone: for machines where axemu is not installed.

It quantises, pads and transposes as the documents of the runtime say, and runs a postamble where the model has one.

    axemu demo
    python examples/by_hand.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from axelera.runtime import Context, TensorInfo


def to_buffer(image: npt.NDArray[np.float32], info: TensorInfo) -> npt.NDArray[np.int8]:
    """Quantise, transpose and pad a float NCHW array into the buffer that `info` describes."""
    codes = np.round(image.transpose(0, 2, 3, 1) / info.scale + info.zero_point)
    padded = np.pad(codes, info.padding, constant_values=info.zero_point)
    return padded.clip(-128, 127).astype(np.int8)


def to_real(buffer: npt.NDArray[np.int8], info: TensorInfo) -> npt.NDArray[np.float32]:
    """Cut the padding off an output, dequantise what is left and transpose it to NCHW."""
    inner = buffer[tuple(slice(before, -after or None) for before, after in info.padding)]
    return ((inner.astype(np.float32) - info.zero_point) * np.float32(info.scale)).transpose(0, 3, 1, 2)


def finish(values: list[npt.NDArray[np.float32]], graph: Path) -> npt.NDArray[np.generic]:
    """Run the network's last operators, an ONNX file beside model.json; inputs are matched by position."""
    import onnxruntime as ort  # noqa: PLC0415  most models have no postamble

    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    feeds = {
        tensor.name: value.reshape([size if isinstance(size, int) else -1 for size in tensor.shape])
        for tensor, value in zip(session.get_inputs(), values, strict=True)
    }
    return np.asarray(session.run(None, feeds)[0])


def main(model_path: str, images_path: str) -> None:
    with np.load(images_path) as test:
        images, labels = test["images"], test["labels"]
    with Context() as context:
        model = context.load_model(model_path)
        (input_info,), output_infos = model.inputs(), model.outputs()
        connection = context.device_connect(None, num_sub_devices=1)
        instance = connection.load_model_instance(model)
        buffers = [np.empty(info.shape, np.int8) for info in output_infos]
        correct = 0
        for image, label in zip(images, labels, strict=True):
            instance.run([to_buffer(image[np.newaxis], input_info)], buffers)
            values = [to_real(buffer, info) for buffer, info in zip(buffers, output_infos, strict=True)]
            answer = values[0]
            if model.postamble_graph:
                answer = finish(values, Path(model_path).parent / model.postamble_graph)
            correct += int(answer.flat[0] == label if answer.size == 1 else answer.argmax() == label)
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
