"""XML ↔ JSON: what one says, the other says."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_server.model import Document, xml
from aas_server.model.errors import Invalid, Malformed, TooLarge, Unsupported

NAMESPACE = "https://admin-shell.io/aas/3/1"


def submodel(*elements: Document) -> Document:
    return {"modelType": "Submodel", "id": "urn:x:1", "submodelElements": list(elements)}


def inside(content: str, namespace: str = NAMESPACE) -> bytes:
    return f'<submodel xmlns="{namespace}"><id>urn:x:1</id>{content}</submodel>'.encode()


def test_an_environment_reads_as_its_json() -> None:
    text = f'<environment xmlns="{NAMESPACE}"><submodels><submodel><id> a b </id></submodel></submodels></environment>'
    assert xml.read(text.encode()) == {"submodels": [{"id": " a b ", "modelType": "Submodel"}]}


@pytest.mark.parametrize(
    "value", ["1.0E3", "007", "24:00:00", "0", "false", "", "  two  ", "a\r\nb\tc", "<&>\"'", "\r"]
)
def test_a_value_is_its_text(value: str) -> None:
    qualifier = {"type": "q", "valueType": "xs:string", "value": value}
    prop = {
        "modelType": "Property",
        "idShort": "p",
        "valueType": "xs:string",
        "value": value,
        "qualifiers": [qualifier],
    }
    assert xml.read(xml.write(submodel(prop))) == submodel(prop)


def test_order_and_empty_lists_survive() -> None:
    keys = [{"type": "Submodel", "value": f"urn:{n}"} for n in (3, 1, 2, 1)]
    shell = {
        "modelType": "AssetAdministrationShell",
        "id": "urn:x:1",
        "assetInformation": {
            "assetKind": "Instance",
            "specificAssetIds": [{"name": n, "value": n} for n in ("z", "a", "z", "a")],
        },
        "submodels": [{"type": "ModelReference", "keys": [key]} for key in keys],
        "description": [],
    }
    assert xml.read(xml.write(shell)) == shell


@pytest.mark.parametrize("value", ["", "QUJD", "QUI=", "AAAA" * 1000])
def test_a_blob_is_its_base64(value: str) -> None:
    blob = {"modelType": "Blob", "idShort": "b", "value": value, "contentType": "text/plain"}
    variable = {"value": {**blob, "idShort": "v"}}
    operation = {"modelType": "Operation", "idShort": "o", "inputVariables": [variable]}
    assert xml.read(xml.write(submodel(blob, operation))) == submodel(blob, operation)


def test_base64_reads_as_it_is_spelled() -> None:
    text = inside("<submodelElements><blob><idShort>b</idShort><value>QU\nJD !</value></blob></submodelElements>")
    assert xml.read(text)["submodelElements"][0]["value"] == "QU\nJD !"


def test_no_base64_is_not_written() -> None:
    with pytest.raises(Invalid, match=r"submodelElements\[0\].value: is no base64"):
        xml.write(submodel({"modelType": "Blob", "idShort": "b", "value": "QUJ="}))


def test_a_class_without_model_type_is_named_by_its_root_and_by_the_caller() -> None:
    reference = {"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": "urn:x"}]}
    assert xml.read(xml.write(reference, "Reference")) == reference
    with pytest.raises(Invalid, match="'Nonsense' is no class"):
        xml.write(reference, "Nonsense")


def test_the_namespace_of_3_0_is_read_and_that_of_3_1_is_written() -> None:
    document = xml.read(inside("<idShort>s</idShort>", "https://admin-shell.io/aas/3/0"))
    assert document == {"modelType": "Submodel", "id": "urn:x:1", "idShort": "s"}
    assert NAMESPACE.encode() in xml.write(document)


def test_attributes_comments_and_instructions_are_ignored() -> None:
    root = f'<a:submodel xmlns:a="{NAMESPACE}" xmlns:xsi="urn:xsi" xsi:schemaLocation="x y">'
    text = f"""<?xml version="1.0"?><!-- a -->{root}
      <?here is?><a:id lang="de">ur<!-- b -->n:<![CDATA[<1>]]></a:id></a:submodel>"""
    assert xml.read(text.encode()) == {"modelType": "Submodel", "id": "urn:<1>"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_other_encodings_are_read(encoding: str) -> None:
    name = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{name}"?><submodel xmlns="{NAMESPACE}"><id>Größe</id></submodel>'
    assert xml.read(text.encode(encoding))["id"] == "Größe"


@pytest.mark.parametrize(
    ("namespace", "version"),
    [
        ("http://www.admin-shell.io/aas/1/0", "V1.0"),
        ("http://www.admin-shell.io/aas/2/0", "V2.0"),
        ("http://www.admin-shell.io/aas/3/0", "V3.0 RC"),
    ],
)
def test_older_metamodels_are_refused_by_name(namespace: str, version: str) -> None:
    with pytest.raises(Unsupported, match=f"line 1: <submodel> is of metamodel {version} "):
        xml.read(inside("", namespace))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n\n<idShort>a</idShort><idShort>b</idShort>", r"line 3: <idShort> stands here a second time"),
        ("\n<nonsense/>", r"line 2: submodel/nonsense: .*unexpected tag: 'nonsense'"),
        ("loose text", r"line 1: submodel/id: .*'loose text'"),
        ("<kind>Robot</kind>", r"submodel/kind: .*Robot"),
        ("\n<submodelElements><property/></submodelElements>", r"line 2: .*'valueType' is missing"),
        ("<idShort>a<b/></idShort>", r"expected .*3/1|Expected the end element"),
        ("<x:idShort xmlns:x='urn:y'>a</x:idShort>", r"<idShort> is in namespace 'urn:y', expected https"),
        ("<idShort xmlns=''>a</idShort>", r"<idShort> is in no namespace"),
        ("<idShort>a", r"line 1: no well-formed XML: Opening and ending tag mismatch"),
        ("&nbsp;", r"line 1: no well-formed XML: Entity 'nbsp' not defined"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_place(content: str, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        xml.read(inside(content))


BOMB = "".join(
    f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n else "ha"}{"&l" + str(n - 1) + ";" if n else ""}">'
    for n in range(40)
)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE submodel>",
        '<!DOCTYPE submodel SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE submodel [<!ENTITY l39 SYSTEM "file:///etc/passwd">]>',
        f"<!DOCTYPE submodel [{BOMB}]>",
    ],
    ids=["empty", "external", "file", "bomb"],
)
def test_a_doctype_is_refused(doctype: str) -> None:
    body = "<id>&l39;</id>" if "l39" in doctype else "<id>x</id>"
    with pytest.raises(Malformed, match=r"DOCTYPE|entity nesting"):
        xml.read(f'{doctype}<submodel xmlns="{NAMESPACE}">{body}</submodel>'.encode())


def nested(depth: int) -> str:
    return (
        "<submodelElements>"
        + "<submodelElementCollection><value>" * depth
        + "</value></submodelElementCollection>" * depth
        + "</submodelElements>"
    )


def test_a_hundred_containers_are_read_and_written_and_no_more() -> None:
    document = xml.read(inside(nested(100)))
    assert xml.read(xml.write(document)) == document
    with pytest.raises(TooLarge, match="more than 100 deep"):
        xml.read(inside(nested(101)))
    with pytest.raises((TooLarge, Malformed)):
        xml.read(inside(nested(10_000)))


@pytest.mark.parametrize("markup", [b"<b/>", b"<b a=''/>"])
def test_markup_is_counted_before_it_takes_memory(markup: bytes) -> None:
    with pytest.raises(TooLarge, match="at most 2500000 are read"):
        xml.read(b"<a>" + markup * xml.MAX_MARKUP + b"</a>")


def test_what_xml_cannot_hold_is_said_with_its_path() -> None:
    prop = {"modelType": "Property", "idShort": "p", "valueType": "xs:string", "value": "a\x00"}
    with pytest.raises(Invalid, match=r"submodelElements\[0\].value: XML cannot hold the character U\+0000"):
        xml.write(submodel(prop))


def test_what_the_metamodel_does_not_know_is_not_written_silently() -> None:
    with pytest.raises(Invalid, match="Unexpected property: colour"):
        xml.write(submodel({"modelType": "Capability", "idShort": "c", "colour": "red"}))


# XML characters (production 2), with those that escape, fold or vanish in careless code made likely.
TEXTS = st.text(
    st.sampled_from("\r\n\t <>&'\"]\x85\u2028")
    | st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=4))
def test_reading_undoes_writing(value: str, texts: list[tuple[str, str]]) -> None:
    languages: list[dict[str, Any]] = [{"language": language, "text": text} for language, text in texts]
    element = {"modelType": "MultiLanguageProperty", "idShort": "m", "value": languages}
    prop = {"modelType": "Property", "idShort": "p", "valueType": "xs:string", "value": value}
    assert xml.read(xml.write(submodel(element, prop))) == submodel(element, prop)


@settings(max_examples=200, deadline=None)
@given(st.binary() | st.text().map(lambda content: inside(content)))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    try:
        xml.read(text)
    except (Malformed, TooLarge, Unsupported):
        return
