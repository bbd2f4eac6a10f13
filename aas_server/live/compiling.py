"""AIMC submodels and what they refer to become a plan. Nothing here fails: what cannot be carried out is a defect."""

import base64
import binascii
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from aas_server.live import Action, Endpoint, Item
from aas_server.live.declaring import Declaration
from aas_server.live.interfaces import Affordance, Interfaces, endpoint
from aas_server.live.ordering import checked
from aas_server.live.plan import Call, Defect, ElementAt, Guard, ItemAt, Mapping, Plan, Sink, Source
from aas_server.live.reading import AIMC, Defective, Read, World, child, meanings, place, qualifier, seconds, value
from aas_server.model import Document
from aas_server.model.identifiers import encode
from aas_server.model.paths import IdShortPath, children, text

#: An element of a submodel.
Place = tuple[str, IdShortPath]

#: Sources and sinks of one plan.
MOST = 100_000
#: What takes values of the plant.
FED = (
    "Property", "MultiLanguageProperty", "Range", "Blob", "File", "ReferenceElement", "SubmodelElementCollection",
    "SubmodelElementList",
)  # fmt: skip


def is_configuration(submodel: Document) -> bool:
    """Whether a submodel is an AIMC, of whatever version."""
    found = list(meanings(submodel))
    if any(meaning.startswith(AIMC) for meaning in found):
        return True
    return not found and submodel.get("idShort") == "AssetInterfacesMappingConfiguration"


def compiled(
    configurations: Iterable[Document], read: Read, most: int = MOST, declarations: Iterable[Declaration] = ()
) -> Plan:
    """The plan of these AIMC submodels and declarations; `read` yields the submodels that they refer to.

    Declarations go first: where two feed one element, the operator's word counts.
    """
    compiler = Compiler(World(read), most)
    for declaration in declarations:
        compiler.declare(declaration)
    for configuration in configurations:
        compiler.add(configuration)
    return compiler.plan()


