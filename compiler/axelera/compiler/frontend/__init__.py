"""From ONNX (or torch) to a clean float graph that is partitioned into host and chip."""

from axelera.compiler._onnx_file import read_onnx
from axelera.compiler.frontend._affine import channel_vector, fold_affine_into_conv, fold_batch_norm
from axelera.compiler.frontend._cancel import cancel_split_of_concat
from axelera.compiler.frontend._cost import multiply_accumulates
from axelera.compiler.frontend._dense import matmul_to_gemm, merge_gemm_bias
from axelera.compiler.frontend._explain import check_clean, not_finite
from axelera.compiler.frontend._extract import extract_core, extract_postamble, extract_preamble
from axelera.compiler.frontend._ir import (
    attribute,
    constant_of,
    integers,
    is_constant,
    known_shape,
    node_label,
    optional_input,
    shape_of,
    spatial_attributes,
)
from axelera.compiler.frontend._load import load_proto, normalise
from axelera.compiler.frontend._padding import explicit_padding, merge_pad
from axelera.compiler.frontend._pointwise import Fusion, clip_bounds, node_function
from axelera.compiler.frontend._prequantised import Recorded, is_prequantised, unwrap
from axelera.compiler.frontend._rewrites import (
    canonical_constant_order,
    divide_to_multiply,
    drop_unused_region,
    reduce_to_global_pool,
    remove_no_op,
    sum_to_add,
    whole_plane_pool,
)
from axelera.compiler.frontend._rules import activations, operator_matrix
from axelera.compiler.frontend._scores import score_maps
from axelera.compiler.frontend._split import Partition, check_graph, partition
from axelera.compiler.frontend._steps import (
    everywhere,
    expand_constant_of_shape,
    fold_constants,
    infer_shapes,
    inline_functions,
    lift_constants,
    name_nodes,
    remove_unused,
    sort_nodes,
)
from axelera.compiler.frontend._tools import CannotUnderstand, tool
from axelera.compiler.frontend._torch import export_module, is_torch_module
from axelera.compiler.frontend._views import nchw_shape

__all__ = [
    "CannotUnderstand",
    "Fusion",
    "Partition",
    "Recorded",
    "activations",
    "attribute",
    "cancel_split_of_concat",
    "canonical_constant_order",
    "channel_vector",
    "check_clean",
    "check_graph",
    "clip_bounds",
    "constant_of",
    "divide_to_multiply",
    "drop_unused_region",
    "everywhere",
    "expand_constant_of_shape",
    "explicit_padding",
    "export_module",
    "extract_core",
    "extract_postamble",
    "extract_preamble",
    "fold_affine_into_conv",
    "fold_batch_norm",
    "fold_constants",
    "infer_shapes",
    "inline_functions",
    "integers",
    "is_constant",
    "is_prequantised",
    "is_torch_module",
    "known_shape",
    "lift_constants",
    "load_proto",
    "matmul_to_gemm",
    "merge_gemm_bias",
    "merge_pad",
    "multiply_accumulates",
    "name_nodes",
    "nchw_shape",
    "node_function",
    "node_label",
    "normalise",
    "not_finite",
    "operator_matrix",
    "optional_input",
    "partition",
    "read_onnx",
    "reduce_to_global_pool",
    "remove_no_op",
    "remove_unused",
    "score_maps",
    "shape_of",
    "sort_nodes",
    "spatial_attributes",
    "sum_to_add",
    "tool",
    "unwrap",
    "whole_plane_pool",
]
