"""The classes, attributes and enumerations of Part 1 V3.1.2, Part 3a V3.1 and Part 2 V3.1.2 as one table.

An attribute is written `name Type`, `name! Type` where it is required, `name Type*` where it is a list of one or more
and `name Type**` where the list may be empty. `<` names the abstract classes whose attributes come first. Names are
those of the JSON serialisation.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a class: its type is another class, an enumeration or a primitive of this table."""

    name: str
    type: str
    required: bool = False
    many: bool = False
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Primitive:
    """A text with bounds on its length and, where the standard gives one, a pattern."""

    shortest: int = 1
    longest: int | None = None
    pattern: str | None = None


_ABSTRACT: Final = {
    "HasExtensions": "extensions Extension*",
    "HasDataSpecification": "embeddedDataSpecifications EmbeddedDataSpecification*",
    "HasKind": "kind ModellingKind",
    "HasSemantics": "semanticId Reference, supplementalSemanticIds Reference*",
    "Qualifiable": "qualifiers Qualifier*",
    "Referable": "< HasExtensions, category NameType, idShort IdShort, displayName LangStringNameType*, "
    "description LangStringTextType*",
    "Identifiable": "< Referable, administration AdministrativeInformation, id! Identifier",
    "SubmodelElement": "< Referable, < HasSemantics, < Qualifiable, < HasDataSpecification",
    "DataElement": "< SubmodelElement",
    "EventElement": "< SubmodelElement",
    # Part 2; in its OpenAPI the two lists of texts have no least number of items.
    "Descriptor": "< HasExtensions, administration AdministrativeInformation, description LangStringTextType**, "
    "displayName LangStringNameType**, idShort IdShort, id! Identifier",
}

#: What a submodel is made of, in the order of the alphabet.
_ELEMENTS: Final = {
    "AnnotatedRelationshipElement": "< RelationshipElement, annotations DataElement*",
    "BasicEventElement": "< EventElement, observed! Reference, direction! Direction, state! StateOfEvent, "
    "messageTopic MessageTopicType, messageBroker Reference, lastUpdate DateTimeUtc, minInterval Duration, "
    "maxInterval Duration",
    "Blob": "< DataElement, value BlobType, contentType ContentType",
    "Capability": "< SubmodelElement",
    "Entity": "< SubmodelElement, statements SubmodelElement*, entityType EntityType, globalAssetId Identifier, "
    "specificAssetIds SpecificAssetId*",
    "File": "< DataElement, value PathType, contentType ContentType",
    "MultiLanguageProperty": "< DataElement, value LangStringTextType*, valueId Reference",
    "Operation": "< SubmodelElement, inputVariables OperationVariable*, outputVariables OperationVariable*, "
    "inoutputVariables OperationVariable*",
    "Property": "< DataElement, valueType! DataTypeDefXsd, value ValueDataType, valueId Reference",
    "Range": "< DataElement, valueType! DataTypeDefXsd, min ValueDataType, max ValueDataType",
    "ReferenceElement": "< DataElement, value Reference",
    "RelationshipElement": "< SubmodelElement, first Reference, second Reference",
    "SubmodelElementCollection": "< SubmodelElement, value SubmodelElement*",
    "SubmodelElementList": "< SubmodelElement, orderRelevant Boolean, semanticIdListElement Reference, "
    "typeValueListElement! AasSubmodelElements, valueTypeListElement DataTypeDefXsd, value SubmodelElement*",
}

_IDENTIFIABLES: Final = {
    "AssetAdministrationShell": "< Identifiable, < HasDataSpecification, derivedFrom Reference, "
    "assetInformation! AssetInformation, submodels Reference*",
    "Submodel": "< Identifiable, < HasKind, < HasSemantics, < Qualifiable, < HasDataSpecification, "
    "submodelElements SubmodelElement*",
    "ConceptDescription": "< Identifiable, < HasDataSpecification, isCaseOf Reference*",
}

