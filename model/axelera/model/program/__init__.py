"""The integer program of a compiled model: its graph, constants and tasks."""

from axelera.model.program._program import FORMAT_VERSION, Attribute, Node, Program, Tensor, is_structure_only

__all__ = ["FORMAT_VERSION", "Attribute", "Node", "Program", "Tensor", "is_structure_only"]
