"""From ONNX (or torch) to a clean float graph that is parted into host and chip."""

from axelera.compiler._onnx_file import read_onnx
from axelera.compiler.frontend._affine import channel_vector
from axelera.compiler.frontend._cost import multiply_accumulates
from axelera.compiler.frontend._explain import not_finite
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
from axelera.compiler.frontend._pointwise import Fusion, PointwiseFunction, clip_bounds, node_function
from axelera.compiler.frontend._prequantised import Recorded, is_prequantised, unwrap
from axelera.compiler.frontend._rules import operator_matrix
from axelera.compiler.frontend._simplify import clean_model, simplify
from axelera.compiler.frontend._split import Partition, check_graph, partition
from axelera.compiler.frontend._torch import export_module, is_torch_module
from axelera.compiler.frontend._views import nchw_shape

__all__ = [
    "Fusion",
    "Partition",
    "PointwiseFunction",
    "Recorded",
    "attribute",
    "channel_vector",
    "check_graph",
    "clean_model",
    "clip_bounds",
    "constant_of",
    "export_module",
    "extract_core",
    "extract_postamble",
    "extract_preamble",
    "integers",
    "is_constant",
    "is_prequantised",
    "is_torch_module",
    "known_shape",
    "load_proto",
    "multiply_accumulates",
    "nchw_shape",
    "node_function",
    "node_label",
    "normalise",
    "not_finite",
    "operator_matrix",
    "optional_input",
    "partition",
    "read_onnx",
    "shape_of",
    "simplify",
    "spatial_attributes",
    "unwrap",
]
