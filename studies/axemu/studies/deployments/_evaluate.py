"""What becomes of the frames of a deployment?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import exp

from axemu.chip import STRENGTH, Provenance
from axemu.driver import InvalidArgument
from axemu.studies.deployments._events import simulate
from axemu.studies.deployments._measure import board_results, network_result, stream_result, units_busy
from axemu.studies.deployments._plan import host_of, world_of
from axemu.studies.deployments._result import Evaluation
from axemu.studies.deployments._service import Service, ServiceKey, keys_of, services
from axemu.studies.deployments._spec import Deployment
from axemu.studies.deployments._verdict import bound_of, headline_of, verdict_of

Figures = Mapping[ServiceKey, Service]


def evaluate(deployment: Deployment, figures: Figures | None = None, *, band: bool = False) -> Evaluation:
    """Simulate a deployment.

    Args:
        deployment: what is simulated.
        figures: service figures, to save deriving them.
        band: also simulate both ends of the band.

    Raises:
        AxeleraError: a model cannot be found, read, or run as asked; too many frames arrive, or none of a stream in the time
            that counts.
    """
    known = services(keys_of(deployment)) if figures is None else figures
    answer = _at(deployment, known, 0.0)
    if not band:
        return answer
    return replace(answer, fast=_at(deployment, known, -1.0), slow=_at(deployment, known, 1.0))


def _at(deployment: Deployment, figures: Figures, slower: float) -> Evaluation:
    world = world_of(deployment, figures, slower)
    while not simulate(world):
        world = world_of(deployment, figures, slower, room=2 * len(world.frames))
    streams = tuple(stream_result(deployment, world, at) for at in range(len(deployment.streams)))
    for stream, result in zip(deployment.streams, streams, strict=True):
        if stream.arrivals != "loop" and not result.frames:
            raise InvalidArgument(
                f"stream {stream.label}: no frame arrives in the {deployment.seconds:g} s that count; ask for more `seconds`"
            )
    networks = tuple(network_result(deployment, figures, world, at) for at in range(len(deployment.networks)))
    units = units_busy(deployment, figures, world)
    boards = board_results(deployment, figures, world)
    verdict = verdict_of(deployment, streams, networks, units)
    rest_on = [figures[key] for key in keys_of(deployment)]
    return Evaluation(
        digest=deployment.digest,
        verdict=verdict,
        headline=headline_of(deployment, verdict, streams, networks, boards),
        streams=streams,
        networks=networks,
        units=units,
        boards=boards,
        bound_by=bound_of(networks, units),
        spread=exp(max(one.spread for one in rest_on)) - 1,
        host=host_of(deployment).title,
        model_version=rest_on[0].model_version,
        calibration_id=rest_on[0].calibration_id,
        provenance=max((Provenance(one.provenance) for one in rest_on), key=STRENGTH.__getitem__).value,
        unseen_rules=tuple(sorted({code for one in rest_on for code in one.unseen_rules})),
    )
