"""Packages as the field writes them: read, and what was odd is said."""

import io

import pytest

from aas_server.aasx import reader
from aas_server.aasx.package import Limits, Owner, Package
from aas_server.model import Kind
from aas_server.model.errors import Malformed, TooLarge, Unsupported
from tests.aasx import packages
from tests.aasx.packages import AASX, FILE, SHELL, environment, members, rels, zipped

ORIGIN = (f"{AASX}/aasx-origin", "/aasx/aasx-origin")
SPEC = (f"{AASX}/aas-spec", "/aasx/data.xml")
SHELL_DOCUMENT = {
    "modelType": "AssetAdministrationShell",
    "id": "urn:shell",
    "assetInformation": {"assetKind": "Instance"},
}
FILE_OWNER = Owner(Kind.SUBMODEL, "urn:submodel", "/aasx/files/manual.pdf")


def read(specification: str | bytes | None = None, **others: str | bytes | None) -> Package:
    return reader.read(zipped(members(specification, **others)))


def said(package: Package) -> list[str]:
    return [str(finding) for finding in package.findings]


def test_a_sound_package_has_no_findings() -> None:
    package = read()
    assert package.documents == [("/aasx/data.xml", SHELL_DOCUMENT)]
    assert package.environment == {"assetAdministrationShells": [SHELL_DOCUMENT]}
    assert (package.parts, package.findings) == ({}, [])


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbf {"assetAdministrationShells": [{"modelType": "AssetAdministrationShell", "id": "urn:shell", '
        b'"assetInformation": {"assetKind": "Instance"}}]}',
        b'{"modelType": "AssetAdministrationShell", "id": "urn:shell", "assetInformation": {"assetKind": "Instance"}}',
        environment().encode(),
        b"\xef\xbb\xbf" + environment(namespace="https://admin-shell.io/aas/3/0").encode(),
        environment().encode("utf-16"),
    ],
    ids=["json", "json of one shell", "xml", "xml of 3.0", "utf-16"],
)
def test_environments_come_without_a_package_too(content: bytes) -> None:
    package = reader.read(io.BytesIO(content))
    assert package.documents == [("", SHELL_DOCUMENT)]


def test_json_parts_are_read() -> None:
    text = b'{"submodels": [{"modelType": "Submodel", "id": "urn:submodel"}]}'
    origin = rels((f"{AASX}/aas-spec", "json/content.json"))
    package = read(**{"aasx/data.xml": None, "aasx/json/content.json": text, "aasx/_rels/aasx-origin.rels": origin})
    assert package.documents == [("/aasx/json/content.json", {"modelType": "Submodel", "id": "urn:submodel"})]
    assert package.findings == []


def test_a_file_belongs_to_the_documents_that_name_it() -> None:
    package = read(environment(FILE.format("/aasx/files/manual.pdf")), **{"aasx/files/manual.pdf": b"%PDF"})
    part = package.parts["/aasx/files/manual.pdf"]
    assert (part.size, part.content_type, part.thumbnail, part.owners) == (4, "application/pdf", False, (FILE_OWNER,))
    assert [b"".join(part.chunks()) for _ in range(2)] == [b"%PDF", b"%PDF"]
    assert package.findings == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("aasx/files/data sheet.pdf", "/aasx/files/data%20sheet.pdf"),
        ("aasx/files/data%20sheet.pdf", "/aasx/files/data sheet.pdf"),
        ("aasx/files/Gr%C3%B6%C3%9Fe.pdf", "/aasx/files/Größe.pdf"),
        ("aasx/Files/Manual.PDF", "/aasx/files/manual.pdf"),
        ("aasx/files/a#1.pdf", "/aasx/files/a#1.pdf"),
        ("aasx/files/manual.pdf", "file:///aasx/files/manual.pdf"),
        ("aasx/files/manual.pdf", "aasx/files/manual.pdf"),
        ("aasx/files/manual.pdf", "files/manual.pdf"),
        ("aasx/files/manual.pdf", "./x/../files/manual.pdf"),
    ],
)
def test_names_meet_however_they_are_spelled(member: str, value: str) -> None:
    package = read(environment(FILE.format(value)), **{member: b"%PDF"})
    [part] = package.parts.values()
    assert part.owners == (Owner(Kind.SUBMODEL, "urn:submodel", value),)
    assert package.findings == []


