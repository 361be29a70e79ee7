"""MLPerf's LoadGen in front of an emulated board in the pace `realtime`."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import axelera.runtime as axr
from axemu.emulator import EmulatorDriver, parse_options
from axemu.testing import SmallModel, write_small_model

loadgen: Any = pytest.importorskip("mlperf_loadgen", reason="mlcommons-loadgen is not installed")

SAMPLES = 64
CORES = 4
SCENARIOS = {"SingleStream": 1, "MultiStream": CORES, "Server": CORES, "Offline": CORES}
"""Of LoadGen, and the cores that each is run on."""


class System:
    """A board with an instance and a thread per core, which take queries from one queue."""

    def __init__(self, context: axr.Context, small: SmallModel, workers: int) -> None:
        self._small = small
        self._inputs = [small.frame(index) for index in range(SAMPLES)]
        self._expected = [small.expected(inputs) for inputs in self._inputs]
        self._queries: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
        model = context.load_model(small.path)
        self.instances = [context.device_connect().load_model_instance(model) for _ in range(workers)]
        self.answered: list[int] = []
        self.wrong: list[int] = []
        self._threads = [threading.Thread(target=self._work, args=(one,)) for one in self.instances]
        for thread in self._threads:
            thread.start()

    def issue(self, samples: list[Any]) -> None:
        """Take a query."""
        for one in samples:
            self._queries.put((one.id, one.index))

    def end(self) -> None:
        """End the threads."""
        for _ in self._threads:
            self._queries.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, instance: axr.ModelInstance) -> None:
        while (query := self._queries.get()) is not None:
            number, index = query
            outputs = self._small.outputs()
            instance.run(self._inputs[index], outputs)
            self.answered.append(index)
            if not np.array_equal(outputs[0], self._expected[index][0]):
                self.wrong.append(index)
            answer = loadgen.QuerySampleResponse(number, outputs[0].ctypes.data, outputs[0].nbytes)
            loadgen.QuerySamplesComplete([answer])


@contextmanager
def system(directory: Path, workers: int) -> Iterator[System]:
    (directory / "small").mkdir()
    small = write_small_model(directory / "small")
    driver = EmulatorDriver(parse_options({"pace": "realtime"}, "test"))
    with axr.Context(driver) as context:
        under_test = System(context, small, workers)
        try:
            yield under_test
        finally:
            under_test.end()
    driver.close()


def run(under_test: System, directory: Path, scenario: str, mode: str, *, full: bool) -> None:
    """Run a scenario for ten seconds, or for an instant with a tail that so few queries tell of; logs go to `directory`."""
    settings = loadgen.TestSettings()
    settings.scenario = getattr(loadgen.TestScenario, scenario)
    settings.mode = getattr(loadgen.TestMode, mode)
    settings.min_duration_ms = 10_000 if full else 100
    settings.min_query_count = 700 if full else 100  # a tail of 99 % needs 662
    # How many queries LoadGen prepares; it ends after the duration, and wants that to be reached.
    settings.single_stream_expected_latency_ns = 50_000
    settings.multi_stream_expected_latency_ns = 50_000
    settings.offline_expected_qps = 20_000
    settings.multi_stream_samples_per_query = CORES
    settings.server_target_qps = 100
    settings.server_target_latency_ns = 5_000_000_000  # a busy machine is no slow board
    if not full:
        settings.multi_stream_target_latency_percentile = settings.server_target_latency_percentile = 0.9
    logs = loadgen.LogSettings()
    logs.enable_trace = False
    logs.log_output.outdir = str(directory)
    logs.log_output.copy_summary_to_stdout = False
    bench = loadgen.ConstructSUT(under_test.issue, lambda: None)
    library = loadgen.ConstructQSL(SAMPLES, SAMPLES, lambda _: None, lambda _: None)
    try:
        loadgen.StartTestWithLogSettings(bench, library, settings, logs)
    finally:
        loadgen.DestroyQSL(library)
        loadgen.DestroySUT(bench)
