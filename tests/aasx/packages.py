"""Packages made by hand, so that each defect can be put in."""

import hashlib
import io
import zipfile
from collections.abc import Mapping

from aas_server.aasx.package import Package

RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
AASX = "http://admin-shell.io/aasx/relationships"
THUMBNAIL = f"{RELS}/metadata/thumbnail"

TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="text/xml"/><Default Extension="json" ContentType="application/json"/>
<Default Extension="pdf" ContentType="application/pdf"/><Default Extension="png" ContentType="image/png"/>
<Override PartName="/aasx/aasx-origin" ContentType="text/plain"/></Types>"""

SHELL = """<assetAdministrationShells><assetAdministrationShell><id>urn:shell</id><assetInformation>
<assetKind>Instance</assetKind></assetInformation></assetAdministrationShell></assetAdministrationShells>"""

FILE = """<submodels><submodel><id>urn:submodel</id><submodelElements><file><idShort>Manual</idShort>
<value>{}</value><contentType>application/pdf</contentType></file></submodelElements></submodel></submodels>"""


def environment(content: str = SHELL, namespace: str = "https://admin-shell.io/aas/3/1") -> str:
    return f'<environment xmlns="{namespace}">{content}</environment>'


def rels(*leads: tuple[str, str], attributes: str = 'Id="r{}"') -> str:
    lines = [
        f'<Relationship Type="{kind}" Target="{target}" {attributes.format(number)}/>'
        for number, (kind, target) in enumerate(leads)
    ]
    return f'<Relationships xmlns="{RELS}">{"".join(lines)}</Relationships>'


def members(specification: str | bytes | None = None, **others: str | bytes | None) -> dict[str, str | bytes]:
    """A sound package of one XML environment; others replace members by name, None removes one."""
    sound: dict[str, str | bytes | None] = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": rels((f"{AASX}/aasx-origin", "/aasx/aasx-origin")),
        "aasx/aasx-origin": "Intentionally empty.",
        "aasx/_rels/aasx-origin.rels": rels((f"{AASX}/aas-spec", "/aasx/data.xml")),
        "aasx/data.xml": environment() if specification is None else specification,
    }
    return {name: content for name, content in {**sound, **others}.items() if content is not None}


def zipped(content: Mapping[str, str | bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in content.items():
            archive.writestr(name, member)
    out.seek(0)
    return out


def checksums(package: Package) -> dict[str, str]:
    return {name: hashlib.sha256(b"".join(part.chunks())).hexdigest() for name, part in package.parts.items()}
