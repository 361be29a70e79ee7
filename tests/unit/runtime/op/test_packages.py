"""`.axe`: what was saved comes back and does the same; what is damaged, foreign or hostile is refused by name."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._sizes import sample

from axelera.runtime import InvalidArgument, NotImplemented, op  # noqa: A004
from axemu.driver.bounded import parse_toml
from axemu.model import write_axm
from axemu.testing import write_small_model

pytestmark = pytest.mark.usefixtures("own_boards")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "small").mkdir()
    return write_axm(write_small_model(tmp_path / "small").path.parent, tmp_path / "small.axm")


def classifying(model: Path) -> Any:
    return op.seq(
        op.color_convert("RGB", src="BGR"),
        op.resize(8, 8),
        op.to_tensor(),
        op.normalize((0.5, 0.5, 0.5), [0.2, 0.3, 0.4]),
        op.load(str(model), core_allocation="50%"),
        op.softmax(),
        op.ax_classification(class_id_type=op.ImagenetClasses),
        op.top_k(3),
        name="classes",
    )


def packed(directory: Path, chain: dict[str, Any] | bytes, **files: bytes) -> Path:
    """Write a package of any kind."""
    inner = directory / "inner"
    inner.mkdir(exist_ok=True)
    (inner / "pipeline.toml").write_bytes(
        chain if isinstance(chain, bytes) else tomli_w.dumps(chain).encode()
    )
    for name, content in files.items():
        (inner / name).write_bytes(content)
    return write_axm(inner, directory / "made.axe")


def test_a_pipeline_comes_back_with_its_models_and_does_the_same(model: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    pipeline = classifying(model)
    expected = pipeline(image)
    package = tmp_path / "classes.axe"
    pipeline.save_axe(str(package), name="small", description="what it is", task="classification")
    model.unlink()
    again = op.load(str(package))
    assert again(image) == expected
    assert again.name == "classes"
    assert again.optimized().batch([image] * 3) == [expected] * 3
    assert again.node(cls=op.top_k).k == 3
    with zipfile.ZipFile(package) as archive:
        assert sorted(archive.namelist()) == ["pipeline.toml", "small.axm"]
        about = parse_toml(archive.read("pipeline.toml"))
    assert (about["name"], about["description"], about["task"]) == ("small", "what it is", "classification")


def test_what_came_out_of_a_package_can_be_saved_again(model: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.axe", tmp_path / "second.axe"
    classifying(model).save_axe(first)
    op.load(first).optimized().save_axe(second)
    assert first.read_bytes() == second.read_bytes()


def test_every_kind_of_parameter_comes_back(tmp_path: Path) -> None:
    labels = tmp_path / "three.names"
    labels.write_text("a\nb\nc\n")
    own = op.load_classes(labels)
    pipeline = op.seq(
        op.par(op.identity, op.seq(op.itemgetter(slice(1, None)), name="rest"), name="both"),
        op.to_dtype(np.float16, scale=True),
        op.crop_roi(indices=range(4), format=op.CoordFormat.XYWH),
        op.ax_detection(op.CocoClasses),
        op.ax_pose(17, class_id_type=own),
        op.filter(class_ids={op.CocoClasses.person}, min_score=np.float32(0.5)),
        op.tracker("oc-sort", max_age=7),
        op.for_each("seen", op.constant(True), iter="tracks"),
    )
    path = tmp_path / "all.axe"
    pipeline.save_axe(path)
    again = op.load(path)
    found = {type(one).__name__: one for one in [*again.operators, *again.operators[0].children]}
    assert found["Par"].name == "both"
    assert found["Seq"].operators[0].index == slice(1, None, None)
    assert found["ToDtype"].parameters() == {"dtype": np.dtype(np.float16), "scale": True}
    assert found["CropRoi"].parameters() == {
        "property": None, "indices": (0, 1, 2, 3), "format": op.CoordFormat.XYWH,
    }  # fmt: skip
    assert found["AxDetection"].class_id_type is op.CocoClasses
    assert {one.name: one.value for one in found["AxPose"].class_id_type} == {"a": 0, "b": 1, "c": 2}
    assert found["Filter"].parameters() == {"class_ids": (0,), "min_score": 0.5, "fn": None}
    assert found["Tracker"].parameters() == pipeline.node(op.tracker).parameters()
    assert (found["ForEach"].name, found["ForEach"].iter) == ("seen", "tracks")


def test_onnx_files_are_held_by_their_names(tmp_path: Path) -> None:
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Neg", ["x"], ["y"])],
        "negative",
        [value("x", onnx.TensorProto.FLOAT, [3])],
        [value("y", onnx.TensorProto.FLOAT, [3])],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, tmp_path / "negative.onnx")
    op.seq(op.onnx_model(str(tmp_path / "negative.onnx"))).save_axe(tmp_path / "n.axe")
    (tmp_path / "negative.onnx").unlink()
    with zipfile.ZipFile(tmp_path / "n.axe") as archive:
        assert "negative.onnx" in archive.namelist()
    np.testing.assert_array_equal(op.load(tmp_path / "n.axe")(np.ones(3, np.float32)), -np.ones(3))


class Doubled(op.Operator):
    factor: int = 2

    def __call__(self, value: Any) -> Any:
        return value * self.factor


def test_an_operator_of_ones_own_is_registered_to_be_saved_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(op.OperatorRegistry, "_known", {})
    with pytest.raises(ValueError, match=r"op\.OperatorRegistry\.register\('Doubled', Doubled\)"):
        op.seq(Doubled()).save_axe(tmp_path / "d.axe")
    op.OperatorRegistry.register("Doubled", Doubled)
    op.seq(Doubled(5)).save_axe(tmp_path / "d.axe")
    assert op.load(tmp_path / "d.axe")(2) == 10
    monkeypatch.setattr(op.OperatorRegistry, "_known", {})
    with pytest.raises(
        InvalidArgument, match=r"pipeline\.operators\[0\] has type 'Doubled'.*registered before"
    ):
        op.load(tmp_path / "d.axe")


def test_what_cannot_be_saved_is_refused_and_nothing_written(model: Path, tmp_path: Path) -> None:
    """The page on combinators: the suffix, models within `for_each`, archives that are gone."""
    target = tmp_path / "x.axe"
    with pytest.raises(ValueError, match=r"x\.zip: a package is called something\.axe"):
        classifying(model).save_axe(tmp_path / "x.zip")
    with pytest.raises(ValueError, match="a for_each with a model inside"):
        op.seq(op.for_each(op.load(model))).save_axe(target)
    for pipeline in (
        op.seq(len),
        op.seq(op.filter(fn=bool)),
        op.seq(op.dumper(tmp_path)),
        op.seq(op.constant([object()])),
    ):
        with pytest.raises(ValueError, match=r"save_axe: .* cannot be"):
            pipeline.save_axe(target)
    gone = classifying(model)
    model.unlink()
    with pytest.raises(FileNotFoundError, match=r"small\.axm: is gone"):
        gone.save_axe(target)
    assert not target.exists()


def test_a_package_of_the_vendors_is_refused_by_name(tmp_path: Path) -> None:
    for chain in (b"", b"[pipeline]\nops = ['letterbox']\n"):
        with pytest.raises(
            NotImplemented, match=r"made\.axe: a package that was not written here.*\.axm inside"
        ):
            op.load(packed(tmp_path, chain))


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        ({"pipeline": 3}, "pipeline is no table"),
        ({"pipeline": {"type": "Seq"}}, "pipeline cannot be made: seq: give at least one operator"),
        ({"pipeline": {"type": "Pack"}}, "pipeline is a Pack; expected a Seq"),
        ({"pipeline": {"type": "Seq", "operators": 3}}, "operators that are no list"),
        ({"pipeline": {"type": "Seq", "operators": [{"type": "system"}]}}, r"operators\[0\] has type 'system'"),
        ({"pipeline": {"type": "Wrapped", "function": "print"}}, "has type 'Wrapped'"),
        ({"pipeline": {"type": "Dumper", "directory": "here"}}, "has type 'Dumper'"),
        ({"pipeline": {"type": "ExecModel", "file": "x"}}, "has type 'ExecModel'"),
        ({"pipeline": {"type": "Operator"}}, "has type 'Operator'"),
        ({"pipeline": {"type": "LoadedSeq", "file": "../../x.axm"}}, r"the file '\.\./\.\./x\.axm', which is not in the package"),
        ({"pipeline": {"type": "LoadedSeq", "file": "/etc/passwd"}}, "which is not in the package"),
        ({"pipeline": {"type": "OnnxModel", "path": "pipeline.toml"}}, "ONNX Runtime does not take it"),
        ({"pipeline": {"type": "Nms", "iou": 1}}, "cannot be made: .*unexpected keyword argument 'iou'"),
        ({"pipeline": {"type": "AxDetection", "class_id_type": {"classes": "exec"}}}, "cannot be made: 'exec'"),
        ({"pipeline": {"type": "ToDtype", "dtype": {"dtype": "objekt"}}}, "cannot be made: "),
        ({"pipeline": {"type": "ToDtype", "dtype": {"run": "x"}}}, "a table of no known kind"),
    ],
)  # fmt: skip
def test_what_is_no_pipeline_is_refused(chain: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=rf"made\.axe: pipeline\.toml: .*{reason}"):
        op.load(packed(tmp_path, {"format": "axemu 1", **chain}))


def test_cores_are_shared_out_to_models_and_not_to_packages(model: Path, tmp_path: Path) -> None:
    classifying(model).save_axe(tmp_path / "c.axe")
    with pytest.raises(InvalidArgument, match="core_allocation is of models"):
        op.load(tmp_path / "c.axe", core_allocation=1)


@settings(max_examples=sample(30, 500))
@given(data=st.data())
def test_a_mutated_package_is_refused_or_a_pipeline(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("mutated")
    package = directory / "made.axe"
    parts = [
        op.resize(4, 4),
        op.par(op.pack(), op.nms(0.5)),
        op.itemgetter(slice(0, 3)),
        op.ax_detection(op.CocoClasses),
    ]
    op.seq(*parts).save_axe(package)
    with zipfile.ZipFile(package) as archive:
        chain = bytearray(archive.read("pipeline.toml"))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(chain) - 1))
        chain[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    refusal = ""
    try:
        loaded = op.load(packed(directory, bytes(chain)))
    except (InvalidArgument, NotImplemented) as error:
        refusal = str(error)
    assert "made.axe" in refusal or isinstance(loaded, op.Seq)