class Compiler:
    """Gathers mappings, calls and defects."""

    def __init__(self, world: World, most: int = MOST) -> None:
        self._world, self._interfaces, self._left = world, Interfaces(world), most
        self.mappings: list[Mapping] = []
        self.calls: list[Call] = []
        self.defects: list[Defect] = []

    def plan(self) -> Plan:
        mappings, wrong = checked(self.mappings)
        return Plan(
            tuple(mappings), tuple(self.calls), (*self.defects, *wrong), self._world.read, self._interfaces.read
        )

    def add(self, submodel: Document) -> None:
        """One AIMC submodel. Templates that are not filled in yet have no mappings, and no defects either."""
        listed = child(submodel, "MappingConfigurations", f"{AIMC}1/0/MappingConfigurations")
        if listed is None:
            self.defects.append(Defect(submodel["id"], "it has no MappingConfigurations"))
            return
        for number, configuration in enumerate(children(listed)):
            origin = place(submodel["id"], ("MappingConfigurations", number))
            try:
                self._configuration(origin, configuration)
            except Defective as defect:
                self.defects.append(Defect(origin, str(defect)))
            except (KeyError, TypeError, ValueError, AttributeError) as error:  # the shape of what others wrote
                self.defects.append(Defect(origin, f"it is not of the form that AIMC has: {error!r}"))

    def _configuration(self, origin: str, configuration: Document) -> None:
        relations = child(configuration, "MappingSourceSinkRelations", f"{AIMC}1/0/MappingSourceSinkRelations")
        if relations is not None:
            self._relations(origin, relations)
            return
        self._mapping(origin, configuration)

    # Files

    def declare(self, declaration: Declaration) -> None:
        """One mapping of a file."""
        at = (declaration.submodel_id, declaration.path)
        try:
            self._present(*at)
            if isinstance(declaration.at, Action):
                self._operation(*at)
                self.calls.append(Call(declaration.origin, declaration.endpoint, declaration.at, *at, declared=True))
                return
            sink = self._sink("value", at, declaration.guard)
            item = replace(declaration.at, texts=self._takes_text(at))
            source = Source("value", ItemAt(declaration.endpoint, item))
            self._put(Mapping(declaration.origin, (source,), (sink,), declared=True))
        except Defective as defect:
            self.defects.append(Defect(declaration.origin, str(defect)))

    def _present(self, submodel_id: str, path: IdShortPath) -> None:
        """Raises Defective where the submodel is missing, or has no such element."""
        if self._world.at(submodel_id, path) is None:
            raise Defective(f"the submodel {submodel_id} is not here")

    # AIMC 1.0

    def _relations(self, origin: str, relations: Document) -> None:
        for number, relation in enumerate(children(relations)):
            where = f"{origin}, relation {number}"
            try:
                if not (_filled(relation["first"]) and _filled(relation["second"])):
                    continue
                self._pair(where, relation["first"], relation["second"])
            except Defective as defect:
                self.defects.append(Defect(where, str(defect)))

    def _pair(self, origin: str, first: Document, second: Document) -> None:
        source_at, sink_at = self._world.target(first), self._world.target(second)
        if self._calls(origin, [source_at], [sink_at]):
            return
        source, guard = self._source("value", source_at, None, sink_at)
        self._put(Mapping(origin, (source,), (self._sink("value", sink_at, guard),)))

    # AIMC 2.0

    def _mapping(self, origin: str, configuration: Document) -> None:
        given = {
            name: children(ends)
            for name in ("Sources", "Sinks")
            if (ends := child(configuration, name, f"{AIMC}2/0/MappingConfiguration/{name}"))
        }
        if not given:
            raise Defective("it has neither Sources and Sinks (AIMC 2.0) nor MappingSourceSinkRelations (AIMC 1.0)")
        sources, sinks = (
            [each for each in given.get(name, []) if _filled((_end(each, name[:-1]) or {}).get("value"))]
            for name in ("Sources", "Sinks")
        )
        if not sources and not sinks:
            return  # a template
        sources_at = [self._world.target((_end(each, "Source") or {}).get("value")) for each in sources]
        sinks_at = [self._world.target((_end(each, "Sink") or {}).get("value")) for each in sinks]
        if self._calls(origin, sources_at, sinks_at):
            return
        names = [_name(each, "SinkId", number) for number, each in enumerate(sinks)]
        default = seconds(value(configuration, "DefaultPollingInterval"), "DefaultPollingInterval")
        found, guards = self._sources(sources, sources_at, dict(zip(names, sinks_at, strict=True)), default)
        transformation = _script(child(configuration, "Transformation"))
        taken = tuple(self._sink(name, at, guards.get(name, Guard())) for name, at in zip(names, sinks_at, strict=True))
        _named_alike(found, taken, transformation)
        self._put(Mapping(origin, tuple(found), taken, transformation))

    def _sources(
        self, sources: list[Document], at: list[Place], sinks: dict[str, Place], default: float | None
    ) -> tuple[list[Source], dict[str, Guard]]:
        """The sources, and what guards those that are written back, by their names."""
        found: list[Source] = []
        guards: dict[str, Guard] = {}
        for number, each in enumerate(sources):
            name = _name(each, "SourceId", number)
            interval = seconds(value(each, "PollingInterval"), f"PollingInterval of source {name!r}") or default
            source, guards[name] = self._source(name, at[number], interval, sinks.get(name), qualifier(each, "server"))
            found.append(source)
        return found, guards

    def _put(self, mapping: Mapping) -> None:
        self._left -= len(mapping.sources) + len(mapping.sinks)
        if self._left < 0:
            raise Defective(f"there are more than {MOST} sources and sinks: this one is left out")
        if mapping.transformation is not None:  # what a script makes is not written back
            mapping = replace(mapping, sources=tuple(_read_only(source) for source in mapping.sources))
        self.mappings.append(mapping)

    # Ends

    def _calls(self, origin: str, sources: list[Place], sinks: list[Place]) -> bool:
        """Whether this is an action with an Operation; then it is noted."""
        actions = [at for at in sources if self._interfaces.is_action(at[1])]
        if not actions:
            return False
        if len(sources) != 1 or len(sinks) != 1:
            raise Defective("an action is mapped to one Operation, by itself")
        self._operation(*sinks[0])
        self.calls.append(Call(origin, *self._interfaces.action(*actions[0]), *sinks[0]))
        return True

    def _operation(self, submodel_id: str, path: IdShortPath) -> None:
        """Raises Defective where there is no Operation."""
        element = self._world.at(submodel_id, path)
        if element is None or element["modelType"] != "Operation":
            raise Defective(f"an action needs an Operation as its sink; {place(submodel_id, path)} is none")

    def _source(
        self,
        name: str,
        at: Place,
        polling: float | None,
        sink_at: Place | None,
        server: str = "",
    ) -> tuple[Source, Guard]:
        if server:
            return Source(name, _elsewhere(at, polling, server)), Guard()
        element = self._world.at(*at)
        if element is None:
            raise Defective(f"the source {name!r} leads to the submodel {at[0]}, which is not here")
        if not self._interfaces.affords(*at):
            return Source(name, ElementAt(*at)), Guard()
        found: Affordance = self._interfaces.property(*at, polling)
        texts = sink_at is not None and self._takes_text(sink_at)
        return Source(name, ItemAt(found.endpoint, replace(found.item, texts=texts))), found.guard

    def _takes_text(self, at: Place) -> bool:
        element = self._world.at(*at)
        return element is not None and element.get("valueType") == "xs:string"

    def _sink(self, name: str, at: Place, guard: Guard) -> Sink:
        element = self._world.at(*at)
        if element is None:
            raise Defective(f"the sink {name!r} leads to the submodel {at[0]}, which is not here")
        if element["modelType"] not in FED:
            raise Defective(f"the sink {name!r} is a {element['modelType']}, which takes no values")
        return Sink(name, *at, guard)


