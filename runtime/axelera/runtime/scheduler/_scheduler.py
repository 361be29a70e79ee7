"""Who runs pipelines: all cores of some boards, and threads that keep them busy."""

from __future__ import annotations

import atexit
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from axelera.runtime.op._core import Operator, as_numpy, as_operator, every
from axelera.runtime.op._host import loaded
from axelera.runtime.op._load import ExecModel
from axelera.runtime.op._turns import Turn, Turns, work_on
from axelera.runtime.scheduler._allocation import share
from axelera.runtime.scheduler._cores import Cores
from axelera.runtime.scheduler._workers import Flight, Worker
from axemu.driver import ConnectionError, InvalidArgument, as_integer  # noqa: A004
from axemu.model import CompiledModel

DEFAULT_WORKERS = 4
WORTH_SWITCHING = 8
"""Frames a core needs of a batch before another model loses its place for it. A guess: no figure is published."""

Plan = dict[Path, tuple[int, ...]]
"""The cores that a pipeline's models run on, by the directory of the model."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a worker runs the models of a frame."""

    plan: Plan
    worker: int


@dataclass(frozen=True, slots=True)
class _Lane:
    """A worker as a stream has it."""

    worker: Worker
    place: _Place
    replies: queue.SimpleQueue[Flight]


_place: ContextVar[_Place | None] = ContextVar("axelera.runtime.scheduler place", default=None)
_worker_of = threading.local()
chosen: ContextVar[Scheduler | None] = ContextVar("axelera.runtime.scheduler", default=None)
"""The scheduler of the surrounding block."""


def owner() -> Scheduler | None:
    """Return the scheduler whose worker this thread is."""
    found: Scheduler | None = getattr(_worker_of, "scheduler", None)
    return found


