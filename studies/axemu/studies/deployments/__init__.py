"""Deployments: networks on boards with a host, fed by streams; what becomes of their frames."""

from axemu.studies.deployments._distribution import Distribution
from axemu.studies.deployments._evaluate import evaluate
from axemu.studies.deployments._points import Point, Value, changed, drawn, grid, latin_hypercube, listed
from axemu.studies.deployments._read import deployment_from, read_deployment
from axemu.studies.deployments._result import BoardResult, Evaluation, Latency, NetworkResult, StreamResult
from axemu.studies.deployments._search import Found, Goal, Trial, search
from axemu.studies.deployments._service import Service, ServiceKey, keys_of, services
from axemu.studies.deployments._spec import (
    Arrivals,
    BoardSetup,
    Branch,
    Deployment,
    HostSetup,
    NetworkSetup,
    Stream,
)
from axemu.studies.deployments._sweep import Progress, sweep
from axemu.studies.deployments._verdict import milliseconds

__all__ = [
    "Arrivals",
    "BoardResult",
    "BoardSetup",
    "Branch",
    "Deployment",
    "Distribution",
    "Evaluation",
    "Found",
    "Goal",
    "HostSetup",
    "Latency",
    "NetworkResult",
    "NetworkSetup",
    "Point",
    "Progress",
    "Service",
    "ServiceKey",
    "Stream",
    "StreamResult",
    "Trial",
    "Value",
    "changed",
    "deployment_from",
    "drawn",
    "evaluate",
    "grid",
    "keys_of",
    "latin_hypercube",
    "listed",
    "milliseconds",
    "read_deployment",
    "search",
    "services",
    "sweep",
]
