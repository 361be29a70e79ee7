"""`axemu study`: questions that are asked often, answered by simulation."""

from __future__ import annotations

import inspect
import json
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperGroup

from axemu.cli._errors import exit_on_error

if TYPE_CHECKING:
    from axemu.studies.questions import Answer


class Questions(TyperGroup):
    """The commands of all questions, made when one is asked for: their room takes a second to import."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *_questions().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name."""
        return super().get_command(ctx, cmd_name) or _questions().get_command(ctx, cmd_name)


app = typer.Typer(add_completion=False)
study = typer.Typer(cls=Questions, no_args_is_help=True)
app.add_typer(study, name="study", help="Answer a question about throughput and latency; simulated.")


@cache
def _questions() -> TyperGroup:
    from axemu.studies.questions import QUESTIONS  # noqa: PLC0415

    made = typer.Typer(add_completion=False)
    made.callback()(lambda: None)  # a group, however many there are
    for name, question in QUESTIONS.items():
        made.command(name)(command_of(name, question))
    return typer.main.get_group(made)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Save = Annotated[
    Path | None, typer.Option("--save", help="Also write the answer to a file, for `axemu study diff`.")
]


def command_of(name: str, question: Callable[..., Answer]) -> Callable[..., None]:
    """Return a command with the parameters of a question and those of every answer."""

    def ask(*, as_json: AsJson = False, save: Save = None, **given: Any) -> None:
        with exit_on_error(f"axemu study {name}"):
            answer = question(**given)
            if save is not None:
                answer.save(save)
            if as_json:
                print(json.dumps(answer.to_dict(), indent=1))
                print(answer.stamp, file=sys.stderr)
            else:
                print(answer.text(shutil.get_terminal_size().columns))

    shared = [one for one in parameters_of(ask) if one.name != "given"]
    parameters = [*parameters_of(question), *shared]
    ask.__doc__ = question.__doc__
    ask.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    ask.__annotations__ = {one.name: one.annotation for one in parameters}
    return ask


def parameters_of(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Return parameters as typer reads them: a keyword is an option of that name, what is said of it its help."""
    hints = get_type_hints(function, include_extras=True)
    found = []
    for one in inspect.signature(function).parameters.values():
        hint = hints[one.name]
        if get_origin(hint) is Annotated and isinstance(get_args(hint)[1], str):
            kind, words, *_ = get_args(hint)
            if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
                hint = Annotated[kind, typer.Argument(help=words)]
            else:
                hint = Annotated[kind, typer.Option(help=words)]
        found.append(one.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY))
    return found
