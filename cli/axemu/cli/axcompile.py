"""`axcompile`: an ONNX network in, a compiled model and a report of what happened out."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from axemu.chip import CORES
from axemu.cli._compile_choices import ColorFormat, ImageReader, Layout, LogLevel
from axemu.cli._errors import exit_on_error, start
from axemu.cli._options import Board, Version

if TYPE_CHECKING:
    from rich.console import Console

    from axemu.cli._compile_output import Outcome

app = typer.Typer(pretty_exceptions_enable=False)


def _list_passes(wanted: bool) -> None:
    if not wanted:
        return
    from axelera.compiler.pipeline import PASSES  # noqa: PLC0415  slow to import

    width = max(len(entry.name) for entry in PASSES)
    for entry in PASSES:
        print(f"{entry.name:<{width}}  {entry.purpose}")
    raise typer.Exit


class Command(TyperCommand):
    """Mistakes in the options end the program as usual, and are in the report as well."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the command line."""
        given = list(args)  # reading uses it up
        try:
            return super().make_context(info_name, args, parent, **extra)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            from axelera.compiler import ConfigurationError  # noqa: PLC0415  slow to import
            from axemu.cli._compile_output import Outcome, report_alone  # noqa: PLC0415

            lenient = {"resilient_parsing": True, "ignore_unknown_options": True, "allow_extra_args": True}
            readable = super().make_context(info_name, given, parent, **extra | lenient).params
            message = error.format_message() if hasattr(error, "format_message") else str(error)
            mistake = ConfigurationError(message)
            report_alone(
                Outcome(mistake.status, mistake),
                readable.get("output"),
                overwrite=bool(readable.get("overwrite")),
            )
            raise


@app.command(cls=Command, help=__doc__)
def axcompile(
    *,
    input: Annotated[  # noqa: A002  the documented name
        Path | None,
        typer.Option("-i", "--input", help="ONNX network, or a quantized_model_manifest.json to lower."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Directory to write.")] = None,
    generate_config: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write default_conf.json, every property with its default, and end."
        ),
    ] = None,
    conf: Annotated[
        Path | None,
        typer.Option("--conf", "--config", help="Configuration, JSON or TOML; a preset's name works."),
    ] = None,
    quantize_only: Annotated[
        bool | None, typer.Option("--quantize-only", help="End after the quantised model.")
    ] = None,
    input_shape: Annotated[
        str | None, typer.Option(metavar="N,C,H,W", help="Shape of an input the network leaves open.")
    ] = None,
    imageset: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Calibration images; random numbers without.")
    ] = None,
    transform: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.PY[:FUNC]|PRESET",
            help="Function from an image to the network's input (default get_preprocess_transform), or imagenet_torch, "
            "imagenet_caffe, imagenet_tf, tf_ssd.",
        ),
    ] = None,
    input_data_layout: Annotated[
        Layout | None, typer.Option(help="Layout of the network's image input (NCHW).")
    ] = None,
    color_format: Annotated[ColorFormat | None, typer.Option(help="Channels a transform gets (RGB).")] = None,
    imreader_backend: Annotated[
        ImageReader | None, typer.Option(help="What a transform gets: Pillow images (PIL) or OpenCV arrays.")
    ] = None,
    dataset_len: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Calibration samples (100).")
    ] = None,
    cli_args: Annotated[
        str | None,
        typer.Option(
            metavar="JSON",
            help="Options and configuration properties as JSON text or file; the command line wins over it.",
        ),
    ] = None,
    overwrite: Annotated[
        bool | None, typer.Option("--overwrite", help="Replace the output of an earlier run.")
    ] = None,
    log_level: Annotated[LogLevel | None, typer.Option(help="How much is logged (INFO).")] = None,
    dump_after: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PASS",
            help="Write the state after a pass (--list-passes) into dump/; may be given several times.",
        ),
    ] = None,
    aipu_cores: Annotated[
        int | None, typer.Option(min=1, max=CORES, help="Cores of one instance, which is its batch.")
    ] = None,
    board: Board = "pcie",
    choose_scheme: Annotated[
        bool | None,
        typer.Option(
            "--choose-scheme",
            help="Quantise by every quantization_scheme and keep the one of least error on held-back samples.",
        ),
    ] = None,
    list_passes: Annotated[  # noqa: ARG001
        bool,
        typer.Option(
            "--list-passes",
            is_eager=True,
            callback=_list_passes,
            help="Print the passes of the compiler in order, and end.",
        ),
    ] = False,
    version: Version = False,  # noqa: ARG001
) -> None:
    """Compile, or write the default configuration."""
    options = {
        "input": input,
        "output": output,
        "conf": conf,
        "quantize_only": quantize_only,
        "input_shape": input_shape,
        "imageset": imageset,
        "transform": transform,
        "input_data_layout": input_data_layout,
        "color_format": color_format,
        "imreader_backend": imreader_backend,
        "dataset_len": dataset_len,
        "overwrite": overwrite,
        "log_level": log_level,
        "dump_after": dump_after or None,
        "aipu_cores": aipu_cores,
        "board": board,
        "choose_scheme": choose_scheme,
    }
    with exit_on_error("axcompile"):
        if generate_config is not None:
            from axemu.cli._compile_options import default_configuration  # noqa: PLC0415  slow to import
            from axemu.model import replacing  # noqa: PLC0415

            generate_config.mkdir(parents=True, exist_ok=True)
            path = generate_config / "default_conf.json"
            with replacing(path) as temporary:
                text = default_configuration().model_dump_json(indent=2)
                temporary.write_text(f"{text}\n", encoding="utf-8")
            print(path)
            return
        outcome = _compile({name: value for name, value in options.items() if value is not None}, cli_args)
    if outcome.error is not None:
        print(f"axcompile: {outcome.status}: {outcome.error}", file=sys.stderr)
        raise typer.Exit(1)
    print(outcome.status)
    if outcome.summary:
        from axemu.cli._compile_summary import summary_lines  # noqa: PLC0415  slow to import

        for line in summary_lines(outcome.summary):
            print(line)


