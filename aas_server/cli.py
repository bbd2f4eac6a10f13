"""The command line: serve, import, export, check, mapping, query, graph, plant, settings."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from aas_server import asking, config, running
from aas_server import mapping as mapping_
from aas_server import plant as plant_
from aas_server.config import PREFIX, Settings
from aas_server.live import securing
from aas_server.live.credentials import Credentials
from aas_server.model.errors import Invalid, Problem
from aas_server.plant import server

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
            # in the environment there is a colon between paths, a blank between other texts
            paths = name in ("load", "live_mappings", "graph_library")
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


where = click.option(
    "--url", default="http://127.0.0.1:8080", envvar="AAS_SERVER_URL", show_default=True, help="The server to ask."
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
@click.option("--shacl", is_flag=True, help="Check the official RDF of what they hold, too, with --shapes.")
@click.option("--shapes", type=click.Path(path_type=Path), help="File with shapes of SHACL, as Part 1 comes with one.")
@config_file
@with_settings("strict", "max_upload", "max_expanded")
def check(paths: tuple[Path, ...], shacl: bool, shapes: Path | None, **given: Any) -> None:
    """Check packages and environments without storing them; tells everything that is odd or wrong."""
    if shacl != (shapes is not None):
        raise click.UsageError("--shacl and --shapes go together")
    settings = _settings(store="sqlite:///:memory:", **given)
    well = _run(running.import_files(settings, paths, False, True, click.echo))
    if shapes is not None:
        well = _run(running.check_shapes(settings, paths, shapes, click.echo)) and well
    if not well:
        sys.exit(1)


@group.group()
def mapping() -> None:
    """What makes submodels live: propose it, and see how it stands."""


@mapping.command()
@click.argument("base", metavar="opc.tcp://HOST:PORT")
@click.option("--node", default="", help="Node to begin at: nsu=urn:x;s=Plant, /Objects/2:Plant; without it, Objects.")
@click.option("--out", type=click.Path(path_type=Path), help="File for the proposal; without it, it is printed.")
@click.option("--post", default="", metavar="URL", help="Server to upload the proposal to.")
@click.option("--id-prefix", "prefix", default="", help="What the identifiers begin with.")
@click.option("--writable", is_flag=True, help="Let clients write the variables that this user may write.")
@click.option("--methods/--no-methods", default=True, help="Propose methods as Operations.", show_default=True)
@click.option("--most", type=click.IntRange(1), default=50_000, help="Most nodes to look at.", show_default=True)
@click.option("--security", default="auto", show_default=True, help="auto, None, or a policy like Basic256Sha256/Sign.")
@click.option("--user", default="", help="User to log in as.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File with the password of that user.")
@click.option("--plain", is_flag=True, help="Send the password where anybody on the way could read it, too.")
@click.option("--certificate", type=click.Path(), default="", help="Certificate to log in with, as DER or PEM.")
@click.option("--key", type=click.Path(), default="", help="Private key of that certificate, as PEM.")
@click.option("--pki", type=click.Path(path_type=Path), default="pki", help="OPC UA certificates.", show_default=True)
@click.option("--trust-all", is_flag=True, help="Believe the server, whatever its certificate.")
def browse(
    base: str,
    security: str,
    user: str,
    password_file: Path | None,
    plain: bool,
    certificate: str,
    key: str,
    **given: Any,
) -> None:
    """Propose what makes the nodes of an OPC UA server live.

    It is an environment of an Asset Interfaces Description, a mapping configuration, the data, and a shell: look at it,
    edit it, and post it to /upload. How it goes is told on standard error.
    """
    config.set_up_logging("WARNING", "text")
    credentials = replace(_credentials(user, password_file, certificate, key), plain=plain)
    try:
        secured = securing.parse(security, credentials.kind)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--security") from None
    wanted = mapping_.Wanted(base, security=secured, credentials=credentials, **given)
    _run(mapping_.browse(wanted, lambda text: click.echo(text, err=True), click.echo))


def _credentials(user: str, password_file: Path | None, certificate: str, key: str) -> Credentials:
    if password_file is not None and not user:
        raise click.UsageError("--password-file needs --user")
    if bool(certificate) != bool(key):
        raise click.UsageError("--certificate and --key go together")
    try:
        password = password_file.read_text(encoding="utf-8").strip() if password_file is not None else ""
    except (OSError, UnicodeDecodeError):
        raise click.UsageError(f"{password_file} cannot be read") from None
    return Credentials(user, password, certificate=certificate, key=key)


@mapping.command()
@where
@click.option("--troubled", is_flag=True, help="Only mappings in trouble.")
def show(url: str, troubled: bool) -> None:
    """Show the connections, defects and mappings of a running server."""
    _run(mapping_.show(url, troubled, click.echo))


@group.command()
@click.argument("text", metavar="QUERY")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of a query of the library.")
@click.option("--format", "form", type=click.Choice(list(asking.FORMS)), default="table", show_default=True)
@where
def query(text: str, given: tuple[str, ...], form: str, url: str) -> None:
    """Ask the graph of a running server in SPARQL: a query, @FILE, or the name of one of the library."""
    if wrong := [each for each in given if "=" not in each]:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=VALUE", param_hint="--set")
    parameters = dict(each.split("=", 1) for each in given)
    _run(asking.query(url, text, parameters, form, click.echo, lambda words: click.echo(words, err=True)))


@group.group()
def graph() -> None:
    """The graph of a running server."""


@graph.command(name="queries")
@where
def queries(url: str) -> None:
    """List the named queries with their parameters."""
    _run(asking.queries(url, click.echo))


@graph.command(name="check")
@where
def check_graph(url: str) -> None:
    """Compare the graph with what it would be if it was made anew from the documents."""
    if not _run(asking.check(url, click.echo)):
        sys.exit(1)


@group.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=plant_.PORT, show_default=True, help="Port to listen on."
)
@click.option("--attached", is_flag=True, hidden=True)
def plant(port: int, attached: bool) -> None:
    """Run the conveyor of the examples: a model of its physics behind an OPC UA server, on this machine only."""
    _run(server.run(port, click.echo, attached))


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
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
