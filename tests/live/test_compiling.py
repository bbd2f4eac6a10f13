"""AID and AIMC submodels as a plan, and what is wrong with them in words."""

import json
from pathlib import Path
from typing import Any

import pytest

from aas_server.aasx.reader import read
from aas_server.live import Security
from aas_server.live.allowing import check
from aas_server.live.compiling import compiled, is_configuration
from aas_server.live.plan import ElementAt, Guard, ItemAt, Plan
from tests.examples import collection, listed, prop, submodel
from tests.live.interfaces import AID, AIMC, DATA, configuration, interface, mapping, node, of, reference, text
from tests.shared import shared

BASE = "opc.tcp://plc:4840"


def plan(*documents: dict[str, Any], most: int = 100_000) -> Plan:
    known = {document["id"]: document for document in documents}
    return compiled([each for each in documents if is_configuration(each)], known.get, most)


def data(*names: str) -> dict[str, Any]:
    return submodel(DATA, *(prop(name) for name in names))


def defects(found: Plan) -> list[str]:
    return [defect.text for defect in found.defects]


def item(found: Plan) -> ItemAt:
    at = found.mappings[0].sources[0].at
    assert isinstance(at, ItemAt)
    return at


HREFS = {
    "/?id=nsu=urn:x;s=A%23B": "nsu=urn:x;s=A#B",
    "?id=ns=1;s=X": "ns=1;s=X",
    "opc.tcp://plc:4840?id=ns=10;i=5": "ns=10;i=5",
    "i=2258": "i=2258",
}


@pytest.mark.parametrize(("href", "expected"), HREFS.items())
def test_a_node_is_named_in_several_ways(href: str, expected: str) -> None:
    assert item(plan(data("A"), interface(BASE, [node("A", href)]), configuration(of("A")))).item.href == expected


def test_what_an_interface_says_of_a_property_is_kept() -> None:
    bounds = {"modelType": "Range", "idShort": "min_max", "valueType": "xs:double", "min": "0", "max": "9"}
    tuned = node("A", "i=85", writable=True, extra=[bounds])
    names = {"samplingInterval": "0.5", "publishingInterval": "0.2", "queueSize": "3", "deadband": "0.1",
             "maxStaleness": "5", "maxWriteRate": "2"}  # fmt: skip
    tuned["qualifiers"] = [{"type": name, "valueType": "xs:double", "value": given} for name, given in names.items()]
    found = plan(data("A"), interface(BASE, [tuned]), configuration(of("A")))
    at = item(found).item
    assert (at.sampling, at.publishing, at.queue, at.deadband, at.writable) == (0.5, 0.2, 3, 0.1, True)
    assert found.mappings[0].sinks[0].guard == Guard(0.0, 9.0, 5.0, 2.0)


def test_nothing_is_writable_that_does_not_say_so() -> None:
    assert not item(plan(data("A"), interface(BASE, [node("A", "i=85")]), configuration(of("A")))).item.writable


def test_a_nested_property_is_a_part() -> None:
    inner = collection("X", text("key", "x"))
    nested = node("A", "i=85", extra=[collection("properties", inner)])
    way = ("Interface", "InteractionMetadata", "properties", "A", "properties", "X")
    found = plan(
        data("A"), interface(BASE, [nested]), configuration(mapping(reference(AID, *way), reference(DATA, "A")))
    )
    assert item(found).item.pick == ("x",)


def test_security_is_that_which_the_interface_refers_to() -> None:
    whole = interface(BASE, [node("A", "i=85")])
    channel = collection(
        "channel", text("scheme", "ua_channelsec"),
        text("uav_securityMode", "SignAndEncrypt"), text("uav_securityPolicy", "Basic256Sha256"),
    )  # fmt: skip
    user = collection("user", text("scheme", "ua_authentication"), text("uav_userIdentityToken", "UserName"))
    both = collection(
        "both", text("scheme", "combo"), listed("allOf", "ReferenceElement", refer("channel"), refer("user"))
    )
    metadata = whole["submodelElements"][0]["value"][1]["value"]
    metadata += [
        listed("security", "ReferenceElement", refer("both")),
        collection("securityDefinitions", channel, user, both),
    ]
    found = plan(data("A"), whole, configuration(of("A")))
    assert item(found).endpoint.security == Security("Basic256Sha256", "SignAndEncrypt", "UserName")


def refer(name: str) -> dict[str, Any]:
    way = ("Interface", "EndpointMetadata", "securityDefinitions", name)
    return {"modelType": "ReferenceElement", "value": reference(AID, *way)}


def of_property(name: str) -> dict[str, Any]:
    return reference(AID, "Interface", "InteractionMetadata", "properties", name)


def qualified(name: str, value: str) -> dict[str, str]:
    return {"type": f"urn:aas-server:live:{name}", "valueType": "xs:string", "value": value}


WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (interface("modbus+tcp://plc:502", [node("A", "i=85")]), of("A"), "speaks modbus+tcp"),
    (interface("", [node("A", "i=85")]), of("A"), "has no base"),
    (interface("opc.tcp://me:secret@plc", [node("A", "i=85")]), of("A"), "holds credentials"),
    (interface(BASE, [node("A", "/nothing")]), of("A"), "names no node"),
    (interface(BASE, [node("A", "i=85")]), of("B", "A"), "no element at 'Interface.InteractionMetadata.properties.B'"),
    (interface(BASE, [node("A", "i=85")]), of("A", "B"), "no element at 'B' in urn:x:data"),
    (interface(BASE, [node("A", "i=85")]), mapping(reference("urn:gone", "A"), reference(DATA, "A")), "is not here"),
    (interface(BASE, [collection("A")]), of("A"), "has no forms"),
    (interface("mqtt://plc", [node("A", "/press/%23")]), of("A"), "'press/#' is no topic but a pattern"),
    (interface("mqtt://plc", [node("A", "/+/speed")]), of("A"), "'+/speed' is no topic but a pattern"),
    (
        interface(BASE, [node("A", "i=85")]),
        mapping(of_property("A"), reference(DATA, "A"), DefaultPollingInterval="1e-6"),
        "must be at least 0.01 seconds",
    ),
    (
        interface(BASE, [{**node("A", "i=85"), "qualifiers": [qualified("publishingInterval", "0.001")]}]),
        of("A"),
        "publishingInterval is 0.001: it must be at least 0.01 seconds",
    ),
    (interface(BASE, [node("A", "i=85")], [node("F", "i=86")]), of("F", "A", "actions"), "needs an Operation"),
]


@pytest.mark.parametrize(("described", "mapped", "words"), WRONG)
def test_what_cannot_be_carried_out_says_why_and_the_rest_goes_on(
    described: dict[str, Any], mapped: dict[str, Any], words: str
) -> None:
    good = mapping(reference(DATA, "C"), reference(DATA, "D"))
    found = plan(data("A", "C", "D"), described, configuration(mapped, good))
    assert len(found.mappings) == 1
    (defect,) = found.defects
    assert defect.origin == f"MappingConfigurations[0] in {AIMC}"
    assert words in defect.text
    assert "secret" not in defect.text


def test_circles_are_refused_and_what_hangs_on_them_is_not() -> None:
    pairs = [("A", "B"), ("B", "C"), ("C", "A"), ("C", "D"), ("E", "E"), ("F", "G")]
    found = plan(data(*"ABCDEFG"), configuration(*(mapping(reference(DATA, a), reference(DATA, b)) for a, b in pairs)))
    assert [sink.path for each in found.mappings for sink in each.sinks] == [("D",), ("G",)]
    assert len(defects(found)) == 4
    assert all("feeds itself" in words for words in defects(found))


def test_an_element_has_one_source() -> None:
    pairs = [("A", "C"), ("B", "C")]
    found = plan(
        data("A", "B", "C"), configuration(*(mapping(reference(DATA, a), reference(DATA, b)) for a, b in pairs))
    )
    assert [each.sources[0].at for each in found.mappings] == [ElementAt(DATA, ("A",))]
    assert defects(found) == [f"C in {DATA} is fed by MappingConfigurations[0] in {AIMC} already"]


def test_there_is_an_end_to_what_is_compiled() -> None:
    names = [f"V{number}" for number in range(5)]
    described = interface(BASE, [node(name, "i=85") for name in names])
    found = plan(data(*names), described, configuration(*map(of, names)), most=6)
    assert len(found.mappings) == 3
    assert [("more than" in words) for words in defects(found)] == [True, True]


def test_ten_thousand_mappings_are_compiled() -> None:
    names = [f"V{number}" for number in range(10_000)]
    described = interface(BASE, [node(name, f"ns=1;s={name}") for name in names])
    found = plan(data(*names), described, configuration(*map(of, names)))
    assert (len(found.mappings), defects(found)) == (10_000, [])


def templates() -> list[Path]:
    folder = shared("corpus/idta-templates")
    return sorted([*folder.glob("Asset Interfaces*/**/*.json"), *folder.glob("Asset Interfaces*/**/*.aasx")])


