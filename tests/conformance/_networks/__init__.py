"""Random small networks through the compiler: a generator, a bound, a check, and how to make a failure small."""

from tests.conformance._networks._activations import ACTIVATIONS
from tests.conformance._networks._backend import OPERATORS, NodeCase, node_cases
from tests.conformance._networks._board import differs_on_board
from tests.conformance._networks._bound import FloatNetwork
from tests.conformance._networks._check import Outcome, Verdict, check, kind_of, rules_of, samples
from tests.conformance._networks._generate import activation_pair, from_seed, networks
from tests.conformance._networks._reduce import reduced, text_of

__all__ = [
    "ACTIVATIONS",
    "OPERATORS",
    "FloatNetwork",
    "NodeCase",
    "Outcome",
    "Verdict",
    "activation_pair",
    "check",
    "differs_on_board",
    "from_seed",
    "kind_of",
    "networks",
    "node_cases",
    "reduced",
    "rules_of",
    "samples",
    "text_of",
]
