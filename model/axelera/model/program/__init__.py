"""The integer program of a compiled model: its graph, constants and tasks."""

from axelera.model.program._program import FORMAT_VERSION, Attribute, Node, Program, Tensor, is_structure_only
from axelera.model.program._tasks import Task

__all__ = ["FORMAT_VERSION", "Attribute", "Node", "Program", "Task", "Tensor", "is_structure_only"]
