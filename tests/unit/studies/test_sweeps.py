"""Sweeps of deployments: points, engines, kills, and what is read from files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axemu.driver import InvalidArgument
from axemu.studies.deployments import (
    BoardSetup,
    Deployment,
    Distribution,
    Goal,
    NetworkSetup,
    Point,
    Progress,
    Stream,
    _sweep,
    changed,
    deployment_from,
    drawn,
    evaluate,
    grid,
    latin_hypercube,
    listed,
    read_deployment,
    search,
    sweep,
)

BASE = Deployment(
    (NetworkSetup("squeezenet1_1", "net", queue=20),),
    (Stream("net", "cameras", "poisson", fps=100.0),),
    (BoardSetup("m2"),),
    seconds=0.2,
    warm_up=0.05,
)
AXES: dict[str, Any] = {
    "boards.0.clock": (400, 800),
    "networks.net.cores": (1, 2, 4),
    "streams.0.count": tuple(range(1, 43, 4)),
}


def points() -> tuple[Point, ...]:
    return grid(BASE, AXES)


@pytest.fixture(scope="module")
def serial() -> Any:
    return sweep(points(), "serial")


def test_a_grid_has_all_combinations_in_order() -> None:
    found = points()
    assert [point.number for point in found] == list(range(66))
    assert dict(found[13].changes) == {
        "boards.0.clock": 400,
        "networks.net.cores": 2,
        "streams.0.count": 9,
    }
    assert found[13].deployment == changed(BASE, found[13].changes)


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 30), seed=st.integers(0, 99))
def test_a_latin_hypercube_has_each_part_of_an_axis_once(count: int, seed: int) -> None:
    found = latin_hypercube(
        BASE, {"streams.0.fps": (10.0, 40.0), "streams.0.jitter": (0.0, 5.0)}, count, seed
    )
    for path, low, high in (("streams.0.fps", 10, 40), ("streams.0.jitter", 0, 5)):
        parts = sorted(int((float(one.changes[path]) - low) / (high - low) * count) for one in found)  # type: ignore[arg-type]
        assert parts == list(range(count))


def test_drawn_points_depend_on_the_seed() -> None:
    axes = {"streams.0.fps": (10.0, 40.0), "networks.0.cores": (1, 2, 4)}
    assert drawn(BASE, axes, 9, 1) == drawn(BASE, axes, 9, 1) != drawn(BASE, axes, 9, 2)


@pytest.mark.parametrize(
    "path", ["boards.1.clock", "boards.0.clok", "streams.0", "net.cores", "networks.net.boards.first.kind"]
)
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    base = replace(BASE, networks=(replace(BASE.networks[0], boards=(0,)),))
    with pytest.raises(InvalidArgument, match=path):
        grid(base, {path: (1,)})


def test_a_combination_that_cannot_be_is_a_row_that_says_so() -> None:
    found = listed(BASE, [{"networks.0.compiled_cores": 4, "networks.0.cores": 2}, {"networks.0.cores": 2}])
    table = sweep(found, "serial").to_pylist()
    assert table[0]["verdict"] == "refused"
    assert "compiled_cores 4" in table[0]["refusal"]
    assert table[1]["refusal"] == ""


def test_a_row_is_what_evaluate_says(serial: Any) -> None:
    point = points()[13]
    assert point.deployment is not None
    answer, row = evaluate(point.deployment), serial.to_pylist()[13]
    assert (row["fps"], row["p99_ms"], row["verdict"]) == (answer.fps, answer.p99, answer.verdict)
    assert row["networks.net.cores"] == 2


def test_a_table_says_where_it_comes_from(serial: Any) -> None:
    origin = json.loads(serial.schema.metadata[b"axemu"])
    assert origin["simulated"] is True
    assert origin["models"]
    assert origin["calibrations"]
    assert len(origin["sweep"]) == 16


@pytest.mark.slow
@pytest.mark.full
def test_all_cores_give_the_same_file_as_one(serial: Any, tmp_path: Path) -> None:
    table = sweep(points(), "joblib:2", path=tmp_path / "two.parquet")
    assert table.equals(serial, check_metadata=True)
    sweep(points(), "serial", path=tmp_path / "one.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


@pytest.fixture
def scheduler() -> Iterator[str]:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    program = textwrap.dedent(
        """
        import sys
        from distributed import LocalCluster
        if __name__ == "__main__":
            with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
                print(cluster.scheduler_address, flush=True)
                sys.stdin.read()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_processes_of_a_dask_cluster_give_the_same(serial: Any, scheduler: str) -> None:
    assert sweep(points(), f"dask:{scheduler}").equals(serial, check_metadata=True)


