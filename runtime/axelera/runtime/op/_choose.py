"""Choosing among values and objects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.runtime.op._core import Operator, as_array

Array = npt.NDArray[Any]
Matches = Callable[[Any], bool]


class TopK(Operator):
    """The largest (or smallest) values with their places, of a flattened array or along an axis; or the best classes of a list.

    Of equal values the earlier one comes first; without `sorted` the order is that of the places.
    """

    k: int
    dim: int | None = None
    largest: bool = True
    sorted: bool = True

    def __call__(self, values: Any) -> Any:
        """Return (values, places) of an array; of a list of `Classification` a shorter one. Fewer than k give all.

        Raises:
            ValueError: k is below 1.
        """
        if self.k < 1:
            raise ValueError(f"top_k: k is {self.k}; give 1 or more")
        if isinstance(values, list | tuple):
            scores = np.array([one.score for one in values])
            return [values[place] for place in self._places(scores, 0)]
        array = as_array(values, self)
        axis = 0 if self.dim is None else self.dim
        array = array.reshape(-1) if self.dim is None else array
        places = self._places(array, axis)
        return np.take_along_axis(array, places, axis), places

    def _places(self, array: Array, axis: int) -> npt.NDArray[np.intp]:
        keys = array if array.dtype.kind == "f" else array.astype(np.int64)  # in uint8, -1 is 255
        order = np.argsort(-keys if self.largest else keys, axis=axis, kind="stable")
        places = np.take(order, np.arange(min(self.k, array.shape[axis])), axis)
        return places if self.sorted else np.sort(places, axis=axis)


class Top1(TopK):
    """`top_k` of one."""

    k: int = 1


class Filter(Operator):
    """Keep the objects that meet all conditions: of these classes (or of one), of this score, and what `fn` says."""

    class_ids: Collection[Any] | int | None = None
    min_score: float | None = None
    fn: Matches | None = None

    def __call__(self, objects: Sequence[Any]) -> list[Any]:
        """Return those that are kept, in their order."""
        return [one for one in objects if self.matches(one)]

    def matches(self, one: Any) -> bool:
        """Return whether an object meets the conditions."""
        wanted = (self.class_ids,) if isinstance(self.class_ids, int) else self.class_ids
        return (
            (wanted is None or one.class_id in wanted)
            and (self.min_score is None or one.score >= self.min_score)
            and (self.fn is None or bool(self.fn(one)))
        )


class Split(Filter):
    """Return those that meet the conditions of `filter`, and the rest, as a tuple of two lists."""

    def __call__(self, objects: Sequence[Any]) -> tuple[list[Any], list[Any]]:  # type: ignore[override]
        """Return both."""
        return [one for one in objects if self.matches(one)], [
            one for one in objects if not self.matches(one)
        ]


class SortBy(Operator):
    """Sort objects by a number they have, and keep the first `top`. The vendor's defaults are not published: largest first."""

    by: str = "score"
    descending: bool = True
    top: int | None = None

    def __call__(self, objects: Sequence[Any]) -> list[Any]:
        """Return the objects; equal ones keep their order."""
        ordered = sorted(objects, key=lambda one: getattr(one, self.by), reverse=self.descending)
        return ordered[: self.top]


top_k, top1, split, sort_by = TopK, Top1, Split, SortBy
filter = Filter  # noqa: A001  the vendor's name
