"""Kalman filters of boxes that move evenly, in the forms that trackers use."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_POSITION, _VELOCITY = 1 / 20, 1 / 160
"""Standard deviations in sizes of the box (Wojke 2017)."""


class Filter(ABC):
    """Four measured numbers of a box and the velocities of the first ones; a step is a frame."""

    def __init__(self, box: Floats) -> None:
        measured = self._measured(box)
        self._state = np.concatenate([measured, np.zeros(self._velocities)])
        self._covariance = np.diag(self._first_errors(measured))

    _velocities = 4

    @property
    def box(self) -> Floats:
        """The corners it believes in."""
        return self._corners(self._state)

    def predict(self) -> None:
        """Go on to the next frame."""
        step = np.eye(len(self._state))
        step[range(self._velocities), range(4, len(self._state))] = 1.0
        drift = self._drift(self._state)
        self._state = step @ self._state
        self._covariance = step @ self._covariance @ step.T + np.diag(drift)

    def update(self, box: Floats, score: float = 0.0) -> None:
        """Take what was measured in this frame."""
        error = np.diag(self._errors(self._state, score))
        gain = np.linalg.solve(self._covariance[:4, :4] + error, self._covariance[:4]).T
        self._state = self._state + gain @ (self._measured(box) - self._state[:4])
        self._covariance = self._covariance - gain @ self._covariance[:4]

    def copy(self) -> Self:
        """Return another one in the same state; arrays are replaced, never changed."""
        return copy.copy(self)

    @abstractmethod
    def _measured(self, box: Floats) -> Floats: ...

    @abstractmethod
    def _corners(self, state: Floats) -> Floats: ...

    @abstractmethod
    def _first_errors(self, measured: Floats) -> Floats: ...

    @abstractmethod
    def _drift(self, state: Floats) -> Floats: ...

    @abstractmethod
    def _errors(self, state: Floats, score: float) -> Floats: ...


class AreaFilter(Filter):
    """Centre, area and proportions, which do not change; errors in pixels (Bewley 2016)."""

    _velocities = 3

    def predict(self) -> None:
        """Go on to the next frame; no area becomes negative."""
        if self._state[2] + self._state[6] <= 0:
            self._state = np.where(np.arange(7) == 6, 0.0, self._state)
        super().predict()

    def _measured(self, box: Floats) -> Floats:
        width, height = np.maximum(box[2:] - box[:2], 1e-6)
        return np.array([*(box[:2] + box[2:]) / 2, width * height, width / height])

    def _corners(self, state: Floats) -> Floats:
        width = np.sqrt(max(state[2] * state[3], 0.0))
        half = np.array([width, state[2] / width if width else 0.0]) / 2
        return np.concatenate([state[:2] - half, state[:2] + half])

    def _first_errors(self, measured: Floats) -> Floats:  # noqa: ARG002  the same for all
        return np.array([10.0] * 4 + [1e4] * 3)

    def _drift(self, state: Floats) -> Floats:  # noqa: ARG002
        return np.array([1.0] * 4 + [1e-2, 1e-2, 1e-4])

    def _errors(self, state: Floats, score: float) -> Floats:  # noqa: ARG002
        return np.array([1.0, 1.0, 10.0, 10.0])


class HeightFilter(Filter):
    """Centre, proportions and height; errors in heights (Wojke 2017, as ByteTrack has it)."""

    def stop_growing(self) -> None:
        """Let the height stay as it is: the track is lost."""
        self._state = np.where(np.arange(8) == 7, 0.0, self._state)

    def _measured(self, box: Floats) -> Floats:
        width, height = np.maximum(box[2:] - box[:2], 1e-6)
        return np.array([*(box[:2] + box[2:]) / 2, width / height, height])

    def _corners(self, state: Floats) -> Floats:
        half = np.array([state[2] * state[3], state[3]]) / 2
        return np.concatenate([state[:2] - half, state[:2] + half])

    def _first_errors(self, measured: Floats) -> Floats:
        place, speed = 2 * _POSITION * measured[3], 10 * _VELOCITY * measured[3]
        return np.array([place, place, 1e-2, place, speed, speed, 1e-5, speed]) ** 2

    def _drift(self, state: Floats) -> Floats:
        place, speed = _POSITION * state[3], _VELOCITY * state[3]
        return np.array([place, place, 1e-2, place, speed, speed, 1e-5, speed]) ** 2

    def _errors(self, state: Floats, score: float) -> Floats:  # noqa: ARG002
        place = _POSITION * state[3]
        return np.array([place, place, 1e-1, place]) ** 2


class SizeFilter(Filter):
    """Centre, width and height; errors in sizes, smaller the surer a detection is (Du 2021)."""

    def _measured(self, box: Floats) -> Floats:
        return np.concatenate([(box[:2] + box[2:]) / 2, box[2:] - box[:2]])

    def _corners(self, state: Floats) -> Floats:
        half = state[2:4] / 2
        return np.concatenate([state[:2] - half, state[:2] + half])

    def _first_errors(self, measured: Floats) -> Floats:
        size = np.tile(np.maximum(measured[2:], 1e-3), 2)
        return np.concatenate([2 * _POSITION * size, 10 * _VELOCITY * size]) ** 2

    def _drift(self, state: Floats) -> Floats:
        size = np.tile(np.maximum(state[2:4], 1e-3), 2)
        return np.concatenate([_POSITION * size, _VELOCITY * size]) ** 2

    def _errors(self, state: Floats, score: float) -> Floats:
        size = np.tile(np.maximum(state[2:4], 1e-3), 2)
        return np.asarray((_POSITION * size) ** 2 * max(1.0 - score, 1e-2))
