"""Deployments: networks on boards with a host, fed by streams; what becomes of their frames."""

from axemu.studies.deployments._distribution import Distribution
from axemu.studies.deployments._evaluate import evaluate
from axemu.studies.deployments._result import Evaluation, Latency, NetworkResult, StreamResult
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
from axemu.studies.deployments._verdict import milliseconds

__all__ = [
    "Arrivals",
    "BoardSetup",
    "Branch",
    "Deployment",
    "Distribution",
    "Evaluation",
    "HostSetup",
    "Latency",
    "NetworkResult",
    "NetworkSetup",
    "Service",
    "ServiceKey",
    "Stream",
    "StreamResult",
    "evaluate",
    "keys_of",
    "milliseconds",
    "services",
]
