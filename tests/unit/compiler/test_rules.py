"""The operator matrix: every rule refuses what it should, names everything at once, and is evaluated safely."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CompilerConfig, ConfigurationError, UnsupportedModelError
from axelera.compiler.frontend import operator_matrix
from axelera.compiler.frontend._expression import RuleSyntaxError, evaluate


def violations(net: Net, *outputs: str) -> list[tuple[str, str, str]]:
    with pytest.raises(UnsupportedModelError) as caught:
        compiler.structure_program(net.model(*outputs))
    assert all(str(found) in str(caught.value) for found in caught.value.violations)
    return [(found.node, found.operator, found.help) for found in caught.value.violations]


def between(net: Net, op: str, *inputs: str, **attributes: object) -> str:
    """`op` in the middle of a network: convolutions before and after it."""
    return net.conv(net.add(op, net.conv("x", 3, 8), *inputs, **attributes), 8, 8)


def test_all_problems_are_reported_at_once() -> None:
    net = Net((1, 3, 16, 16))
    x = net.conv(net.add("Exp", net.conv("x", 3, 8)), 8, 8)
    x = net.conv(net.add("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1]), 8, 8)
    found = violations(net, net.conv(net.add("Sin", x), 8, 8))
    assert [operator for _, operator, _ in found] == ["Exp", "AveragePool", "Sin"]
    assert found[1][0] == "node_3_AveragePool"
    assert "count_include_pad" in found[1][2]


def test_a_violation_names_node_attribute_rule_and_remedy() -> None:
    net = Net((1, 3, 16, 16))
    with pytest.raises(UnsupportedModelError) as caught:
        compiler.structure_program(net.model(between(net, "HardSigmoid", alpha=0.3)))
    message = str(caught.value)
    for part in ("'node_1_HardSigmoid'", "alpha=0.3", "near(alpha, 0.16666667)", "use alpha = 1/6"):
        assert part in message


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("LeakyRelu", {"alpha": 0.3}),
        ("MaxPool", {"kernel_shape": [2, 2], "storage_order": 1}),
        ("Selu", {"gamma": 2.0}),
        ("Transpose", {"perm": [0, 1, 3, 2]}),
        ("Softmax", {"axis": 1}),
        ("Elu", {}),
    ],
)
def test_single_operator_rules(op: str, attributes: dict[str, object]) -> None:
    net = Net((1, 3, 16, 16))
    output = between(net, op, **attributes)
    if op == "LeakyRelu":
        compiler.structure_program(net.model(output))
    else:
        assert [operator for _, operator, _ in violations(net, output)] == [op]


def test_grouped_convolution_needs_a_square_kernel() -> None:
    net = Net((1, 4, 16, 16))
    weight = net.constant(np.ones((8, 2, 1, 3), np.float32))
    x = net.add("Conv", "x", weight, group=2, kernel_shape=[1, 3])
    assert violations(net, net.conv(x, 8, 8))[0][1] == "Conv"


def test_resize_by_a_broken_factor_is_refused() -> None:
    net = Net((1, 3, 16, 16))
    scales = net.constant(np.array([1, 1, 1.5, 1.5], np.float32))
    x = net.add("Resize", net.conv("x", 3, 8), "", scales, mode="nearest", nearest_mode="floor",
                coordinate_transformation_mode="asymmetric")  # fmt: skip
    assert "whole factors" in violations(net, net.conv(x, 8, 8))[0][2]


def test_unsupported_operator_in_the_middle_may_go_to_the_host_when_asked() -> None:
    net = Net((1, 3, 16, 16))
    model = net.model(between(net, "Exp"))
    quantised = compiler.quantize(
        model, iter(data((1, 3, 16, 16), 3)), CompilerConfig(allow_host_segments=True)
    )
    assert {entry["operator"] for entry in quantised.report["host_operators"]} >= {"Exp"}


def test_operators_at_both_ends_go_to_the_host() -> None:
    net = Net((1, 3, 16, 16))
    x = net.conv(net.add("Abs", "x"), 3, 8)
    model = net.model(net.add("Softmax", net.add("Flatten", net.add("GlobalAveragePool", x)), axis=1))
    quantised = compiler.quantize(model, iter(data((1, 3, 16, 16), 3)), CompilerConfig())
    where = {entry["operator"]: entry["runs_on"] for entry in quantised.report["host_operators"]}
    assert where == {"Abs": "host, before", "Softmax": "host, after", "Flatten": "host, after"}
    off = CompilerConfig(graph_cleaner_split_pre_post_processing=False)
    with pytest.raises(UnsupportedModelError, match="Softmax"):
        compiler.quantize(model, iter(data((1, 3, 16, 16), 3)), off)


@pytest.mark.parametrize("opset", [14, 17])
def test_every_rule_of_the_matrix_is_an_expression_of_the_rule_language(opset: int) -> None:
    for name, rules in operator_matrix(opset).items():
        for rule in rules:
            assert rule.help, name
            with pytest.raises((RuleSyntaxError, TypeError)):
                evaluate(f"{rule.rule} and nobody_knows_this", {})


def test_a_check_names_operators_at_the_ends_too() -> None:
    net = Net((1, 3, 16, 16))
    x = net.add("GlobalAveragePool", net.conv(net.add("Abs", "x"), 3, 8))
    model = net.model(net.add("Softmax", net.add("Flatten", x), axis=1))
    found = [violation.operator for violation in compiler.check_operators(model)]
    assert found == ["Abs", "Flatten", "Softmax"]  # the host flattens for the Softmax


@pytest.mark.parametrize(
    ("op", "attributes", "refused_by"),
    [
        ("HardSwish", {}, {14}),
        ("LeakyRelu", {}, set()),
        ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}, set()),
        ("HardSigmoid", {"alpha": 0.2}, {14, 17}),
        ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, {14, 17}),
        ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}, set()),
        ("MaxPool", {"kernel_shape": [2, 2]}, set()),
    ],
)
def test_the_older_table_differs_where_the_documents_do(
    op: str, attributes: dict[str, object], refused_by: set[int]
) -> None:
    net = Net((1, 3, 16, 16))
    model = net.model(between(net, op, **attributes))
    assert {opset for opset in (14, 17) if compiler.check_operators(model, opset)} == refused_by


def test_the_older_table_takes_fewer_forms_of_grouped_convolution_concatenation_and_addition() -> None:
    net = Net((1, 4, 16, 16))
    x = net.conv("x", 4, 8)
    grouped = net.conv(x, 8, 8, group=2, pads=[1, 1, 1, 1])
    beside = net.add("Concat", grouped, x, axis=3)
    model = net.model(net.conv(net.add("Add", beside, net.constant(np.float32(0.5))), 8, 8))
    assert compiler.check_operators(model) == ()
    found = {violation.operator for violation in compiler.check_operators(model, matrix=14)}
    assert {"Conv", "Concat"} <= found


def test_there_is_no_matrix_for_other_opsets() -> None:
    with pytest.raises(ConfigurationError, match="no operator matrix for opset 15; there are 17, 14"):
        operator_matrix(15)


@pytest.mark.parametrize(
    "rule",
    [
        "__import__('os')",
        "().__class__",
        "[x for x in (1,)]",
        "lambda: 1",
        "open('/etc/passwd')",
        "f'{1}'",
        "1 if",
    ],
)
def test_nothing_outside_the_rule_language_is_evaluated(rule: str) -> None:
    with pytest.raises(RuleSyntaxError):
        evaluate(rule, {"len": len})


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_comparisons_and_arithmetic_mean_what_they_say(a: int, b: int) -> None:
    names = {"a": a, "b": b, "pair": (a, b), "max": max}
    assert evaluate("a + b > a - b or b <= 0", names)
    assert evaluate("max(pair) in pair and pair[0] == a and pair[1:] == (b,)", names)
    assert evaluate("not a < b", names) == (a >= b)