def published(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as file:
        if path.suffix == ".json":
            documents: list[dict[str, Any]] = json.load(file)["submodels"]
            return documents
        return [document for _, document in read(file).documents]


def test_published_templates_compile() -> None:
    seen = 0
    for path in templates():
        submodels = [each for each in published(path) if each["modelType"] == "Submodel"]
        found = plan(*submodels)
        seen += sum(map(is_configuration, submodels))
        assert all(defect.text for defect in found.defects), path.name
        if "Mapping" in path.name or "AIMC" in path.name:
            assert (found.mappings, found.defects) == ((), ()), path.name  # nothing in them is filled in
    assert seen >= 5


def test_the_published_opc_ua_interface_is_one_though_it_says_mqtt() -> None:
    path = next(each for each in templates() if each.name.startswith("IDTA 02017-1-1") and each.suffix == ".json")
    aid = json.loads(path.read_text(encoding="utf-8"))["submodels"][0]
    opcua = next(each for each in aid["submodelElements"] if each["idShort"] == "InterfaceTemplateForOPCUA")
    fill(opcua, "base", BASE)
    fill(opcua, "href", "/?id=ns=1;s=V")
    way = ("InterfaceTemplateForOPCUA", "InteractionMetadata", "properties", "property_name")
    found = plan(data("A"), aid, configuration(mapping(reference(aid["id"], *way), reference(DATA, "A"))))
    assert (defects(found), item(found).endpoint.base, item(found).item.href) == ([], BASE, "ns=1;s=V")


def fill(element: dict[str, Any], name: str, value: str) -> None:
    for each in element.get("value") or ():
        if each.get("idShort") == name:
            each["value"] = value
        elif isinstance(each.get("value"), list):
            fill(each, name, value)


#: A base and a target for each kind of interface that a published AID has, and what is wrong with it.
KINDS = {
    "HTTP": ("http://plc:80", "/state", ""),
    "IOLINK": ("http://master:80", "/iolink/v1/gateway/identification", ""),
    "MQTT": ("mqtt://broker:1883", "/press/speed", ""),
    "OPCUA": (BASE, "/?id=ns=1;s=V", ""),
    "MODBUS": ("modbus+tcp://plc:502", "/1/40001", "modbus+tcp"),
    "BACNET": ("bacnet://plc", "/1,1/85", "bacnet"),
}


def test_every_interface_of_the_published_aids_compiles_once_it_is_filled_in() -> None:
    seen = []
    for path in (each for each in templates() if each.name.startswith("IDTA 02017") and each.suffix == ".json"):
        for number, empty in enumerate(
            json.loads(path.read_text(encoding="utf-8"))["submodels"][0]["submodelElements"]
        ):
            kind = next(kind for kind in KINDS if kind in empty["idShort"].upper())
            base, href, wrong = KINDS[kind]
            aid = json.loads(path.read_text(encoding="utf-8"))["submodels"][0]
            chosen = aid["submodelElements"][number]
            fill(chosen, "base", base)
            fill(chosen, "href", href)
            way = (chosen["idShort"], "InteractionMetadata", "properties", "property_name")
            found = plan(data("A"), aid, configuration(mapping(reference(aid["id"], *way), reference(DATA, "A"))))
            said = " ".join(defects(found))
            assert (wrong in said) if wrong else (said, item(found).endpoint.base) == ("", base), (
                path.name,
                kind,
                said,
            )
            assert bool(said) == bool(wrong)
            seen.append(kind)
    assert seen.count("OPCUA") == 1
    assert seen.count("HTTP") == seen.count("MQTT") == seen.count("MODBUS") == 3


def test_thousands_of_circles_are_found_as_soon_as_a_few() -> None:
    names = [f"E{number}" for number in range(3_000)]
    themselves = [mapping(reference(DATA, name), reference(DATA, name)) for name in names[:2_000]]
    around = [
        mapping(reference(DATA, name), reference(DATA, names[2_000 + (at + 1) % 1_000]))
        for at, name in enumerate(names[2_000:])
    ]
    found = plan(data(*names), configuration(*themselves, *around))
    assert (len(found.mappings), len(found.defects)) == (0, 3_000)
    assert {"it feeds itself" in text for text in defects(found)} == {True}


@pytest.mark.parametrize("pattern", ["192.168.*", "10.1.2.3/8", "opc.tcp://", "opc.tcp:///x"])
def test_patterns_that_mean_something_else_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"network|no host"):
        check([pattern])


MISSPELT = {
    "opc.tcp//x": "has no colon before its slashes",
    "opc.tpc://x": "begins with none of opc.tcp://, mqtt://",
    "300.1.1.1": "is no network and no address",
    "opc.tcp://10.1.2:4840": "is no network and no address",
    "plc-1:48400000": "'48400000' is no port",
    "opc.tcp:plc-1": "'plc-1' is no port",
}


@pytest.mark.parametrize(("pattern", "words"), MISSPELT.items())
def test_patterns_that_match_nothing_are_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check([pattern])


def test_patterns_that_match_something_are_not_refused() -> None:
    check(
        [
            "*",
            "plc-1",
            "opc.tcp://plc-1:4840/UA",
            "10.0.0.0/8",
            "[::1]:4840",
            "::1",
            "fe80::/10",
            "MQTTS://*.c",
            "1.2.3.4",
        ]
    )


def test_of_more_than_a_hundred_thousand_items_the_rest_is_left_out_and_said() -> None:
    names = [f"E{number}" for number in range(50_010)]
    described = interface(BASE, [node("Speed", "/?id=ns=1;s=Speed")])
    found = plan(data(*names), described, configuration(*(of("Speed", name) for name in names)))
    assert (len(found.mappings), len(found.defects)) == (50_000, 10)
    assert "more than 100000" in found.defects[0].text