def test_thumbnails_are_known_by_relationship_and_by_shell() -> None:
    shell = SHELL.replace(
        "</assetInformation>", "<defaultThumbnail><path>/b.png</path></defaultThumbnail></assetInformation>"
    )
    pictures: dict[str, str | bytes | None] = {"a.png": b"a", "b.png": b"b", "c.png": b"c"}
    pictures["_rels/.rels"] = rels(ORIGIN, (packages.THUMBNAIL, "/a.png"))
    package = read(environment(shell), **pictures)
    assert {name: part.thumbnail for name, part in package.parts.items()} == {
        "/a.png": True,
        "/b.png": True,
        "/c.png": False,
    }
    assert {part.owners[0].identifier for part in package.parts.values()} == {"urn:shell"}


def test_a_submodel_and_a_concept_may_share_an_id() -> None:
    both = """<submodels><submodel><id>urn:x</id></submodel></submodels>
    <conceptDescriptions><conceptDescription><id>urn:x</id></conceptDescription></conceptDescriptions>"""
    package = read(environment(both))
    assert [document["modelType"] for _, document in package.documents] == ["Submodel", "ConceptDescription"]
    assert package.findings == []


ODD = {
    "www relationship types": (
        {"_rels/.rels": rels(ORIGIN).replace("http://admin", "http://www.admin")},
        "/_rels/.rels: relationship type http://www.admin-shell.io/aasx/relationships/aasx-origin; "
        "read as http://admin-shell.io/aasx/relationships/aasx-origin",
    ),
    "external target inside": (
        {"aasx/_rels/aasx-origin.rels": rels(SPEC, attributes='Id="r" TargetMode="External"')},
        "/aasx/_rels/aasx-origin.rels: TargetMode External on /aasx/data.xml, which is in the package; "
        "read as internal",
    ),
    "no Id": (
        {"aasx/_rels/aasx-origin.rels": rels(SPEC, attributes="")},
        "/aasx/_rels/aasx-origin.rels: the relationship to /aasx/data.xml has no Id; read all the same",
    ),
    "missing supplementary file": (
        {"aasx/_rels/data.xml.rels": rels((f"{AASX}/aas-suppl", "/aasx/files/gone.pdf"))},
        "/aasx/_rels/data.xml.rels: leads to /aasx/files/gone.pdf, which is not in the package; left out",
    ),
    "missing thumbnail": (
        {"_rels/.rels": rels(ORIGIN, (packages.THUMBNAIL, "/gone.png"))},
        "/_rels/.rels: leads to /gone.png, which is not in the package; left out",
    ),
    "missing origin part": (
        {"aasx/aasx-origin": None},
        "/aasx/aasx-origin: the origin is missing; its relationships are read all the same",
    ),
    "no origin": (
        {"_rels/.rels": None, "aasx/aasx-origin": None, "aasx/_rels/aasx-origin.rels": None},
        "/aasx/data.xml: no relationship aasx-origin leads to it; read as an environment, which it is",
    ),
    "origin that leads nowhere": (
        {"aasx/_rels/aasx-origin.rels": rels()},
        "/aasx/data.xml: no relationship aas-spec leads to it; read as an environment, which it is",
    ),
    "odd content type": (
        {"[Content_Types].xml": packages.TYPES.replace("text/xml", "text/plain")},
        "/aasx/data.xml: content type text/plain, but it is XML; read as XML",
    ),
    "no content types": (
        {"[Content_Types].xml": None},
        "/[Content_Types].xml: missing; content types are taken from File elements",
    ),
    "file nobody names": (
        {"aasx/files/stray.pdf": b"%PDF"},
        "/aasx/files/stray.pdf: no document names this file; kept with AssetAdministrationShell 'urn:shell'",
    ),
    "useless content type of a file": (
        {"[Content_Types].xml": packages.TYPES.replace("application/pdf", "pdf"), "stray.pdf": b"%PDF"},
        "/stray.pdf: its content type is 'pdf'; not used",
    ),
    "signature": (
        {
            "_rels/.rels": rels(ORIGIN, (f"{packages.RELS}/digital-signature/origin", "/sign.psdsor")),
            "sign.psdsor": b"",
        },
        "/_rels/.rels: the package is signed; the signature is not checked",
    ),
}


