"""Interfaces as AID submodels describe them: from a property or action to what is at an endpoint."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from aas_server.live import Action, Endpoint, Item, Security
from aas_server.live.forms import check_method, node, operations, options, target
from aas_server.live.plan import Guard
from aas_server.live.reading import (
    AID,
    SECURITY,
    TD,
    UAV,
    Defective,
    World,
    child,
    guard,
    means,
    place,
    qualifier,
    seconds,
    value,
)
from aas_server.model import Document
from aas_server.model.paths import IdShortPath, children

#: The schemes that are carried out here. The scheme of `base` decides: published templates name wrong protocols.
SCHEMES = ("opc.tcp", "mqtt", "mqtts", "http", "https")
#: How often what does not tell by itself is asked for, in seconds, where nothing else is said.
POLLED = 1.0


@dataclass(frozen=True, slots=True)
class Affordance:
    """A property of an interface: what is there, and what guards it when it is written."""

    endpoint: Endpoint
    item: Item
    guard: Guard


class Interfaces:
    """The interfaces of all AID submodels; each endpoint is read once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._endpoints: dict[tuple[str, IdShortPath], Endpoint] = {}
        self._asked: set[str] = set()

    @property
    def read(self) -> frozenset[str]:
        """The submodels that interfaces stand in."""
        return frozenset(self._asked)

    def affords(self, submodel_id: str, path: IdShortPath) -> bool:
        """Whether a reference leads to a property or action of an interface, not to a value."""
        return "properties" in path[2:3] or "actions" in path[2:3] or self._defined(submodel_id, path)

    def _defined(self, submodel_id: str, path: IdShortPath) -> bool:
        element = self._world.at(submodel_id, path)
        return element is not None and (
            means(element, f"{AID}1/0/PropertyDefinition") or child(element, "forms", f"{TD}hasForm") is not None
        )

    def is_action(self, path: IdShortPath) -> bool:
        return path[2:3] == ("actions",)

    def property(self, submodel_id: str, path: IdShortPath, polling: float | None) -> Affordance:
        """The property at this path, `polling` being the interval that the mapping asks for. Raises Defective."""
        endpoint = self._endpoint(submodel_id, path)
        top, below = self._top(submodel_id, path)
        forms = child(top, "forms", f"{TD}hasForm")
        if forms is None:
            raise Defective(f"{place(submodel_id, path)} has no forms that say where it is")
        href = target(endpoint, forms)
        allowed = operations(forms)
        check_method(forms, "GET", *(["PUT"] if "writeproperty" in allowed else []))
        observed = _observed(endpoint, top, allowed)
        interval = seconds(_tuned(top, forms, "samplingInterval"), "samplingInterval", least=0)
        return Affordance(
            endpoint,
            Item(
                href,
                pick=tuple(_key(each) for each in below),
                observed=observed,
                polling=None if observed else polling or POLLED,
                sampling=interval if interval is not None or not observed else polling,
                publishing=seconds(_tuned(top, forms, "publishingInterval"), "publishingInterval"),
                queue=_count(_tuned(top, forms, "queueSize")),
                deadband=_number(_tuned(top, forms, "deadband")) or 0.0,
                writable="writeproperty" in allowed,
                options=options(forms),
            ),
            _guard(below[-1] if below else top, forms) if "writeproperty" in allowed else Guard(),
        )

    def action(self, submodel_id: str, path: IdShortPath) -> tuple[Endpoint, Action]:
        """The action at this path: a method, and the object that has it. Raises Defective."""
        endpoint = self._endpoint(submodel_id, path)
        forms = child(self._element(submodel_id, path), "forms", f"{TD}hasForm")
        if forms is None:
            raise Defective(f"{place(submodel_id, path)} has no forms that say where it is")
        if "invokeaction" not in operations(forms):
            raise Defective(f"{place(submodel_id, path)} is not called: its form has no op invokeaction")
        check_method(forms, "POST")
        owner = value(forms, "uav_objectId", "urn:aas-server:live:objectId")
        return endpoint, Action(target(endpoint, forms), node(owner) if owner else "")

    def _element(self, submodel_id: str, path: IdShortPath) -> Document:
        element = self._world.at(submodel_id, path)
        if element is None:
            raise Defective(f"there is no submodel {submodel_id} here")
        return element

    def _top(self, submodel_id: str, path: IdShortPath) -> tuple[Document, list[Document]]:
        """The property that has forms, and those nested in it that lead to the one at the path."""
        chain = [self._element(submodel_id, path[:end]) for end in range(4, len(path) + 1)]
        if not chain:
            raise Defective(f"{place(submodel_id, path)} is no property of an interface")
        return chain[0], [
            each for each in chain[1:] if each.get("idShort") != "properties" and not means(each, *_CONTAINERS)
        ]

    def _endpoint(self, submodel_id: str, path: IdShortPath) -> Endpoint:
        self._asked.add(submodel_id)  # a defect may be mended by a value
        key = (submodel_id, path[:1])
        if key not in self._endpoints:
            self._endpoints[key] = self._described(submodel_id, self._element(submodel_id, path[:1]))
        return self._endpoints[key]

    def _described(self, submodel_id: str, interface: Document) -> Endpoint:
        metadata = child(interface, "EndpointMetadata", f"{AID}1/0/EndpointMetadata")
        base = value(metadata, "base", f"{TD}baseURI", f"{TD}base")
        where = place(submodel_id, (interface.get("idShort", "?"),))
        if not base:
            raise Defective(f"{where} has no base in its EndpointMetadata")
        return endpoint(base, where, _security(metadata))


