"""`make conformance`: the official engine, the official schemas and schemathesis against a server of our own."""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from conformance import deviations, engine, fuzzing, official, responses
from conformance.server import PROJECT, SHARED, DidNotStart, data, running

EXAMPLES = PROJECT / "submodels/examples/elements.json"
#: The shell and the submodel that are served by themselves, too, and who carries out their Operation.
OPTIONS = (
    *("--operations", "aas_server.operations.examples:operations"),
    *("--shell", "https://example.com/shells/elements"),
    *("--submodel", "https://example.com/submodels/elements"),
)


@click.command()
@click.option("--load", type=click.Path(exists=True, path_type=Path), default=data, help="What the server holds.")
@click.option("--url", help="A server that runs already, holding data as the engine needs it.")
def main(load: Path, url: str | None) -> None:
    """Run the suites of aas-test-engines, compare every answer with the official schemas, and fuzz all documents."""
    try:
        if url:
            sys.exit(not report(url.rstrip("/")))
        with running(load, EXAMPLES, options=OPTIONS) as base:
            held = report(base)
    except DidNotStart as error:
        raise click.ClickException(str(error)) from None
    sys.exit(not held)


def report(base: str) -> bool:
    engine_holds = report_engine(base)
    responses_hold = report_responses(base)
    return report_fuzzing(base) and responses_hold and engine_holds


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


#: Random requests for each operation; and the edges of its parameters.
WHOLE = fuzzing.Effort(2)
PART = fuzzing.Effort(2, complete=False)
SAME_ROWS = fuzzing.Effort(1, edges=False)


def report_fuzzing(base: str) -> bool:
    """Schemathesis over our own document and over each official one; what a deviation explains is counted only."""
    listed = deviations.read()
    needed, holds = set[str](), True
    click.echo(f"\n{'schemathesis':58} {'answers':>8} {'excused':>8} {'failed':>7}")
    for name, document, where, effort in documents(base, listed):
        outcome = fuzzing.fuzz(document, where, effort)
        failed = []
        for failure in dict.fromkeys(outcome.failures):
            excuse = deviations.excused(listed, failure.operation, failure.check, failure.text)
            needed |= {excuse.identifier} if excuse else set()
            failed += [] if excuse else [failure]
        excused = len(set(outcome.failures)) - len(failed)
        click.echo(f"{name:58} {outcome.answers.total():8} {excused:8} {len(failed):7}")
        for failure in failed:
            click.echo(f"    {failure}")
        holds &= not failed
    unneeded = [one.identifier for one in listed if one.excuses and one.identifier not in needed]
    if unneeded and SHARED.exists():
        click.echo(f"    excuses that nothing needed: {', '.join(unneeded)}")
    return holds and not (unneeded and SHARED.exists())


def documents(
    base: str, listed: list[deviations.Deviation]
) -> Iterator[tuple[str, dict[str, Any], str, fuzzing.Effort]]:
    """Every document with its name, the address it is true of, and how it is tried."""
    own = fuzzing.offered(base)
    yield "our own, /openapi.json", own, base, WHOLE
    yield "our own, /api/v3.0/openapi.json", fuzzing.offered(f"{base}/api/v3.0"), f"{base}/api/v3.0", SAME_ROWS
    specs = SHARED / "specs"
    if not specs.exists():
        click.echo("official documents: left out, ../shared/specs is not beside the project")
        return
    for name, document in official.documents(specs, listed):
        served = fuzzing.common(document, own)
        if served["paths"]:
            yield name, served, base + responses.PREFIX, PART


main()