@pytest.mark.parametrize(("odd", "finding"), ODD.values(), ids=ODD)
def test_what_is_odd_is_read_and_said(odd: dict[str, str | bytes | None], finding: str) -> None:
    package = read(**odd)
    assert package.environment == {"assetAdministrationShells": [SHELL_DOCUMENT]}
    assert finding in said(package)


def test_a_missing_file_is_said_with_the_document_that_names_it() -> None:
    package = read(environment(FILE.format("/aasx/files/gone.pdf")))
    assert said(package) == [
        "/aasx/data.xml: Submodel 'urn:submodel' names the file '/aasx/files/gone.pdf', which is not in the package; "
        "the name stays"
    ]


def test_a_url_is_no_file_of_the_package() -> None:
    package = read(environment(FILE.format("https://example.org/manual.pdf")))
    assert (package.parts, package.findings) == ({}, [])


def test_split_parts_are_read_after_the_part_they_were_split_from() -> None:
    package = read(
        **{
            "aasx/_rels/data.xml.rels": rels((f"{AASX}/aas-spec-split", "more.xml")),
            "aasx/more.xml": environment("<submodels><submodel><id>urn:submodel</id></submodel></submodels>"),
        }
    )
    assert [(part, document["id"]) for part, document in package.documents] == [
        ("/aasx/data.xml", "urn:shell"),
        ("/aasx/more.xml", "urn:submodel"),
    ]
    assert package.findings == []


@pytest.mark.parametrize(
    ("second", "how"), [("", "the same once more"), ("<idShort>b</idShort>", "another with the same id, and different")]
)
def test_of_two_with_one_id_the_first_is_kept(second: str, how: str) -> None:
    two = f"<submodels><submodel><id>urn:x</id></submodel><submodel>{second}<id>urn:x</id></submodel></submodels>"
    package = read(environment(two))
    assert package.environment == {"submodels": [{"modelType": "Submodel", "id": "urn:x"}]}
    assert said(package) == [f"/aasx/data.xml: Submodel 'urn:x' stands here again, {how}; the first is kept"]


V2 = '<aasenv xmlns="http://www.admin-shell.io/aas/2/0"/>'


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        (V2, "/aasx/data.xml: line 1: <aasenv> is of metamodel V2.0"),
        (environment(namespace="http://www.admin-shell.io/aas/3/0"), "/aasx/data.xml: .* metamodel V3.0 RC"),
        ('{"assets": [], "submodels": []}', "/aasx/data.xml: .* metamodel V1 or V2"),
        ('{"submodels": [{"id": "x", "modelType": {"name": "Submodel"}}]}', r"/aasx/data.xml: submodels\[0\]: .*V2"),
    ],
)
def test_older_metamodels_are_refused_by_name(specification: str, message: str) -> None:
    with pytest.raises(Unsupported, match=message):
        read(specification)
    with pytest.raises(Unsupported, match=message):
        read(specification, **{"_rels/.rels": None})


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("<environment", "/aasx/data.xml: line 1: no well-formed XML"),
        (environment("<nonsense/>"), "/aasx/data.xml: line 1: environment/nonsense"),
        ("[1, 2]", "/aasx/data.xml: an environment is an object"),
        ('{"submodel": []}', "/aasx/data.xml: an environment has no 'submodel'"),
        ('{"submodels": {}}', "/aasx/data.xml: submodels is no list"),
        ('{"submodels": [{"modelType": "Submodel"}]}', r"/aasx/data.xml: submodels\[0\]: no object with an id"),
        ('{"submodels": [{"id": "x", "modelType": "Robot"}]}', r"submodels\[0\]: modelType is 'Robot', expected"),
    ],
)
def test_a_broken_environment_is_refused_with_its_part(specification: str, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        read(specification)


def test_a_package_without_any_environment_is_refused() -> None:
    with pytest.raises(Malformed, match="no part of it is an environment"):
        read("<html/>", **{"_rels/.rels": None})


def test_bodies_beyond_the_limits_are_refused_before_they_are_read() -> None:
    with pytest.raises(TooLarge, match="at most 10 are read"):
        reader.read(io.BytesIO(b"{" + b" " * 20), Limits(body=10))
    with pytest.raises(TooLarge, match="at most 10 are parsed"):
        reader.read(io.BytesIO(b"{" + b" " * 20), Limits(specification=10))
