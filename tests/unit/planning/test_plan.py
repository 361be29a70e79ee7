"""What the planner makes of small programs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axelera.compiler.planning import Plan, PlanOptions, plan
from axemu.model.program import Attribute, Node, Program, Task, Tensor
from axemu.studies._measured import gemm_program

TOTAL_L2 = (32 << 20) - 1_245_184


class Sketch:
    """A program written down tensor by tensor."""

    def __init__(self, height: int = 8, width: int = 8, channels: int = 64, batch: int = 1) -> None:
        self.tensors = {"in": Tensor("in", (height, width, channels))}
        self.nodes: list[Node] = []
        self.batch = batch

    def add(
        self, op: str, inputs: Sequence[str], shape: tuple[int, int, int], **attributes: Attribute
    ) -> str:
        name = f"{op}{len(self.nodes)}"
        self.tensors[name] = Tensor(name, shape)
        self.nodes.append(Node(op, name, tuple(inputs), name, attributes))
        return name

    def conv(self, source: str, outputs: int, kernel: int = 1, group: int = 1, stride: int = 1) -> str:
        height, width, _ = self.tensors[source].shape
        shape = (-(-height // stride), -(-width // stride), outputs)
        return self.add(
            "conv",
            [source],
            shape,
            kernel=(kernel, kernel),
            strides=(stride, stride),
            dilations=(1, 1),
            pads=(kernel // 2,) * 4,
            group=group,
        )

    def channels(self, source: str, start: int, size: int) -> str:
        height, width, _ = self.tensors[source].shape
        return self.add(
            "slice",
            [source],
            (height, width, size),
            starts=(0, 0, start),
            sizes=(height, width, size),
            steps=(1, 1, 1),
        )

    def concat(self, *sources: str) -> str:
        height, width, _ = self.tensors[sources[0]].shape
        return self.add(
            "concat", sources, (height, width, sum(self.tensors[s].shape[2] for s in sources)), axis=2
        )

    def program(self, *outputs: str) -> Program:
        return Program("sketch", self.batch, self.tensors, tuple(self.nodes), ("in",), outputs)


def tasks_of(sketch: Sketch, *outputs: str) -> tuple[Task, ...]:
    return plan(sketch.program(*outputs)).tasks


def test_a_convolution_is_one_task() -> None:
    sketch = Sketch()
    (task,) = tasks_of(sketch, sketch.conv("in", 128, 3))
    assert task.macs == 64 * 64 * 9 * 128
    assert task.weight_bytes == (64 * 9 + 64) * 128
    assert task.layers == 1


def test_a_grouped_convolution_costs_as_much_as_a_dense_one() -> None:
    grouped, dense = Sketch(channels=128), Sketch(channels=128)
    (one,) = tasks_of(grouped, grouped.conv("in", 128, 3, group=32))
    (other,) = tasks_of(dense, dense.conv("in", 128, 3))
    assert (one.mvm_slots, one.weight_bytes) == (other.mvm_slots, other.weight_bytes)
    assert one.macs * 32 == other.macs


def test_a_depthwise_convolution_uses_the_depthwise_unit() -> None:
    sketch = Sketch(channels=128)
    (task,) = tasks_of(sketch, sketch.conv("in", 128, 3, group=128))
    assert task.mvm_slots == 0
    assert task.taps == 64 * 2 * 9


def test_activation_tables_and_requantisation_are_folded() -> None:
    sketch = Sketch()
    made = sketch.conv("in", 64)
    table = sketch.add("lut", [made], (8, 8, 64), function="silu")
    assert len(tasks_of(sketch, sketch.add("requantize", [table], (8, 8, 64)))) == 1


def test_a_table_that_cannot_be_folded_costs_a_pass() -> None:
    sketch = Sketch()
    made = sketch.conv("in", 64)
    table = sketch.add("lut", [made], (8, 8, 64), function="silu")
    tasks = tasks_of(sketch, sketch.add("mul", [made, table], (8, 8, 64)))
    assert [task.op for task in tasks] == ["conv", "lut", "mul"]
    assert tasks[1].vectors == 64


def test_an_aligned_concatenation_costs_nothing() -> None:
    sketch = Sketch()
    whole = sketch.concat(sketch.conv("in", 64), sketch.conv("in", 128), sketch.conv("in", 40))
    tasks = tasks_of(sketch, sketch.conv(whole, 64))
    assert [task.op for task in tasks] == ["conv"] * 4


def test_an_unaligned_concatenation_clears_the_whole_and_adds_each_part_started_once() -> None:
    sketch = Sketch()
    whole = sketch.concat(*(sketch.conv("in", 96) for _ in range(3)))
    tasks = tasks_of(sketch, whole)[3:]
    assert [task.op for task in tasks] == ["pad", "add", "add", "add"]
    assert sum(task.layers for task in tasks) == 1
    assert {task.output_bytes for task in tasks} == {64 * 320}
    assert [task.input_bytes for task in tasks] == [0, *[64 * (128 + 320)] * 3]


def test_a_chain_needs_no_storage_but_the_whole() -> None:
    sketch = Sketch()
    whole = sketch.concat(*(sketch.conv("in", 48) for _ in range(6)))
    planned = plan(sketch.program(sketch.conv(whole, 64)))
    activations = [p.size for p in planned.placements if p.kind == "activation"]
    assert sorted(activations) == sorted([64 * 64] * 8 + [64 * 320])


def test_a_long_unaligned_chain_too_large_for_l1_goes_through_ddr() -> None:
    sketch = Sketch(56, 56)
    whole = sketch.concat(*(sketch.conv("in", 32) for _ in range(10)))
    chain = tasks_of(sketch, sketch.conv(whole, 64))[10:-1]
    size = 56 * 56 * 320
    assert sum(task.ddr_write_bytes for task in chain) == 10 * size
    assert sum(task.ddr_read_bytes for task in chain) == 10 * size


def test_a_map_outside_l1_is_fetched_once_for_each_turn_of_weights() -> None:
    # 384 to 384 channels, 3x3: 1.3 MB of weights, one more turn than four sets of 256 KiB hold.
    sketch = Sketch(160, 160, 64)
    task = tasks_of(sketch, sketch.conv(sketch.conv("in", 384), 384, 3, stride=2))[1]
    assert task.ddr_read_bytes == 2 * 160 * 160 * 384


def test_a_map_in_l1_is_read_for_nothing_in_every_turn() -> None:
    sketch = Sketch(8, 8, 64)
    task = tasks_of(sketch, sketch.conv(sketch.conv("in", 384), 384, 3))[1]
    assert (task.ddr_read_bytes, task.move_bytes) == (0, 0)


def test_a_range_of_channels_is_a_view() -> None:
    sketch = Sketch(channels=192)
    made = sketch.conv("in", 192)
    left, right = sketch.channels(made, 0, 96), sketch.channels(made, 96, 96)
    tasks = tasks_of(sketch, sketch.conv(left, 64), sketch.conv(right, 64))
    assert [task.op for task in tasks] == ["conv"] * 3
    assert tasks[1].input_bytes == 64 * 128


def test_combining_a_map_with_one_value_per_channel_is_counted_apart() -> None:
    sketch = Sketch()
    pooled = sketch.add("avg_pool", ["in"], (1, 1, 64), kernel=(8, 8), strides=(1, 1), pads=(0, 0, 0, 0))
    tasks = tasks_of(sketch, sketch.add("mul", ["in", pooled], (8, 8, 64)))
    assert tasks[0].taps == 64
    assert (tasks[1].broadcasts, tasks[1].vectors) == (64, 0)


@pytest.mark.parametrize(
    ("pads", "gathered"), [((1, 1, 1, 1), False), ((0, 0, 0, 0), False), ((0, 0, 1, 1), True)]
)
def test_a_ragged_last_window_is_gathered(pads: tuple[int, ...], gathered: bool) -> None:
    sketch = Sketch()
    pool = sketch.add(
        "max_pool", ["in"], (4, 4, 64), kernel=(3, 3), strides=(2, 2), pads=pads, dilations=(1, 1)
    )
    (task,) = tasks_of(sketch, pool)
    assert (task.gathers > 0) is gathered
    assert task.gathers + task.taps == 16 * 9


def weights_resident(inputs: int, outputs: int) -> bool:
    return plan(gemm_program(1, inputs, outputs)).weight_ddr_bytes == 0


def test_weights_up_to_7_9_million_stay_in_a_cores_share_of_l2() -> None:
    for inputs, outputs in ((3072, 2560), (2560, 3072), (12288, 640), (2304, 3392)):
        assert inputs * outputs < 7.93e6
        assert weights_resident(inputs, outputs)


def test_weights_of_8_39_million_are_streamed() -> None:
    for inputs, outputs in ((2048, 4096), (4096, 2048), (16384, 512)):
        assert not weights_resident(inputs, outputs)


def test_a_batch_build_shares_the_weights() -> None:
    single, four = Sketch(channels=2048), Sketch(channels=2048, batch=4)
    alone = plan(single.program(single.conv("in", 2048, 2)), PlanOptions(cores=1))
    shared = plan(four.program(four.conv("in", 2048, 2)), PlanOptions(cores=4))
    assert alone.weight_ddr_bytes > 0
    assert shared.weight_ddr_bytes == 0
    assert shared.weight_l2_bytes == shared.weight_bytes


def l2_pools(planned: Plan) -> int:
    return sum(pool.size for pool in planned.pools if pool.memory == "l2")


@pytest.mark.parametrize(("resources", "copies"), [(0.25, 4), (0.5, 2), (1.0, 1)])
def test_a_model_declares_its_share_of_l2(resources: float, copies: int) -> None:
    sketch = Sketch()
    planned = plan(sketch.program(sketch.conv("in", 64)), PlanOptions(resources=resources))
    assert copies * l2_pools(planned) <= TOTAL_L2 < (copies + 1) * l2_pools(planned)


def test_input_and_output_pools_are_doubled_for_double_buffering() -> None:
    sketch = Sketch()
    program = sketch.program(sketch.conv("in", 64))
    depth = {pool.name: pool.depth for pool in plan(program, PlanOptions(double_buffer=True)).pools}
    assert depth["ddr_input"] == depth["ddr_output"] == 2
    assert {pool.depth for pool in plan(program, PlanOptions(double_buffer=False)).pools} == {1}


def test_pools_are_aligned() -> None:
    sketch = Sketch(5, 7, 3)
    planned = plan(sketch.program(sketch.conv("in", 64)))
    assert all(pool.size % 64 == 0 and pool.alignment == 64 for pool in planned.pools)


@pytest.mark.parametrize("options", [{"cores": 0}, {"cores": 5}, {"resources": 0.0}, {"resources": 1.5}])
def test_options_the_chip_does_not_have_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="plan option"):
        PlanOptions(**options)  # type: ignore[arg-type]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from((16, 64, 96, 256, 512)), st.sampled_from((1, 3))), min_size=1, max_size=6
    ),
    st.sampled_from((8, 56, 160, 320)),
    st.integers(1, 4),
)
def test_bytes_are_accounted_for(layers: list[tuple[int, int]], side: int, batch: int) -> None:
    sketch = Sketch(side, side, 64, batch)
    last = "in"
    for outputs, kernel in layers:
        last = sketch.conv(last, outputs, kernel)
    planned = plan(sketch.program(last), PlanOptions(cores=batch))
    assert planned.weight_l2_bytes + planned.weight_ddr_bytes == planned.weight_bytes
    for placement in planned.placements:
        assert placement.l1 + placement.l2 + placement.ddr == pytest.approx(1)
    for task in planned.tasks:
        everything = task.input_bytes + task.output_bytes
        assert task.ddr_read_bytes <= task.input_bytes + 1
        assert task.ddr_write_bytes <= task.output_bytes + 1
        assert task.move_bytes + task.io_bytes <= everything + 2
    used = batch * planned.activation_l2_peak + planned.weight_l2_bytes
    assert used <= PlanOptions(cores=batch).l2_bytes + (1_500_000 if planned.weight_ddr_bytes else 0)
