"""A compiled model on the host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from axelera.runtime._object import Object, require_made
from axemu.driver import TensorInfo

if TYPE_CHECKING:
    from axelera.runtime._context import Context
    from axemu.model import CompiledModel


class Model(Object):
    """What a compiled model says about itself; may be loaded on any number of connections. Made by `Context`."""

    def __init__(self, context: Context, compiled: CompiledModel) -> None:
        made = isinstance(context, Object) and hasattr(compiled, "inputs")
        require_made(made, "Model", "Context.load_model(path)")
        super().__init__()
        self._context = context
        self._compiled = compiled

    @property
    def context(self) -> Context:
        """The `Context` that owns this object."""
        return self._context

    def inputs(self) -> list[TensorInfo]:
        """Return the inputs, in the order `ModelInstance.run` takes them."""
        return list(self._loaded().inputs)

    def outputs(self) -> list[TensorInfo]:
        """Return the outputs, in the order `ModelInstance.run` fills them."""
        return list(self._loaded().outputs)

    @property
    def directory(self) -> Path:
        """Directory of the model's files; of an archive one that lasts as long as this object. Not in the vendor's API."""
        return self._loaded().directory

    @property
    def properties(self) -> dict[str, str]:
        """All properties by name, as text."""
        return dict(self._loaded().properties)

    @property
    def preamble_graph(self) -> str:
        """Path of the ONNX graph to run before the model, relative to its directory; empty when there is none."""
        return self._loaded().preamble_graph

    @property
    def postamble_graph(self) -> str:
        """Path of the ONNX graph to run after the model, relative to its directory; empty when there is none."""
        return self._loaded().postamble_graph

    @property
    def input_tensor_layout(self) -> str:
        """Order of the dimensions of the inputs: always "NHWC"."""
        return self._loaded().properties["input_tensor_layout"]

    def __repr__(self) -> str:
        return f"<Model {self._compiled.name} at {self._compiled.directory}>"

    def _loaded(self) -> CompiledModel:
        if self._released:
            self._check_usable()
        return self._compiled

    def _free(self) -> None:
        """Nothing is held but memory; an archive's files go with the last reference."""
