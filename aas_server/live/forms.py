"""Forms of properties and actions: where they lead, what they let be done, and how."""

from urllib.parse import unquote, urlsplit

from aas_server.live import Endpoint
from aas_server.live.reading import HTTP, HYPERMEDIA, MQTT, UAV, Defective, child, value
from aas_server.model import Document
from aas_server.model.paths import children

#: What the text of a NodeId begins with.
NODES = ("ns=", "nsu=", "svr=", "i=", "s=", "g=", "b=")


def target(endpoint: Endpoint, forms: Document) -> str:
    """Where at the endpoint a form leads to, in the protocol's own words. Raises Defective."""
    href = value(forms, "href", f"{HYPERMEDIA}hasTarget")
    match endpoint.scheme:
        case "opc.tcp":
            browse_path = value(forms, "uav_browsePath", f"{UAV}browsePath")
            text = node(href)
            if not text and not browse_path:
                raise Defective(f"the href {href!r} names no node: it is like /?id=nsu=urn:x;s=Speed")
            return text or f"path:{browse_path}"
        case "mqtt" | "mqtts":
            given = unquote(urlsplit(href).path if "://" in href else href)
            return topic(given[2:] if given.startswith(".//") else given.removeprefix("/"))
        case _:
            if "://" in href and not href.startswith(endpoint.base):
                raise Defective(f"the href {href!r} leads away from {endpoint.base}")
            return "/" + href.removeprefix(endpoint.base).lstrip("/")


def topic(text: str) -> str:
    """A topic as it is. Raises Defective for none, and for a filter: a message goes by its own topic, not by that."""
    if not text:
        raise Defective("the href names no topic")
    if "#" in text or "+" in text:
        raise Defective(f"{text!r} is no topic but a pattern for several: each topic is a property of its own")
    return text


def node(href: str) -> str:
    """The text of a NodeId in a href of AID or OPC 10101, or by itself.

    >>> node("/?id=nsu=urn:x;s=A%23B"), node("opc.tcp://h:4840?id=ns=1;s=X"), node("i=85"), node("/x")
    ('nsu=urn:x;s=A#B', 'ns=1;s=X', 'i=85', '')
    """
    _, found, given = href.partition("id=") if "?id=" in href or "&id=" in href else ("", "id=", href)
    given = unquote(given)
    return given if found and given.startswith(NODES) else ""


def operations(forms: Document) -> frozenset[str]:
    """What may be done (WoT `op`): a text, several with blanks or commas, or a list."""
    found = child(forms, "op", f"{HYPERMEDIA}hasOperationType")
    if found is None:
        return frozenset()
    given = (
        [found.get("value")] if isinstance(found.get("value"), str) else [each.get("value") for each in children(found)]
    )
    return frozenset(word for text in given if isinstance(text, str) for word in text.replace(",", " ").split())


def options(forms: Document) -> tuple[tuple[str, str], ...]:
    known = {
        "qos": value(forms, "mqv_qos", f"{MQTT}hasQoSFlag"),
        "retain": value(forms, "mqv_retain", f"{MQTT}hasRetainFlag"),
    }
    return tuple((name, given) for name, given in known.items() if given)


def check_method(forms: Document, *known: str) -> None:
    """Raises Defective where a form asks for an HTTP method that is not used for it: what reads must change nothing."""
    given = value(forms, "htv_methodName", f"{HTTP}methodName")
    if given and given.upper() not in known:
        raise Defective(f"htv_methodName is {given!r}; properties are read with GET, written with PUT, actions POSTed")