_OTHERS: Final = {
    "AdministrativeInformation": "< HasDataSpecification, version VersionType, revision VersionType, "
    "creator Reference, templateId Identifier",
    "AssetInformation": "assetKind! AssetKind, globalAssetId Identifier, specificAssetIds SpecificAssetId*, "
    "assetType Identifier, defaultThumbnail Resource",
    "DataSpecificationIec61360": "preferredName! LangStringPreferredNameTypeIec61360*, "
    "shortName LangStringShortNameTypeIec61360*, unit Text, unitId Reference, sourceOfDefinition Text, symbol Text, "
    "dataType DataTypeIec61360, definition LangStringDefinitionTypeIec61360*, valueFormat Text, valueList ValueList, "
    "value ValueTypeIec61360, levelType LevelType",
    "EmbeddedDataSpecification": "dataSpecification! Reference, dataSpecificationContent! DataSpecificationContent",
    "Environment": "assetAdministrationShells AssetAdministrationShell*, submodels Submodel*, "
    "conceptDescriptions ConceptDescription*",
    "EventPayload": "source! Reference, sourceSemanticId Reference, observableReference! Reference, "
    "observableSemanticId Reference, topic MessageTopicType, subjectId Reference, timeStamp! DateTimeUtc, "
    "payload BlobType",
    "Extension": "< HasSemantics, name! NameType, valueType DataTypeDefXsd, value ValueDataType, refersTo Reference*",
    "Key": "type! KeyTypes, value! Identifier",
    "LangStringDefinitionTypeIec61360": "language! Language, text! Text1023",
    "LangStringNameType": "language! Language, text! NameType",
    "LangStringPreferredNameTypeIec61360": "language! Language, text! Text255",
    "LangStringShortNameTypeIec61360": "language! Language, text! Text18",
    "LangStringTextType": "language! Language, text! Text1023",
    "LevelType": "min! Boolean, nom! Boolean, typ! Boolean, max! Boolean",
    "OperationVariable": "value! SubmodelElement",
    "Qualifier": "< HasSemantics, kind QualifierKind, type! NameType, valueType! DataTypeDefXsd, value ValueDataType, "
    "valueId Reference",
    "Reference": "type! ReferenceTypes, referredSemanticId Reference, keys! Key*",
    "Resource": "path! PathType, contentType ContentType",
    "SpecificAssetId": "< HasSemantics, name! LabelType, value! Identifier, externalSubjectId Reference",
    "ValueList": "valueReferencePairs! ValueReferencePair*",
    "ValueReferencePair": "value! ValueTypeIec61360, valueId Reference",
}

#: What Part 2 adds for registries and discovery, with the attribute names of its OpenAPI.
_REGISTERED: Final = {
    "AssetAdministrationShellDescriptor": "< Descriptor, assetKind AssetKind, assetType Identifier, "
    "endpoints Endpoint*, globalAssetId Identifier, specificAssetIds SpecificAssetId**, "
    "submodelDescriptors SubmodelDescriptor**",
    "SubmodelDescriptor": "< Descriptor, < HasSemantics, endpoints! Endpoint*",
    "Endpoint": "interface! NameType, protocolInformation! ProtocolInformation",
    "ProtocolInformation": "href! LocatorType, endpointProtocol NameType, endpointProtocolVersion NameType**, "
    "subprotocol NameType, subprotocolBody LocatorType, subprotocolBodyEncoding NameType, "
    "securityAttributes SecurityAttributeObject*",
    "SecurityAttributeObject": "type! SecurityTypeEnum, key! AnyText, value! AnyText",
    "AssetLink": "name! LabelType, value! Identifier",
}

#: The classes of Part 2: no part of the metamodel, without modelType and without XML.
REGISTERED: Final = frozenset(_REGISTERED)
IDENTIFIABLES: Final = frozenset(_IDENTIFIABLES)
SUBMODEL_ELEMENTS: Final = frozenset(_ELEMENTS)
DATA_ELEMENTS: Final = tuple(name for name, attributes in _ELEMENTS.items() if attributes.startswith("< DataElement"))

#: The concrete classes behind a type that does not say which; modelType says it.
CHOICES: Final = {
    "SubmodelElement": tuple(_ELEMENTS),
    "DataElement": DATA_ELEMENTS,
    "EventElement": ("BasicEventElement",),
    "DataSpecificationContent": ("DataSpecificationIec61360",),
}

#: Classes whose instances name themselves by modelType.
MODEL_TYPES: Final = (*_IDENTIFIABLES, *_ELEMENTS, "DataSpecificationIec61360")