def _compile(given: Mapping[str, Any], saved: str | None) -> Outcome:
    """Run with the options `given` on the command line and `saved` in JSON; the output says how it ended."""
    from rich.console import Console  # noqa: PLC0415  slow to import

    from axelera.compiler import ConfigurationError  # noqa: PLC0415
    from axemu.cli._compile_options import Options, configuration  # noqa: PLC0415
    from axemu.cli._compile_output import Outcome, output_directory, report_alone  # noqa: PLC0415
    from axemu.cli._compile_run import run  # noqa: PLC0415

    output, overwrite = given.get("output"), bool(given.get("overwrite"))
    try:
        options, properties = Options.read(given, saved)
        output, overwrite = options.output, options.overwrite
        config = configuration(options, properties)
    except ConfigurationError as error:
        outcome = Outcome(error.status, error)
        report_alone(outcome, output, overwrite=overwrite)
        return outcome
    console = Console(stderr=True)
    with (
        output_directory(
            options.output,
            overwrite=options.overwrite or config.remove_output_dir,
            added_too=config.remove_output_dir,
        ) as folder,
        _logging(options.log_level, folder, console),
    ):
        return run(options, config, folder, console)


@contextlib.contextmanager
def _logging(level: LogLevel, folder: Path, console: Console) -> Iterator[None]:
    """Messages on stderr from `level` on, and all of them in compilation_log.txt."""
    from rich.logging import RichHandler  # noqa: PLC0415  slow to import

    loggers = [logging.getLogger(name) for name in ("axelera", "axemu")]
    terminal = RichHandler(level.value, console=console, show_path=False, show_time=False)
    file = logging.FileHandler(folder / "compilation_log.txt", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(terminal)
        logger.addHandler(file)
    try:
        yield
    finally:
        for logger, found in zip(loggers, before, strict=True):
            logger.setLevel(found)
            logger.removeHandler(terminal)
            logger.removeHandler(file)
        file.close()


def main() -> None:
    """Run the command."""
    start(app)


if __name__ == "__main__":
    main()