@pytest.mark.slow
def test_a_sweep_that_was_killed_twice_goes_on_where_it_was(serial: Any, tmp_path: Path) -> None:
    path = tmp_path / "killed.parquet"
    program = textwrap.dedent(
        f"""
        import os, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_sweeps import points
        from axemu.studies.deployments import _sweep
        _sweep.BATCH, _sweep.SLICE = 10, 1
        calls = []
        def told(progress):
            calls.append(progress)
            if len(calls) == 2:
                part = Path({str(path)!r} + ".part")
                part.write_bytes(part.read_bytes() + b'{{"point": 3, "fps"')  # a line cut short
                os._exit(9)
        _sweep.sweep(points(), "serial", path=Path({str(path)!r}), told=told)
        """
    )
    done = []
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
        done.append(len((tmp_path / "killed.parquet.part").read_bytes().splitlines()))
        assert not path.exists()
    assert done == [1 + 20 + 1, 1 + 40 + 1]
    told: list[Progress] = []
    table = sweep(points(), "serial", path=path, told=told.append)
    assert told[-1].done == told[-1].total == 66
    assert table.equals(serial, check_metadata=True)
    assert pq.read_table(path).equals(serial, check_metadata=True)
    assert not (tmp_path / "killed.parquet.part").exists()


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_five_hundred_points_give_the_same_file_on_every_engine(scheduler: str, tmp_path: Path) -> None:
    axes = {
        **AXES,
        "networks.net.drop": ("newest", "oldest"),
        "boards.0.board": ("m2", "pcie"),
        "seconds": (0.2, 0.3),
    }
    many = grid(BASE, axes)[:500]
    assert len(many) == 500
    files = []
    for engine in ("serial", "joblib:2", f"dask:{scheduler}"):
        path = tmp_path / f"{len(files)}.parquet"
        sweep(many, engine, path=path)
        files.append(path.read_bytes())
    assert files[0] == files[1] == files[2]


def test_what_was_kept_of_another_sweep_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "t.parquet.part").write_bytes(b'{"sweep": "0123"}\n')
    with pytest.raises(InvalidArgument, match="another sweep"):
        sweep(points(), "serial", path=tmp_path / "t.parquet")


def test_what_was_kept_with_other_figures_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def kill(progress: Progress) -> None:
        raise KilledError

    path, some = tmp_path / "t.parquet", points()[:3]
    with pytest.raises(KilledError):
        sweep(some, "serial", path=path, told=kill)
    kept = (tmp_path / "t.parquet.part").read_bytes()
    assert len(kept.splitlines()) == 1 + 3
    slower = {key: replace(one, executed=(0.01,) * 4) for key, one in _sweep._figures(some).items()}
    monkeypatch.setattr(_sweep, "_figures", lambda _: slower)
    with pytest.raises(
        InvalidArgument, match=r"t\.parquet\.part belongs to another sweep, or .* has changed"
    ):
        sweep(some, "serial", path=path)
    assert (tmp_path / "t.parquet.part").read_bytes() == kept


def test_a_file_of_somebody_else_beside_the_table_is_left_alone(tmp_path: Path) -> None:
    part = tmp_path / "t.parquet.part"
    part.write_bytes(b"no line of a sweep")
    with pytest.raises(InvalidArgument, match="another sweep"):
        sweep(points()[:1], "serial", path=tmp_path / "t.parquet")
    assert part.read_bytes() == b"no line of a sweep"


@pytest.mark.parametrize("engine", ["", "spark", "joblib:0", "joblib:x", "dask", "serial:2"])
def test_an_unknown_engine_is_refused(engine: str) -> None:
    with pytest.raises(InvalidArgument, match="known are serial"):
        sweep(points()[:1], engine)


def test_studies_can_be_imported_where_no_directory_can_be_written() -> None:
    nowhere = {"HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none"}
    environment = {**os.environ, **nowhere, "NUMBA_CACHE_LOCATOR_CLASSES": "UserWideCacheLocator"}
    subprocess.run([sys.executable, "-c", "import axemu.studies.deployments"], env=environment, check=True)


TOML = """
seconds = 2.0
[[networks]]
model = "squeezenet1_1"
cores = 2
post = { shape = "exponential", mean = 1.5 }
[[networks]]
model = "resnet10t"
name = "second"
cores = 2
pre = 0.5
[[streams]]
network = "squeezenet1_1"
count = 3
[[branches]]
after = "squeezenet1_1"
network = "second"
"""