_SOURCE: Final = {**_ABSTRACT, **_IDENTIFIABLES, **_ELEMENTS, **_OTHERS, **_REGISTERED}


def _bases(name: str) -> list[str]:
    return [part.removeprefix("< ") for part in _SOURCE[name].split(", ") if part.startswith("< ")]


def ancestors(name: str) -> list[str]:
    """The class itself and every class it inherits from.

    >>> ancestors("Property")
    ['Property', 'DataElement', 'SubmodelElement', 'Referable', 'HasExtensions', 'HasSemantics', 'Qualifiable', \
'HasDataSpecification']
    """
    return [name, *(each for base in _bases(name) for each in ancestors(base))]


def own_names(name: str) -> list[str]:
    """The names of the attributes that a class, abstract or not, defines itself.

    >>> own_names("HasSemantics"), own_names("DataElement")
    (['semanticId', 'supplementalSemanticIds'], [])
    """
    return [_attribute(part).name for part in _SOURCE[name].split(", ") if not part.startswith("< ")]


def _attribute(text: str) -> Attribute:
    name, kind = text.split(" ")
    many, may_be_empty = kind.endswith("*"), kind.endswith("**")
    return Attribute(name.removesuffix("!"), kind.rstrip("*"), name.endswith("!"), many, may_be_empty)


def _attributes(name: str) -> tuple[Attribute, ...]:
    own = [_attribute(part) for part in _SOURCE[name].split(", ") if not part.startswith("< ")]
    return (*(each for base in _bases(name) for each in _attributes(base)), *own)


#: Every concrete class with all its attributes, inherited ones first; modelType is not among them.
CLASSES: Final = {name: _attributes(name) for name in (*_IDENTIFIABLES, *_ELEMENTS, *_OTHERS, *_REGISTERED)}

_INTEGERS: Final = (
    "xs:byte xs:int xs:integer xs:long xs:negativeInteger xs:nonNegativeInteger xs:nonPositiveInteger "
    "xs:positiveInteger xs:short xs:unsignedByte xs:unsignedInt xs:unsignedLong xs:unsignedShort"
)

ENUMERATIONS: Final = {
    name: tuple(literals.split())
    for name, literals in {
        "AasSubmodelElements": " ".join(_ELEMENTS) + " DataElement EventElement SubmodelElement",
        "AssetKind": "Instance NotApplicable Role Type",
        "DataTypeDefXsd": "xs:anyURI xs:base64Binary xs:boolean xs:date xs:dateTime xs:decimal xs:double xs:duration "
        f"xs:float xs:gDay xs:gMonth xs:gMonthDay xs:gYear xs:gYearMonth xs:hexBinary xs:string xs:time {_INTEGERS}",
        "DataTypeIec61360": "BLOB BOOLEAN DATE FILE HTML INTEGER_COUNT INTEGER_CURRENCY INTEGER_MEASURE IRDI IRI "
        "RATIONAL RATIONAL_MEASURE REAL_COUNT REAL_CURRENCY REAL_MEASURE STRING STRING_TRANSLATABLE TIME TIMESTAMP",
        "Direction": "input output",
        "EntityType": "CoManagedEntity SelfManagedEntity",
        "KeyTypes": " ".join((*_IDENTIFIABLES, *_ELEMENTS))
        + " DataElement EventElement FragmentReference GlobalReference Identifiable Referable SubmodelElement",
        "ModellingKind": "Instance Template",
        "QualifierKind": "ConceptQualifier TemplateQualifier ValueQualifier",
        "ReferenceTypes": "ExternalReference ModelReference",
        "SecurityTypeEnum": "NONE RFC_TLSA W3C_DID",
        "StateOfEvent": "off on",
    }.items()
}