class Scheduler:
    """All cores of some boards. Making one reserves nothing: it connects when a model first runs.

    Args:
        devices: indices and names with commas between, as `select_devices` takes them; None or "" takes every board.
        num_workers: threads for frames in flight, 1 at least; there are always as many as cores.

    Raises:
        InvalidArgument: one is of another type.
    """

    def __init__(self, devices: str | None = None, num_workers: int = DEFAULT_WORKERS) -> None:
        if not isinstance(devices, str | None):
            raise InvalidArgument(
                f"devices is a {type(devices).__name__}; give indices and names in a text, as in '0,1'"
            )
        self._devices = devices
        self._num_workers = max(1, as_integer("num_workers", num_workers))
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._cores: Cores | None = None
        self._workers: dict[bool, list[Worker]] = {False: [], True: []}
        """Those hired before there was a board, and after: virtual time is kept from then on, and watches new queues only."""
        self._closed = False

    @property
    def is_connected(self) -> bool:
        """Whether the boards' cores are reserved."""
        return self._cores is not None

    @property
    def is_closed(self) -> bool:
        """Whether it was closed and can't be used any more."""
        return self._closed

    @property
    def model_switches(self) -> int:
        """How often a model was put on a core so far, the first time included (ours; the vendor has no such count)."""
        return 0 if self._cores is None else self._cores.switches

    @property
    def opencl_context(self) -> None:
        """None: nothing here runs on a GPU."""
        return None

    def close(self) -> None:
        """End the workers and give the boards up; frames under way end first. Again it does nothing."""
        if self._process != os.getpid():  # where a thread that is not here may hold the lock
            self._closed = True
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            workers = [worker for crew in self._workers.values() for worker in crew]
            cores, self._cores = self._cores, None
        atexit.unregister(self.close)
        try:
            for worker in workers:
                worker.stop()
            for worker in workers:
                worker.join()
        finally:
            if cores is not None:
                cores.close()

    def exec_model(self, model: str | Path, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Run one frame of a compiled model on a core of the scheduler's choice.

        Args:
            model: what `Context.load_model` takes.
            inputs: as for `ModelInstance.run`.
            outputs: likewise; they are filled.

        Raises:
            InvalidArgument: the model or an array is unfit.
            ConnectionError: there is no board, or somebody holds its cores.
        """
        self._execute(loaded(Path(model)).compiled, inputs, outputs)

    def batch(self, pipeline: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
        """Run a pipeline on many frames; the results are in the order of the frames.

        A model alone takes the cores it is on and free ones, and those of other models where the batch is long enough; models of a
        pipeline take their allocations.

        Args:
            pipeline: an operator.
            inputs: one entry per argument of the pipeline: a list of values, or an array that is taken apart along its
                first axis.

        Raises:
            InvalidArgument: an entry is a single value, or they differ in length.
        """
        operator = as_operator(pipeline)
        frames = _frames(inputs)
        if self._inside() or len(frames) < 2:
            with self._current():
                return [operator(*frame) for frame in frames]
        plan = self._plan(operator, len(frames))
        threads = max((len(cores) for cores in plan.values()), default=self._num_workers)
        return list(self._in_order(operator, iter(frames), plan, len(frames), min(threads, len(frames))))

    def stream(
        self, source: Any, pipeline: Callable[..., Any], *, max_in_flight: int | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """Yield (frame, result) for each frame of a source, in the source's order.

        A frame's error is raised where its result would have come. Leaving the loop stops reading.

        Args:
            source: anything to iterate over, or what `cv.create_source` takes: the path of an image, a directory or a
                video, a URL, or a camera.
            pipeline: an operator.
            max_in_flight: frames that were read and whose results were not yielded; the number of cores without. With 1
                operators run in the calling thread.

        Raises:
            InvalidArgument: `max_in_flight` is below 1, or no number.
        """
        operator = as_operator(pipeline)
        if max_in_flight is not None:
            max_in_flight = as_integer("max_in_flight", max_in_flight)
            if max_in_flight < 1:
                raise InvalidArgument(f"max_in_flight is {max_in_flight}; give 1 or more")
        return self._stream(source, operator, max_in_flight)

    def _stream(
        self, source: Any, operator: Operator, max_in_flight: int | None
    ) -> Iterator[tuple[Any, Any]]:
        with _opened(source) as frames:
            if max_in_flight == 1 or self._inside():
                for frame in frames:
                    with self._current():
                        result = operator(frame)
                    yield frame, result
                return
            plan = self._plan(operator)
            limit = max_in_flight or (len(self._connected()) if plan else self._num_workers)
            threads = min(limit, max(self._num_workers, len(self._cores or ())))
            seen: deque[Any] = deque()

            def noted() -> Iterator[tuple[Any]]:
                for frame in frames:
                    seen.append(frame)
                    yield (frame,)

            for result in self._in_order(operator, noted(), plan, limit, threads):
                yield seen.popleft(), result

    def _in_order(
        self, operator: Operator, frames: Iterator[tuple[Any, ...]], plan: Plan, limit: int, threads: int
    ) -> Iterator[Any]:
        """Yield the results of frames, of which up to `limit` are in flight; frame k goes to worker k modulo `threads`.

        So which thread calls which core does not depend on how busy the host is.
        """
        flying: deque[Flight] = deque()
        failure: Exception | None = None
        count = 0
        turns = Turns()
        lanes: list[_Lane] = []
        try:
            while True:
                room = limit - len(flying) if failure is None else 0
                try:
                    for frame in islice(frames, room):
                        lanes = lanes or self._lanes(threads, plan)
                        lane = lanes[count % threads]
                        turn = Turn(turns, count)
                        work = partial(_one, operator, frame, lane.place, turn)
                        flying.append(Flight(work, turn.end, lane.replies))
                        lane.worker.take(flying[-1])
                        count += 1
                except Exception as error:  # noqa: BLE001  frames that were read before come first
                    failure = error
                if not flying:
                    break
                try:
                    result = flying[0].result()
                except CancelledError:
                    self._check_usable()  # `close` gives up what has not begun
                    raise
                flying.popleft()
                yield result
            if failure is not None:
                raise failure
        finally:
            for flight in flying:
                flight.give_up()
            if not self._inside():  # as when the garbage collector ends a stream in one of its own workers
                for flight in flying:
                    flight.wait()

    def _plan(self, operator: Operator, frames: int | None = None) -> Plan:
        """Return the cores of a pipeline's models."""
        models = {
            inner.host.compiled.directory: inner for inner in every(operator) if isinstance(inner, ExecModel)
        }
        if not models:
            return {}
        cores = self._connected()
        shares = share([model.core_allocation for model in models.values()], len(cores))
        if frames is not None and len(models) == 1:
            (model,) = models.values()
            wanted = min(len(shares[0]), frames)
            taken = cores.free_for(model.host.compiled)[:wanted]
            if (len(taken) < wanted and frames >= wanted * WORTH_SWITCHING) or not taken:
                taken += [core for core in range(len(cores)) if core not in taken][: wanted - len(taken)]
            shares = [tuple(taken)]
        return dict(zip(models, shares, strict=True))

    def _execute(self, compiled: CompiledModel, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        place = _place.get()
        core = None
        if place is not None and (planned := place.plan.get(compiled.directory)):
            core = planned[place.worker % len(planned)]
        self._connected().execute(compiled, inputs, outputs, core)

    def _connected(self) -> Cores:
        if (cores := self._cores) is not None:
            self._check_usable()
            return cores
        with self._usable():
            if self._cores is None:
                self._cores = Cores(self._devices)
            return self._cores

    def _lanes(self, count: int, plan: Plan) -> list[_Lane]:
        """Return as many workers, each with its place and a way back."""
        with self._usable():
            crew = self._workers[self._cores is not None]
            if not crew:
                atexit.register(self.close)
            while len(crew) < count:
                crew.append(Worker(f"axelera-worker-{len(crew)}", partial(_bind, self)))
            for worker in crew:
                worker.start()
            return [
                _Lane(worker, _Place(plan, index), queue.SimpleQueue())
                for index, worker in enumerate(crew[:count])
            ]

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Keep others from changing it; first refuse what `_check_usable` refuses."""
        self._check_usable()  # in a forked child nobody may be there to unlock it
        with self._lock:
            self._check_usable()
            yield

    def _check_usable(self) -> None:
        if self._closed:
            raise InvalidArgument(
                "this Scheduler was closed; use axelera.runtime.scheduler.current() or create()"
            )
        if self._process != os.getpid():
            raise ConnectionError(
                f"this Scheduler belongs to process {self._process}, which this one was forked from; outside of its "
                "`create` block axelera.runtime.scheduler.current() makes one for this process"
            )

    def _inside(self) -> bool:
        """Tell whether this is one of its own workers, where a pipeline runs at once: waiting for others could last for ever."""
        return owner() is self

    @contextmanager
    def _current(self) -> Iterator[None]:
        token = chosen.set(self)
        try:
            yield
        finally:
            chosen.reset(token)


def _one(operator: Operator, frame: tuple[Any, ...], place: _Place, turn: Turn) -> Any:
    token = _place.set(place)
    try:
        return work_on(turn, partial(operator, *frame))
    finally:
        _place.reset(token)


def _bind(scheduler: Scheduler) -> None:
    _worker_of.scheduler = scheduler


def _frames(inputs: Sequence[Any]) -> list[tuple[Any, ...]]:
    if not inputs:
        raise InvalidArgument(
            "batch: no input given; give a list of frames, or an array with them along its first axis"
        )
    columns = [_column(value) for value in map(as_numpy, inputs)]
    if len({len(column) for column in columns}) > 1:
        raise InvalidArgument(
            f"batch: inputs of {', '.join(str(len(column)) for column in columns)} frames; give as many of each"
        )
    return list(zip(*columns, strict=True))


def _column(value: Any) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, np.ndarray) and value.ndim > 1 and not (value.dtype == np.uint8 and value.ndim < 4):
        return list(value)
    kind = (
        f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else f"one {type(value).__name__}"
    )
    raise InvalidArgument(
        f"batch: {kind} given; give a list of frames for each input of the model, or an array with the frames along its first axis"
    )


@contextmanager
def _opened(source: Any) -> Iterator[Iterable[Any]]:
    if not isinstance(source, str | os.PathLike):
        yield iter(source)
        return
    from axelera.runtime.cv import create_source  # noqa: PLC0415  Pillow is slow to import

    with create_source(source) as opened:
        yield iter(opened)
