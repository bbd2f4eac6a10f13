"""The command line: serve, import, export, check, settings."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from aas_server import config, running
from aas_server.config import PREFIX, Settings
from aas_server.model.errors import Invalid, Problem

Command = TypeVar("Command", bound=Callable[..., Any])

_NAMES = [name for name, _, _ in config.fields()]


def with_settings(*names: str) -> Callable[[Command], Command]:
    """The settings of these names as options: command line before environment before --config before default."""

    def decorate(command: Command) -> Command:
        for name, default, sentence in reversed(list(config.fields())):
            if name in names:
                command = _option(name, default, sentence)(command)
        return command

    return decorate


def _option(name: str, default: Any, sentence: str) -> Callable[[Command], Command]:
    flag = f"--{name.replace('_', '-')}"
    common: dict[str, Any] = {"help": sentence, "envvar": PREFIX + name.upper(), "show_default": True}
    match default:
        case bool():
            return click.option(f"{flag}/--no-{flag[2:]}", default=default, **common)
        case tuple():
            paths = name == "load"  # in the environment there is a colon between paths, a blank between other texts
            return click.option(flag, type=click.Path() if paths else str, multiple=True, **common)
        case _:
            return click.option(flag, type=type(default), default=default, **common)


def _settings(**given: Any) -> Settings:
    """The settings of a command, or a sentence on the one that cannot be."""
    try:
        return Settings(**given)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _configured(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        try:
            context.default_map = config.from_file(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None


config_file = click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar=PREFIX + "CONFIG",
    is_eager=True,
    expose_value=False,
    callback=_configured,
    help="TOML file with settings.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aas-server")
def group() -> None:
    """A server for Asset Administration Shells, and its tools for files."""


@group.command()
@config_file
@with_settings(*_NAMES)
def serve(**given: Any) -> None:
    """Serve the store over HTTP, importing the named files first."""
    settings = _settings(**given)
    config.set_up_logging(settings.log_level, settings.log_format)
    _run(running.serve(settings, click.echo), uvloop=True)


@group.command(name="import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--ignore-duplicates", is_flag=True, help="Keep documents that exist already.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@config_file
@with_settings("store", "strict", "max_upload", "max_expanded")
def import_(paths: tuple[Path, ...], ignore_duplicates: bool, dry_run: bool, **given: Any) -> None:
    """Import packages, environments or folders of them into the store."""
    settings = _settings(**given)
    if not _run(running.import_files(settings, paths, ignore_duplicates, dry_run, click.echo)):
        sys.exit(1)


@group.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--shell", "shells", multiple=True, help="Id of a shell to export; repeat for several.")
@click.option("--submodel", "submodels", multiple=True, help="Id of a submodel to export; repeat for several.")
@click.option("--no-concepts", is_flag=True, help="Leave concept descriptions out.")
@click.option("--json-part", is_flag=True, help="Write the environment in an AASX package as JSON, not XML.")
@config_file
@with_settings("store")
def export(
    target: Path, shells: tuple[str, ...], submodels: tuple[str, ...], no_concepts: bool, json_part: bool, **given: Any
) -> None:
    """Export documents of a store that exists to TARGET: .aasx, .json or .xml; everything where no id is named."""
    settings = _settings(**given)
    _run(running.export(settings, target, shells, submodels, not no_concepts, json_part, click.echo))


@group.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@config_file
@with_settings("strict", "max_upload", "max_expanded")
def check(paths: tuple[Path, ...], **given: Any) -> None:
    """Check packages and environments without storing them; tells everything that is odd or wrong."""
    settings = _settings(store="sqlite:///:memory:", **given)
    if not _run(running.import_files(settings, paths, False, True, click.echo)):
        sys.exit(1)


@group.command(name="settings")
def settings_() -> None:
    """Print the settings as a table."""
    click.echo(config.markdown(), nl=False)


def _run(work: Coroutine[Any, Any, Any], uvloop: bool = False) -> Any:
    """Run to the end; problems become sentences on standard error and exit code 1."""
    try:
        with asyncio.Runner(loop_factory=_loops() if uvloop else None) as runner:
            return runner.run(work)
    except Problem as problem:
        texts = [str(finding) for finding in problem.findings] if isinstance(problem, Invalid) else [str(problem)]
        for text in texts:
            click.echo(f"aas-server: {text}", err=True)
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"aas-server: {where}{error.strerror or error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _loops() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one; there is none for Windows."""
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


def main() -> None:
    """The entry point of `aas-server`."""
    group()