#: Logical enumerations of key types (Part 1, 'Referencing'): which key may stand where.
AAS_IDENTIFIABLES: Final = IDENTIFIABLES | {"Identifiable"}
AAS_SUBMODEL_ELEMENTS: Final = frozenset(ENUMERATIONS["AasSubmodelElements"])
AAS_REFERABLES: Final = AAS_IDENTIFIABLES | AAS_SUBMODEL_ELEMENTS | {"Referable"}
GENERIC_GLOBALLY_IDENTIFIABLES: Final = frozenset({"GlobalReference"})
GENERIC_FRAGMENT_KEYS: Final = frozenset({"FragmentReference"})
GLOBALLY_IDENTIFIABLES: Final = AAS_IDENTIFIABLES | GENERIC_GLOBALLY_IDENTIFIABLES
FRAGMENT_KEYS: Final = AAS_SUBMODEL_ELEMENTS | GENERIC_FRAGMENT_KEYS

#: AASd-130: the characters of XML 1.0.
XML_TEXT: Final = "^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*$"

# RFC 5646, section 2.1; the standard adds nothing and takes nothing away.
_LANGTAG: Final = (
    "([a-zA-Z]{2,3}(-[a-zA-Z]{3}){0,3}|[a-zA-Z]{4,8})(-[a-zA-Z]{4})?(-([a-zA-Z]{2}|[0-9]{3}))?"
    "(-([a-zA-Z0-9]{5,8}|[0-9][a-zA-Z0-9]{3}))*(-[0-9A-WY-Za-wy-z](-[a-zA-Z0-9]{2,8})+)*(-[xX](-[a-zA-Z0-9]{1,8})+)?"
)
_GRANDFATHERED: Final = (
    "en-GB-oed|i-(ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)|sgn-(BE-FR|BE-NL|CH-DE)|"
    "art-lojban|cel-gaulish|no-(bok|nyn)|zh-(guoyu|hakka|min|min-nan|xiang)"
)

# RFC 7231, section 3.1.1.1 (media-type) with the quoted-string of RFC 7230, section 3.2.6.
_WORD: Final = r"[!#$%&'*+\-.^_`|~0-9a-zA-Z]+"
_QUOTED: Final = '"([\t !#-\\[\\]-~\u0080-\u00ff]|\\\\[\t !-~\u0080-\u00ff])*"'
_MEDIA_TYPE: Final = rf"^{_WORD}/{_WORD}([ \t]*;[ \t]*{_WORD}=({_WORD}|{_QUOTED}))*$"

# XML Schema 1.0 Part 2, 3.2.7 with the time zone of UTC, and 3.2.6.
_DATE_TIME_UTC: Final = (
    r"^-?([1-9][0-9]{3,}|0[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?|24:00:00(\.0+)?)(Z|[+\-]00:00)$"
)
_CLOCK: Final = r"T([0-9]+H([0-9]+M)?([0-9]+(\.[0-9]+)?S)?|[0-9]+M([0-9]+(\.[0-9]+)?S)?|[0-9]+(\.[0-9]+)?S)"
_DURATION: Final = rf"^-?P(([0-9]+Y([0-9]+M)?([0-9]+D)?|[0-9]+M([0-9]+D)?|[0-9]+D)({_CLOCK})?|{_CLOCK})$"

PRIMITIVES: Final = {
    "AnyText": Primitive(0),
    "BlobType": Primitive(0),
    "ContentType": Primitive(1, 128, _MEDIA_TYPE),
    "DateTimeUtc": Primitive(1, None, _DATE_TIME_UTC),
    "Duration": Primitive(1, None, _DURATION),
    # AASd-002 of 3.1 or of 3.0, which knows idShorts of one letter; conformance/deviations.toml, one-letter-id-short.
    "IdShort": Primitive(1, 128, "^[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?$"),
    "Identifier": Primitive(1, 2048),
    "LabelType": Primitive(1, 64),
    "LocatorType": Primitive(1, 2048),
    "Language": Primitive(1, None, f"^({_LANGTAG}|[xX](-[a-zA-Z0-9]{{1,8}})+|{_GRANDFATHERED})$"),
    "MessageTopicType": Primitive(1, 255),
    "NameType": Primitive(1, 128),
    "PathType": Primitive(1, 2048),
    "Text": Primitive(1),
    "Text18": Primitive(1, 18),
    "Text255": Primitive(1, 255),
    "Text1023": Primitive(1, 1023),
    "ValueDataType": Primitive(0),
    "ValueTypeIec61360": Primitive(1, 2048),
    "VersionType": Primitive(1, 4, "^(0|[1-9][0-9]*)$"),
}
