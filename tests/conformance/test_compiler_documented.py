"""The documented uses of the compiler's API, each ending on an emulated board or in the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from tests.unit.compiler._networks import Net, data, run_float, sqnr

from axelera import compiler, runtime
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig
from axelera.compiler.config import read_model_card

SHAPE = (1, 3, 24, 24)


@pytest.fixture
def own_boards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep reservations and configuration of these tests apart from everything else on the machine."""
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "reservations"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-configuration"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    net = Net(SHAPE)
    x = net.add("Relu", net.conv("x", 3, 16, strides=[2, 2], pads=[1, 1, 1, 1]))
    x = net.add("GlobalAveragePool", net.add("Relu", net.conv(x, 16, 32)))
    weight = net.constant(net.random.standard_normal((32, 10)).astype(np.float32))
    onnx.save(net.model(net.add("Gemm", net.add("Flatten", x), weight)), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def on_a_board(model: AxeleraQuantizedModel, directory: Path, frames: list[np.ndarray]) -> list[np.ndarray]:
    """Run frames through an instance of a compiled model, a batch at a time; float results."""
    results = []
    with runtime.Context() as context:
        compiled = context.load_model(str(directory / "model.json"))
        batch = compiled.inputs()[0].shape[0]
        connection = context.device_connect(None, batch)
        instance = connection.load_model_instance(compiled, aipu_cores=batch)
        for start in range(0, len(frames), batch):
            group = frames[start : start + batch]
            inputs = [np.concatenate([model.inputs[0].quantise(frame) for frame in group])]
            outputs = [np.empty(info.shape, np.int8) for info in compiled.outputs()]
            instance.run(inputs, outputs)
            results += [model.finish([outputs[0][i : i + 1]])[0] for i in range(batch)]
    return results


@pytest.mark.usefixtures("own_boards")
def test_raw_images_with_a_transform(network: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = [Image.fromarray(generator.integers(0, 255, (40, 30, 3), dtype=np.uint8)) for _ in range(12)]

    def transform(image: Image.Image) -> np.ndarray:
        pixels = np.asarray(image.resize((24, 24)), np.float32) / 255
        return (pixels.transpose(2, 0, 1)[None] - 0.5) / 0.25

    config = CompilerConfig()
    quantised = compiler.quantize(str(network), iter(images), config, transform_fn=transform)
    compiler.compile(quantised, config, tmp_path / "build")
    frames = [transform(image) for image in images[:4]]
    results = on_a_board(quantised, tmp_path / "build", frames)
    np.testing.assert_array_equal(np.concatenate(results), quantised(np.concatenate(frames)))
    expected = np.concatenate([run_float(onnx.load(network), frame)[0] for frame in frames])
    assert sqnr(expected, np.concatenate(results)) > 20


def test_a_preprocessed_iterator_and_a_model_proto(network: Path) -> None:
    def calibration() -> Iterator[np.ndarray]:
        yield from data(SHAPE, 10)

    config = CompilerConfig(ptq_scheme="per_tensor_min_max")
    first = compiler.quantize(onnx.load(network), calibration(), config)
    second = compiler.quantize(str(network), calibration(), config)
    assert first.program.tensors == second.program.tensors


def test_a_data_loader_of_labelled_batches(network: Path) -> None:
    loader = [(np.concatenate(data(SHAPE, 4, seed)), np.zeros(4, np.int64)) for seed in range(3)]
    quantised = compiler.quantize(
        str(network), iter(loader), CompilerConfig(), transform_fn=lambda item: item[0]
    )
    frame = data(SHAPE, 1, 8)[0]
    assert sqnr(run_float(onnx.load(network), frame)[0], quantised(frame)) > 18


@pytest.mark.usefixtures("own_boards")
def test_save_and_reload_then_compile(network: Path, tmp_path: Path) -> None:
    compiler.quantize(str(network), iter(data(SHAPE, 8)), CompilerConfig()).export(tmp_path / "quantised")
    loaded = AxeleraQuantizedModel.load(tmp_path / "quantised")
    compiler.compile(loaded, CompilerConfig(), tmp_path / "build")
    frames = data(SHAPE, 2, 3)
    results = on_a_board(loaded, tmp_path / "build", frames)
    np.testing.assert_array_equal(np.concatenate(results), loaded(np.concatenate(frames)))


@pytest.mark.usefixtures("own_boards")
@pytest.mark.parametrize(("cores", "resources"), [(1, 0.25), (4, 1.0)])
def test_batch_one_and_batch_four_give_the_same_numbers(
    network: Path, tmp_path: Path, cores: int, resources: float
) -> None:
    config = CompilerConfig(aipu_cores_used=cores, resources_used=resources)
    quantised = compiler.quantize(str(network), iter(data(SHAPE, 8)), config)
    compiler.compile(quantised, config, tmp_path / "build")
    frames = data(SHAPE, 4, 3)
    results = on_a_board(quantised, tmp_path / "build", frames)
    np.testing.assert_array_equal(np.concatenate(results), quantised(np.concatenate(frames)))


@pytest.mark.usefixtures("own_boards")
def test_cascade_from_a_card_with_toml_and_inline_override(network: Path, tmp_path: Path) -> None:
    (tmp_path / "big.toml").write_text(
        '[compiler]\nquantization_scheme = "per_tensor_min_max"\nresources_used = 0.5\n'
    )
    (tmp_path / "card.yaml").write_text(
        "models:\n"
        "  detector:\n    extra_kwargs:\n      compiler_config_file: big.toml\n"
        "      compilation_config: {resources: 0.75, aipu_cores: 3, multicore_mode: batch}\n"
        "  classifier:\n    extra_kwargs:\n      compilation_config: {resources: 0.25, aipu_cores: 1}\n"
    )
    configs = read_model_card(tmp_path / "card.yaml")
    assert configs["detector"].quantization_scheme.value == "per_tensor_min_max"
    assert [config.resources_used for config in configs.values()] == [0.75, 0.25]
    for name, config in configs.items():
        quantised = compiler.quantize(str(network), iter(data(SHAPE, 4)), config)
        compiler.compile(quantised, config, tmp_path / name)
    with runtime.Context() as context:
        for name, config in configs.items():
            cores = config.aipu_cores_used
            model = context.load_model(str(tmp_path / name / "model.json"))
            instance = context.device_connect(None, cores).load_model_instance(model, aipu_cores=cores)
            instance.run(
                [np.zeros(info.shape, np.int8) for info in model.inputs()],
                [np.empty(info.shape, np.int8) for info in model.outputs()],
            )


def test_a_torch_module_is_exported_and_quantised() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.SiLU(), torch.nn.Conv2d(8, 4, 3)).eval()
    samples = [torch.from_numpy(sample) for sample in data(SHAPE, 8)]
    quantised = compiler.quantize(module, iter(samples), CompilerConfig())
    result = quantised(samples[0])
    assert isinstance(result, torch.Tensor)
    with torch.no_grad():
        assert sqnr(module(samples[0]).numpy(), result.numpy()) > 20


def test_a_torch_module_in_training_with_a_data_loader(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, stride=2, bias=False),
        torch.nn.BatchNorm2d(16),
        torch.nn.Hardswish(),
        torch.nn.Dropout(0.5),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(16, 10),
    )
    module(torch.rand(8, *SHAPE[1:]))  # gives the batch norm statistics
    images = torch.rand(24, 24, 24, 3)  # (N, H, W, C), to be turned by transform_fn
    loader = DataLoader(TensorDataset(images, torch.zeros(24)), batch_size=4)
    quantised = compiler.quantize(
        module, loader, CompilerConfig(), transform_fn=lambda item: item[0].permute(0, 3, 1, 2)
    )
    assert module.training
    compiler.compile(quantised, CompilerConfig(), tmp_path / "build")
    frame = images[:1].permute(0, 3, 1, 2).contiguous()
    with torch.no_grad():
        expected = module.eval()(frame).numpy()
    assert sqnr(expected, quantised(frame).numpy()) > 20


def test_a_torch_module_that_cannot_be_exported_is_refused() -> None:
    torch = pytest.importorskip("torch")

    class Untraceable(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x):
            return x.sum().item()

    with pytest.raises(compiler.ModelError, match="torch cannot export Untraceable to ONNX"):
        compiler.quantize(Untraceable(), iter(data(SHAPE, 2)), CompilerConfig())
