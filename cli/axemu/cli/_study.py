"""`axemu study`: questions that are asked often, answered by simulation."""

from __future__ import annotations

import inspect
import json
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperGroup

from axemu.cli._errors import exit_on_error
from axemu.cli._options import AsJson, Page, axis
from axemu.cli._terminal import columns
from axemu.driver import InvalidArgument

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


Save = Annotated[
    Path | None, typer.Option("--save", help="Also write the answer to a file, for `axemu study diff`.")
]


def command_of(name: str, question: Callable[..., Answer]) -> Callable[..., None]:
    """Return a command with the parameters of a question and those of every answer."""

    def ask(*, as_json: AsJson = False, save: Save = None, html: Page = None, **given: Any) -> None:
        with exit_on_error(f"axemu study {name}"):
            show(question(**given), as_json, save, html)

    shared = [one for one in parameters_of(ask) if one.name != "given"]
    parameters = [*parameters_of(question), *shared]
    ask.__doc__ = question.__doc__
    ask.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    ask.__annotations__ = {one.name: one.annotation for one in parameters}
    return ask


def show(answer: Answer, as_json: bool, save: Path | None, html: Path | None) -> None:
    """Print an answer, and write it where it is asked for."""
    if save is not None:
        answer.save(save)
    if html is not None:
        from axemu.studies.questions import write_page  # noqa: PLC0415

        write_page(html, answer)
    if as_json:
        print(json.dumps(answer.to_dict(), indent=1))
        print(answer.stamp, file=sys.stderr)
    else:
        print(answer.text(columns() or sys.maxsize))


Saved = Annotated[Path, typer.Argument(help="What `--save` wrote.")]


@study.command("diff")
def diff(
    before: Saved, after: Saved, *, as_json: AsJson = False, save: Save = None, html: Page = None
) -> None:
    """Compare two answers to the same question."""
    from axemu.studies.questions import diff as compare  # noqa: PLC0415
    from axemu.studies.questions import load  # noqa: PLC0415

    with exit_on_error("axemu study diff"):
        show(compare(load(before), load(after)), as_json, save, html)


Vary = Annotated[
    list[str], typer.Option("--vary", help="A field and its values: PATH=VALUE,VALUE,… May be repeated.")
]
Output = Annotated[Path, typer.Option("--output", help="The Parquet file; a sweep that was killed goes on.")]
Engine = Annotated[
    str, typer.Option("--engine", help="serial, joblib, joblib:N, dask:ADDRESS, ray or ray:ADDRESS.")
]


Described = Annotated[Path, typer.Argument(help="A TOML, YAML or JSON file that describes a deployment.")]
Most = Annotated[
    list[str] | None,
    typer.Option("--most", help="What should be large: fps, cameras, … May be repeated."),
]
Least = Annotated[
    list[str] | None,
    typer.Option("--least", help="What should be small: watts, boards, cores, p99, temperature."),
]
Within = Annotated[
    float, typer.Option("--within", min=0.001, max=1e6, help="ms in which 99 % of frames are wanted.")
]
Trials = Annotated[int, typer.Option("--trials", min=1, max=100_000, help="Combinations that may be tried.")]
Seed = Annotated[
    int, typer.Option("--seed", min=0, max=2**32 - 1, help="Of the choice where not all are tried.")
]


def axes_of(vary: list[str]) -> dict[str, list[Any]]:
    """Return the values of each field.

    Raises:
        InvalidArgument: a field has no value, or is given twice.
    """
    axes = [axis("--vary", one) for one in vary]
    if twice := [path for path, many in Counter(path for path, _ in axes).items() if many > 1]:
        raise InvalidArgument(f"--vary {twice[0]}: given twice; name all its values at once")
    return dict(axes)


@study.command("search")
def search(
    file: Described,
    *,
    vary: Vary,
    most: Most = None,
    least: Least = None,
    within: Within = 100.0,
    trials: Trials = 200,
    seed: Seed = 0,
    as_json: AsJson = False,
    save: Save = None,
    html: Page = None,
) -> None:
    """Look for the best values of a deployment's fields within a latency."""
    from axemu.studies.questions import search as look  # noqa: PLC0415

    with exit_on_error("axemu study search"):
        found = look(
            str(file),
            axes_of(vary),
            most=most or (),
            least=least or (),
            within=within,
            trials=trials,
            seed=seed,
        )
        show(found, as_json, save, html)


@study.command("sweep")
def sweep(
    file: Described,
    *,
    vary: Vary,
    output: Output = Path("sweep.parquet"),
    engine: Engine = "joblib",
) -> None:
    """Evaluate a deployment for all combinations of values of its fields."""
    from axemu.studies import deployments  # noqa: PLC0415

    def told(progress: deployments.Progress) -> None:
        print(
            f"{progress.done} of {progress.total} points, {progress.seconds_left:.0f} s to go",
            file=sys.stderr,
        )

    with exit_on_error("axemu study sweep"):
        axes = axes_of(vary)
        points = deployments.grid(deployments.read_deployment(file), axes)
        table = deployments.sweep(points, engine, path=output, told=told)
        counts = Counter(table["verdict"].to_pylist())
        print(
            f"{output}: {', '.join(f'{many} {verdict}' for verdict, many in sorted(counts.items()))} (simulated)"
        )


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