_RANGE, _ITEMS = f"{AID}1/0/minMaxRange", "https://www.w3.org/2019/wot/json-schema#items"
_CONTAINERS = ("https://www.w3.org/2019/wot/json-schema#properties",)


def endpoint(base: str, where: str, security: Security = Security()) -> Endpoint:  # noqa: B008 - frozen
    """An endpoint by its address. Raises Defective for one that cannot be connected to."""
    try:
        parts = urlsplit(base)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise Defective(f"the base {base!r} of {where} is no address: {error}") from None
    if parts.scheme.lower() not in SCHEMES:
        raise Defective(f"{where} speaks {parts.scheme or 'no protocol'}; here are {', '.join(SCHEMES)}")
    if not host:
        raise Defective(f"the base {base!r} of {where} names no host")
    if parts.username or parts.password:
        raise Defective(f"the base of {where} holds credentials: they belong into the settings, not into a submodel")
    shown = f"[{host}]" if ":" in host else host
    address = f"{parts.scheme.lower()}://{shown}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
    return Endpoint(address, security)


def _observed(endpoint: Endpoint, top: Document, allowed: frozenset[str]) -> bool:
    match endpoint.scheme:
        case "http" | "https":
            return False
        case "mqtt" | "mqtts":
            return True
        case _:
            return "observeproperty" in allowed or value(top, "observable", f"{TD}isObservable") in ("true", "1")


def _key(element: Document) -> str | int:
    """The member of the payload that a nested property stands for."""
    return value(element, "key", f"{AID}1/0/key") or str(element.get("idShort", ""))


def _tuned(top: Document, forms: Document, name: str) -> str:
    return qualifier(top, name) or qualifier(forms, name)


def _count(given: str) -> int:
    if given and not (given.isascii() and given.isdigit() and 0 < int(given) <= 10_000):
        raise Defective(f"queueSize is {given!r}: it must be a number from 1 to 10000")
    return int(given) if given else 1


def _number(given: str) -> float | None:
    try:
        return float(given) if given else None
    except ValueError:
        raise Defective(f"{given!r} is no number") from None


def _guard(element: Document, forms: Document) -> Guard:
    """What a written value must keep to: the ranges of the property and what is in it, and qualifiers of ours."""
    found = guard(
        *_bounds(element),
        seconds(_tuned(element, forms, "maxStaleness"), "maxStaleness", least=0.001),
        _number(_tuned(element, forms, "maxWriteRate")),
    )
    return replace(found, parts=_parts(element))


def _bounds(element: Document) -> tuple[float | None, float | None]:
    """The range of a property; of an array, that of its items where it has none itself."""
    range_ = child(element, "min_max", _RANGE) or child(child(element, "items", _ITEMS), "min_max", _RANGE) or {}
    return _number(range_.get("min") or ""), _number(range_.get("max") or "")


def _parts(element: Document) -> tuple[tuple[str, Guard], ...]:
    """What guards the fields of a structure; of an array of them, each."""
    wholes = (child(each, "properties", *_CONTAINERS) for each in (element, child(element, "items", _ITEMS)))
    fields = [field for whole in wholes if whole is not None for field in children(whole)]
    found = [(str(_key(each)), replace(guard(*_bounds(each)), parts=_parts(each))) for each in fields]
    return tuple(each for each in found if each[1] != Guard())


def _security(metadata: Document | None) -> Security:
    """The scheme that `security` refers to; several, or a combo of all, count together."""
    definitions = child(metadata, "securityDefinitions", f"{TD}definesSecurityScheme")
    chosen = child(metadata, "security", f"{TD}hasSecurityConfiguration")
    names = [name for each in children(chosen) if (name := _named(each))] if chosen else []
    return _combined(definitions, names, 0)


def _named(reference: Document) -> str:
    keys = (reference.get("value") or {}).get("keys") or [{}]
    return str(keys[-1].get("value", "")).strip()


def _combined(definitions: Document | None, names: list[str], depth: int) -> Security:
    found = Security()
    for name in names:
        scheme = child(definitions, name)
        if scheme is not None:
            found = _with(found, scheme, definitions, depth)
    return found


def _with(found: Security, scheme: Document, definitions: Document | None, depth: int) -> Security:
    """The security so far, and what one scheme adds."""
    match value(scheme, "scheme", f"{SECURITY}SecurityScheme"):
        case "auto":
            return Security(found.policy, found.mode, found.token, auto=True)
        case "ua_channelsec":
            policy = value(scheme, "uav_securityPolicy", f"{UAV}securityPolicy") or "None"
            mode = value(scheme, "uav_securityMode", f"{UAV}securityMode") or "None"
            return Security(policy.rpartition("#")[2], mode, found.token, found.auto)
        case "ua_authentication":
            token = value(scheme, "uav_userIdentityToken", f"{UAV}userIdentityToken") or "Anonymous"
            return Security(found.policy, found.mode, token, found.auto)
        case "basic" | "digest" | "bearer":
            return Security(found.policy, found.mode, "UserName", found.auto)
        case "combo" if depth < 3:
            every = child(scheme, "allOf", f"{SECURITY}allOf")
            one = child(scheme, "oneOf", f"{SECURITY}oneOf")
            names = [_named(each) for each in children(every)] if every else []
            names += [_named(each) for each in children(one)[:1]] if one else []
            return _combined(definitions, names, depth + 1)
        case _:
            return found
