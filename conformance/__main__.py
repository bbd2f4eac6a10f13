"""`make conformance`: the official engine and the official response schemas against a server of our own."""

import sys
from itertools import groupby
from pathlib import Path

import click

from conformance import deviations, engine, responses
from conformance.server import PROJECT, SHARED, DidNotStart, data, running


@click.command()
@click.option("--load", type=click.Path(exists=True, path_type=Path), default=data, help="What the server holds.")
@click.option("--url", help="A server that runs already, holding data as the engine needs it.")
def main(load: Path, url: str | None) -> None:
    """Run the four suites of aas-test-engines and compare every answer with the official OpenAPI schemas."""
    try:
        if url:
            sys.exit(not report(url.rstrip("/")))
        with running(load, PROJECT / "submodels/examples/elements.json") as base:
            held = report(base)
    except DidNotStart as error:
        raise click.ClickException(str(error)) from None
    sys.exit(not held)


def report(base: str) -> bool:
    engine_holds = report_engine(base)
    return report_responses(base) and engine_holds


def report_engine(base: str) -> bool:
    click.echo(engine.HEADING)
    holds = True
    for verdict in engine.verdicts(base):
        click.echo(str(verdict))
        for failure in verdict.failures:
            click.echo(f"    {failure}")
        holds &= verdict.holds
    return holds


def report_responses(base: str) -> bool:
    specs = SHARED / "specs"
    if not specs.exists():
        click.echo("\nofficial response schemas: left out, ../shared/specs is not beside the project")
        return True
    api = responses.official(specs)
    listed = deviations.read()
    given = list(responses.answers(base, api))
    complaints = [*responses.examine(given, api, listed), *responses.unused(given, api, listed)]
    click.echo(f"\nofficial response schemas: {len(given)} answers, {len(complaints)} complaints")
    for template, some in groupby(complaints, key=lambda complaint: complaint.template):
        texts = [complaint.text for complaint in some]
        more = f" (and {len(texts) - 1} like it: {template})" if len(texts) > 1 else ""
        click.echo(f"    {texts[0]}{more}")
    return not complaints


main()
