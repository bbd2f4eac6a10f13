"""XML ↔ JSON: the XML mapping of Part 1 V3.1 to and from documents, exactly. The bridge is aas-core.

What stands between lxml and aas-core is what aas-core does not do: the namespace of V3.0 is read too (its elements are
a subset of V3.1), attributes such as `xsi:schemaLocation`, comments and processing instructions are ignored, an
element that stands twice is refused instead of overwritten, base64 keeps its spelling, and DTDs are refused.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from aas_core3_1 import jsonization, types, xmlization
from lxml import etree

from aas_server.model import Document, Json
from aas_server.model.errors import Finding, Invalid, Malformed, TooLarge, Unsupported

NAMESPACE = xmlization.NAMESPACE

#: Containers inside one another; Part 1 sets no limit, a stack does.
MAX_DEPTH = 100

#: Tags and attributes in one text: each costs memory, however short it is written. The largest published environment
#: (2.6 MB) has 80,000.
MAX_MARKUP = 2_500_000

_READ = {f"{{{NAMESPACE}}}", "{https://admin-shell.io/aas/3/0}"}
_REFUSED = {
    "{http://www.admin-shell.io/aas/1/0}": "V1.0",
    "{http://www.admin-shell.io/aas/2/0}": "V2.0",
    "{http://www.admin-shell.io/aas/3/0}": "V3.0 RC",
}

#: The elements below which elements lie deeper, and those that may stand more than once side by side: list items are
#: named by their class, attributes by themselves, and the two sets of names are disjoint.
_CONTAINERS = {
    "submodelElementCollection",
    "submodelElementList",
    "entity",
    "annotatedRelationshipElement",
    "operation",
}
_ITEMS = _CONTAINERS | {
    *("assetAdministrationShell", "submodel", "conceptDescription", "reference", "key", "specificAssetId", "extension"),
    *("qualifier", "embeddedDataSpecification", "valueReferencePair", "operationVariable", "relationshipElement"),
    *("property", "multiLanguageProperty", "range", "referenceElement", "blob", "file", "basicEventElement"),
    *("capability", "langStringNameType", "langStringTextType", "langStringPreferredNameTypeIec61360"),
    *("langStringShortNameTypeIec61360", "langStringDefinitionTypeIec61360"),
}

_CLASSES = {
    name.lower() for name, kind in vars(types).items() if isinstance(kind, type) and issubclass(kind, types.Class)
}

#: Outside Char of XML 1.0, production 2: no escape makes them writable.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def read(text: bytes) -> Document:
    """The document in an XML text: an Environment, or the instance of the class that the root element names.

    Raises Malformed with line and place, TooLarge where it nests too deep or has too many tags, and Unsupported for
    the namespaces of V1, V2 and the release candidate of V3.
    """
    root = parse(text)
    try:
        document = jsonization.to_jsonable(xmlization.from_iterparse(_events(root)))
    except xmlization.DeserializationException as error:
        raise Malformed(_place(error)) from None
    except RecursionError:
        raise TooLarge("the XML nests too deep to be read") from None
    assert isinstance(document, dict)  # noqa: S101 - to_jsonable of a class is an object
    for blob in _blobs(document):
        blob["value"] = base64.b64decode(blob["value"])[1:].decode()
    return document


def write(document: Document, model_type: str | None = None) -> bytes:
    """The XML text, UTF-8, valid against AAS.xsd where the document is valid. Without modelType: an Environment.

    `model_type` names the class of documents that carry none, such as Reference. Raises Invalid where the document
    holds what XML or the metamodel has no place for.
    """
    for blob in _blobs(document):
        _check_base64(document, blob)
    try:
        text = xmlization.to_str(_instance(document, model_type or str(document.get("modelType", "Environment"))))
    except jsonization.DeserializationException as error:
        raise Invalid([Finding(str(error.path).removeprefix("."), error.cause)]) from None
    except RecursionError:
        raise TooLarge("the document nests too deep to be written as XML") from None
    if wrong := _NO_XML.search(text):
        raise Invalid([_unwritable(document, wrong[0])])
    # A bare carriage return would come back as a line feed (XML 1.0, 2.11).
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.replace("\r", "&#13;").encode()


class _Node:
    """An element as aas-core wants to see it: without attributes, and in the namespace of V3.1."""

    __slots__ = ("below", "line", "name", "tag", "tail", "text")
    attrib: Mapping[str, str] = MappingProxyType({})

    def __init__(self, name: str, element: etree._Element) -> None:
        self.name = name
        self.tag = f"{{{NAMESPACE}}}{name}"
        self.text: str | None = element.text
        self.tail: str | None = element.tail
        self.line = element.sourceline
        self.below: set[str] = set()  # the names of the attributes seen inside

    def clear(self) -> None:
        """Nothing to free: nodes live as long as they are read."""


def parse(text: bytes) -> etree._Element:
    """The root of any XML text, without its comments and processing instructions.

    Raises Malformed where it is not well-formed or has a DTD, TooLarge where it is more markup than memory should hold.
    """
    if (markup := text.count(b"<") + (text.count(b'"') + text.count(b"'")) // 2) > MAX_MARKUP:
        raise TooLarge(f"the XML has {markup} tags and attributes; at most {MAX_MARKUP} are read")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        cause = str(error.msg).rpartition(", line")[0]
        raise Malformed(f"line {error.lineno}: no well-formed XML: {cause}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Malformed("the XML has a DOCTYPE, which is not read: its entities could name files or grow without end")
    return root


def _events(root: etree._Element) -> Iterator[tuple[str, _Node]]:
    """Start and end of every element, in document order."""
    names: dict[str, str] = {}
    above: list[_Node] = []
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            node = above.pop()
            if node.name in _CONTAINERS:
                depth -= 1
            yield event, node
            continue
        tag = element.tag
        node = _Node(names.get(tag) or _name(names, element), element)
        if above:
            _enter(node, above[-1])
        if node.name in _CONTAINERS and (depth := depth + 1) > MAX_DEPTH:
            raise TooLarge(f"line {node.line}: elements nest more than {MAX_DEPTH} deep")
        above.append(node)
        yield event, node


def _enter(node: _Node, parent: _Node) -> None:
    """What aas-core would get wrong about an element in its parent."""
    name = node.name
    if name not in _ITEMS:
        if name in parent.below:
            raise Malformed(f"line {node.line}: <{name}> stands here a second time")
        parent.below.add(name)
    if name == "value" and parent.name == "blob":
        # aas-core takes no empty base64 and drops letters that are none: it gets the text wrapped, `read` unwraps it.
        node.text = base64.b64encode(f".{node.text or ''}".encode()).decode()


def _name(names: dict[str, str], element: etree._Element) -> str:
    """The tag without its namespace, kept in `names` for the next of its kind."""
    namespace, brace, name = element.tag.rpartition("}")
    namespace += brace
    if namespace in _REFUSED:
        raise Unsupported(
            f"line {element.sourceline}: <{name}> is of metamodel {_REFUSED[namespace]} (namespace {namespace[1:-1]}); "
            "V3.0 and V3.1 are read"
        )
    if namespace not in _READ:
        where = f"namespace {namespace[1:-1]!r}" if namespace else "no namespace"
        raise Malformed(f"line {element.sourceline}: <{name}> is in {where}, expected {NAMESPACE}")
    names[element.tag] = name
    return name


def _place(error: xmlization.DeserializationException) -> str:
    """Line, path and cause in one sentence; the path counts list items as `*[2]`, as XPath would from zero."""
    elements = [segment.element for segment in error.path.segments]
    line = f"line {elements[-1].line}: " if elements and isinstance(elements[-1], _Node) else ""
    return f"{line}{error.path}: {error.cause.replace(f'{{{NAMESPACE}}}', '')}"


def _instance(document: Document, model_type: str) -> types.Class:
    if model_type.lower() not in _CLASSES:
        raise Invalid([Finding("modelType", f"{model_type!r} is no class of the metamodel")])
    snake = re.sub("(?<=[a-z])(?=[A-Z]|61360)", "_", model_type).lower()
    instance: types.Class = getattr(jsonization, f"{snake}_from_jsonable")(document)
    return instance


def _walk(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Everything below with its JSON path."""
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if isinstance(value, dict):
            waiting += [(f"{path}.{name}" if path else name, below) for name, below in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}[{index}]", below) for index, below in enumerate(value)]


def _blobs(document: Document) -> Iterator[Document]:
    """Every Blob with a value, wherever it stands."""
    waiting: list[Json] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [below for below in value.values() if isinstance(below, dict | list)]
            if value.get("modelType") == "Blob" and "value" in value:
                yield value


def _check_base64(document: Document, blob: Document) -> None:
    """XSD and aas-core know base64 by its canonical letters; spaces may stand between them and are not written."""
    bare = "".join(str(blob["value"]).split())
    try:
        if base64.b64encode(base64.b64decode(bare, validate=True)).decode() == bare:
            return
    except ValueError:
        pass
    path = next(path for path, value in _walk(document) if value is blob)
    raise Invalid([Finding(f"{path}.value".removeprefix("."), "is no base64", "RFC 4648, section 4")])


def _unwritable(document: Document, character: str) -> Finding:
    path = next(path for path, value in _walk(document) if isinstance(value, str) and character in value)
    return Finding(path, f"XML cannot hold the character U+{ord(character):04X}", "XML 1.0, production 2")