def _end(configuration: Document, name: str) -> Document | None:
    """The reference in a Source or Sink."""
    return child(configuration, name, f"{AIMC}2/0/MappingConfiguration/{name}/{name}")


def _filled(reference: Document | None) -> bool:
    """Whether a reference leads anywhere; in templates it is missing, or names what it is itself."""
    keys = (reference or {}).get("keys") or []
    return bool(keys) and not keys[0]["value"].startswith(AIMC)


def _name(element: Document, id_short: str, number: int) -> str:
    kind = id_short.removesuffix("Id")
    name = value(element, id_short, f"{AIMC}2/0/MappingConfiguration/{kind}/{id_short}")
    if not name:
        raise Defective(f"{kind} {number} has no {id_short}")
    return name


def _named_alike(sources: list[Source], sinks: tuple[Sink, ...], transformation: str | None) -> None:
    """Names are unique; without a transformation each sink needs the source of its name."""
    for kind, names in (("SourceId", [each.name for each in sources]), ("SinkId", [each.name for each in sinks])):
        if double := next((name for name, count in Counter(names).items() if count > 1), None):
            raise Defective(f"{kind} {double!r} stands there twice")
    if not sources or not sinks:
        raise Defective(f"it has no {'Sources' if not sources else 'Sinks'}")
    known = {source.name for source in sources}
    lonely = [sink.name for sink in sinks if sink.name not in known]
    if transformation is None and lonely:
        raise Defective(f"without a Transformation sink {lonely[0]!r} needs a source of that name")


def _script(blob: Document | None) -> str | None:
    given = (blob or {}).get("value")
    if not given:
        return None
    try:
        return base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Defective("the Transformation is no text in base64") from None


def _read_only(source: Source) -> Source:
    match source.at:
        case ItemAt(endpoint, item):
            return replace(source, at=ItemAt(endpoint, replace(item, writable=False)))
        case _:
            return source


def _elsewhere(at: Place, polling: float | None, server: str) -> ItemAt:
    """An element of another AAS server, read over its API."""
    base: Endpoint = endpoint(server, f"the source {place(*at)}")
    if base.scheme not in ("http", "https"):
        raise Defective(f"the server {server!r} of a source is no http address")
    href = f"/submodels/{encode(at[0])}/submodel-elements/{text(at[1]).replace('[', '%5B').replace(']', '%5D')}/$value"
    return ItemAt(base, Item(href, observed=False, polling=polling or 1.0))
