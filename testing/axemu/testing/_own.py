"""A compiled model of one's own in place of the small one: its results are not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from axemu.driver import TensorInfo
from axemu.testing._small import Int8, SmallModel

if TYPE_CHECKING:
    from axelera.runtime import Context


@dataclass(frozen=True, slots=True)
class OwnModel(SmallModel):
    """A model given with `--metis-model`."""

    infos: tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]] = field(default=((), ()))

    @classmethod
    def load(cls, path: Path, driver: str, context: Context) -> OwnModel:
        """Read what the model says about itself."""
        model = context.load_model(path)
        inputs, outputs = tuple(model.inputs()), tuple(model.outputs())
        return cls(path, inputs[0].shape[0], driver, (inputs, outputs))

    def frame(self, seed: int) -> list[Int8]:
        """Return inputs of random codes."""
        rng = np.random.default_rng(seed)
        return [rng.integers(-128, 128, info.shape, np.int8) for info in self.infos[0]]

    def outputs(self, fill: int = 99) -> list[Int8]:
        """Return arrays for one result."""
        return [np.full(info.shape, fill, np.int8) for info in self.infos[1]]

    def expected(self, inputs: Sequence[Int8]) -> list[Int8]:  # noqa: ARG002  whatever they are
        """Refuse: nobody knows.

        Raises:
            LookupError: always.
        """
        raise LookupError(f"the results of {self.path} are not known")