def test_files_and_python_say_the_same(tmp_path: Path) -> None:
    first = NetworkSetup("squeezenet1_1", cores=2, post=Distribution("exponential", 1.5))
    from axemu.studies.deployments import Branch

    second = NetworkSetup("resnet10t", "second", cores=2, pre=Distribution(mean=0.5))
    expected = Deployment(
        (first, second),
        (Stream("squeezenet1_1", count=3),),
        branches=(Branch("squeezenet1_1", "second"),),
        seconds=2.0,
    )
    (tmp_path / "d.toml").write_text(TOML)
    (tmp_path / "d.json").write_text(json.dumps(expected.to_dict()))
    (tmp_path / "d.yaml").write_text(json.dumps(expected.to_dict()))
    for name in ("d.toml", "d.json", "d.yaml"):
        assert read_deployment(tmp_path / name) == expected
    assert deployment_from(expected.to_dict()).digest == expected.digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("cores = 2\npost", 'cores = "2"\npost'),
        ("count = 3", "count = 3\nspeed = 1"),
        ('network = "squeezenet1_1"\ncount', "count"),
        ("mean = 1.5", "mean = -1.5"),
        ("seconds = 2.0", "seconds = nan"),
        ("[[streams]]", "[[stream]]"),
    ],
)
def test_files_that_say_what_cannot_be_are_refused(change: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text(TOML.replace(change, words, 1))
    with pytest.raises(InvalidArgument) as caught:
        read_deployment(path)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"Speed": 1}, "given: Speed: Extra inputs"),
        ({"networks": [{"model": "a", "Cores": 1}]}, r"given: networks\.0\.Cores: Extra inputs"),
        (
            {"networks": [{"model": "a", "pre": {"mean": "x"}}]},
            r"given: networks\.0\.pre\.mean: Input should be",
        ),
    ],
)
def test_a_message_names_the_value(content: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        deployment_from({"networks": [{"model": "a"}], "streams": [{"network": "a"}], **content})


@pytest.mark.parametrize(
    ("name", "content"), [("d.toml", "["), ("d.txt", ""), ("d.json", "[]"), ("no.toml", None)]
)
def test_files_that_are_none_are_refused_by_name(name: str, content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InvalidArgument, match=name):
        read_deployment(tmp_path / name)


SPACE = {
    "networks.net.cores": (1, 2, 3, 4),
    "boards.0.clock": (200, 400, 600, 700, 800),
    "streams.0.count": tuple(range(1, 60, 3)),
}


def test_a_search_of_everything_gives_the_feasible_and_the_front() -> None:
    goals = (Goal("cameras", "max"), Goal("watts", "min"))
    space = {**SPACE, "boards.0.clock": (400, 800)}
    found = search(BASE, space, goals, latency=15, trials=1000)
    assert found.exhaustive
    assert len(found.tried) == 160
    assert set(map(id, found.front)) <= set(map(id, found.feasible))
    assert 1 < len(found.front) < len(found.feasible) < len(found.tried)
    for one in found.feasible:
        assert one.measures["p99"] <= 15
        assert one.verdict != "overloaded"
        # Nothing feasible has more cameras for fewer watts than everything on the front.
        assert any(
            best.measures["cameras"] >= one.measures["cameras"]
            and best.measures["watts"] <= one.measures["watts"]
            for best in found.front
        )


def test_optuna_finds_nearly_what_a_search_of_everything_finds() -> None:
    goals = (Goal("cameras", "max"),)
    most = search(BASE, SPACE, goals, latency=15, trials=1000).front[0].measures["cameras"]
    found = search(BASE, SPACE, goals, latency=15, trials=60)
    assert not found.exhaustive
    assert found.front[0].measures["cameras"] >= 0.8 * most
    assert found == search(BASE, SPACE, goals, latency=15, trials=60)


def test_a_search_goes_on_where_a_trial_cannot_be() -> None:
    space = {"streams.0.fps": (0.01, 100.0), "seconds": (0.2, 0.3)}
    found = search(BASE, space, (Goal("fps", "max"),), latency=200)
    assert [one.verdict for one in found.tried] == ["refused", "refused", "healthy", "healthy"]
    assert found.feasible
    with pytest.raises(InvalidArgument, match="latency 0 ms"):
        search(BASE, space, (Goal("fps", "max"),), latency=0)


@pytest.mark.parametrize(("measure", "direction"), [("speed", "max"), ("fps", "up")])
def test_a_goal_that_nobody_knows_is_refused(measure: str, direction: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected max or min"):
        Goal(measure, direction)
