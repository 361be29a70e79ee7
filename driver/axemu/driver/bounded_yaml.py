"""YAML of strangers: what is composed and what aliases repeat is counted while it grows."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from axemu.driver.bounded import LONGEST_NUMBER, Bounds, decoded, shown

__all__ = ["YAML_FILE", "parse_yaml"]

YAML_FILE = Bounds(1 << 18, 1 << 13)
"""PyYAML takes 50 µs a value."""


def parse_yaml(content: bytes, bounds: Bounds) -> Any:
    """Parse YAML in UTF-8 with nothing but plain values.

    Raises:
        ValueError: it is none, exceeds `bounds` (with its aliases spelled out), has a number of over 1024 characters, or
            names a key twice.
    """
    if len(content) > bounds.size:
        raise ValueError(f"larger than {bounds.size} B, which no such text is")
    loader = _loader(decoded(content), bounds)
    try:
        return loader.get_single_data()
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    except (ArithmeticError, LookupError, AttributeError, TypeError) as error:
        raise ValueError("a value has a form that its tag does not") from error
    finally:
        loader.dispose()


def _loader(text: str, bounds: Bounds) -> yaml.SafeLoader:
    try:
        return _Loader(text, bounds)
    except yaml.YAMLError as error:  # characters that YAML has not
        raise ValueError(str(error)) from error


class _Loader(yaml.SafeLoader):
    """SafeLoader within bounds, which refuses a key written twice instead of keeping the last one."""

    def __init__(self, text: str, bounds: Bounds) -> None:
        super().__init__(text)
        self._bounds = bounds
        self._level = 0
        self._composed = 0
        self._stands_for: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        alias = self.check_event(yaml.AliasEvent)
        before = self._composed
        self._level += 1
        if self._level > self._bounds.depth:
            raise ValueError(f"is nested deeper than {self._bounds.depth} levels")
        node: yaml.Node | None = super().compose_node(parent, index)
        self._level -= 1
        if node is None:
            return None
        if alias:
            if node not in self._stands_for:
                raise ValueError("an alias stands inside what it stands for")
            self._composed += self._stands_for[node]
        else:
            self._composed += 1
            self._stands_for[node] = self._composed - before
        if self._composed > self._bounds.values:
            raise ValueError(
                f"stands for more than {self._bounds.values} values (aliases spelled out), which no such text does"
            )
        return node

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        if node.tag.endswith((":int", ":float")) and len(value) > LONGEST_NUMBER:
            raise ValueError(f"has a number of more than {LONGEST_NUMBER} characters")
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{shown(key.value)} is written twice", node.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)
