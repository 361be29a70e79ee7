"""What comes with this SDK, or is written beside it."""

from __future__ import annotations

from typing import Annotated

from axemu.cli._answers._answer import Answer, key


class NetworkFacts(Answer):
    """`axemu zoo show`; `axemu zoo list` gives a list of these."""

    name: Annotated[str, key("in the zoo")]
    vendor_name: Annotated[str, key("as the vendor's tools call it")]
    title: Annotated[str, key("as people write it")]
    task: Annotated[str, key("what it is for")]
    input: Annotated[list[int], key("shape: N, C, H, W")]
    classes: Annotated[int, key("of the default build")]
    parameters: Annotated[int, key("weights and biases of the fused graph")]
    macs: Annotated[int, key("multiply-accumulates per image")]
    source: Annotated[str, key("where the architecture was published")]
    names: Annotated[list[str], key("all names it is found by")]


class StandIn(Answer):
    """`axemu stand-in`."""

    distribution: Annotated[str, key("its name")]
    release: Annotated[str, key("its release; empty if it is missing")]
    state: Annotated[str, key("`missing`, `ours` or `not ours`")]


class CommandState(Answer):
    """`axemu commands`, a list of these."""

    path: Annotated[str, key("of the command")]
    state: Annotated[str, key("`missing`, `ours` or `not ours`")]
    refused: Annotated[bool, key("--install left it alone, as it is not ours")]


class ExampleFacts(Answer):
    """`axemu examples list`, a list of these."""

    name: Annotated[str, key("of the example")]
    title: Annotated[str, key("what it shows")]
    commands: Annotated[list[str], key("make its model and run it")]
