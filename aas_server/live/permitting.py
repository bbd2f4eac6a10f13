"""The part of a plan that may be carried out: where its endpoints are permitted, and what it takes is switched on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from aas_server.live import Endpoint
from aas_server.live.allowing import allowed
from aas_server.live.plan import Call, Defect, ItemAt, Mapping, Plan


def permitted(plan: Plan, patterns: Sequence[str], *, scripts: bool) -> tuple[Plan, list[Defect]]:
    """The plan without what `patterns` or the lack of scripts forbids, and why: one cause is one defect."""
    refused: dict[str, list[str]] = defaultdict(list)
    mappings = tuple(each for each in plan.mappings if _noted(refused, each, patterns, scripts))
    calls = tuple(each for each in plan.calls if _noted(refused, each, patterns, scripts))
    defects = [Defect(_first(origins), why) for why, origins in refused.items()]
    return replace(plan, mappings=mappings, calls=calls), defects


def _noted(refused: dict[str, list[str]], each: Mapping | Call, patterns: Sequence[str], scripts: bool) -> bool:
    why = _forbidden(each, patterns) or ("" if scripts else _unable(each))
    if why:
        refused[why].append(each.origin)
    return not why


def _first(origins: Sequence[str]) -> str:
    return origins[0] + (f", and {len(origins) - 1} more" if len(origins) > 1 else "")


def _forbidden(each: Mapping | Call, patterns: Sequence[str]) -> str:
    """What the operator's own files name needs no other permission."""
    bases = [] if each.declared else [endpoint.base for endpoint in endpoints(each)]
    refused = next((base for base in bases if not allowed(base, patterns)), None)
    if refused is None:
        return ""
    return f"{refused} is not among the endpoints that the setting live_allowed names{'' if patterns else ': none'}"


def _unable(each: Mapping | Call) -> str:
    if isinstance(each, Mapping) and each.transformation is not None:
        return "transformations are switched off by the setting live_transformations"
    return ""


def endpoints(each: Mapping | Call) -> list[Endpoint]:
    """The endpoints that it takes."""
    if isinstance(each, Call):
        return [each.endpoint]
    return [source.at.endpoint for source in each.sources if isinstance(source.at, ItemAt)]
