"""TorchScript archives, such as the `quantized_model.pt` of the vendor's compiler, read without PyTorch.

Nothing in them is executed. An archive is a ZIP of tensors, of pickles that say what the tensors are, and of modules in a
small language that looks like Python. Each has a reader of its own that knows a few forms and refuses all others by name:
`_archive` the ZIP, `_pickle` a dozen opcodes, `_tokens` and `_syntax` the language. `_trace` then follows `forward` of the outermost
module through its parts and notes every operator that is called, in order.
"""

from axemu.model.torchscript._graph import Argument, Graph, Operation, Value
from axemu.model.torchscript._trace import read_torchscript

__all__ = ["Argument", "Graph", "Operation", "Value", "read_torchscript"]
