"""Identifiers and semantic ids as IRIs: one for each thing and each concept, however it is spelled."""

import re
from functools import lru_cache
from urllib.parse import quote

from aas_server.graph.terms import ID
from aas_server.model.identifiers import encode
from aas_server.model.paths import IdShortPath, text

#: What RFC 3987 lets into all parts of an IRI; private use, which only fits in queries, is left out.
_PLAIN = (
    r"A-Za-z0-9._~!$&'()*+,;=\-\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef"
    + "".join(f"\\U000{plane:x}0000-\\U000{plane:x}fffd" for plane in range(1, 14))
    + r"\U000e1000-\U000efffd"
)
_CODED = "%[0-9A-Fa-f]{2}"
_REST = rf"(?:[{_PLAIN}:@/?]|{_CODED})*"
#: User, host and port; an address in brackets is left out.
_AUTHORITY = rf"//(?:(?:[{_PLAIN}:]|{_CODED})*@)?(?:[{_PLAIN}]|{_CODED})*(?::\d*)?(?=[/?#]|\Z)"
_IRI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:(?:{_AUTHORITY}|(?!//)){_REST}(?:#{_REST})?\Z", re.ASCII)
_MISFIT = re.compile(rf"%(?![0-9A-Fa-f]{{2}})|[^%{_PLAIN}:@/?#]")
#: ECLASS: 0173-1#02-AAO677#004, and the same with -, *** or %23 for #, alone, in a URN or in a URL.
_ECLASS = re.compile(r"0173-1(?:#|-|\*{3}|%23)(\d\d)-([A-Z0-9]{6})(?:(?:#|-|%23)(\d{3}))?(?![A-Z0-9])")
#: IEC CDD: 0112/2///61987#ABA565#009, and the same percent-encoded.
_CDD = re.compile(r"0112(?:/|%2F)2(?:/|%2F){3}([0-9_-]+)(?:#|%23)([A-Z0-9]{6})(?:(?:#|%23)(\d{3}))?(?![A-Z0-9])", re.I)
#: The version within an identifier of IDTA: /1/0, /1/0/1.
_VERSION = re.compile(r"(?<=[A-Za-z])/\d+/\d+(?:/\d+)?(?=/|#|\Z)")

ECLASS, IRDI = "https://api.eclass-cdp.com/", "urn:irdi:"


def valid(identifier: str) -> bool:
    """Whether it is an absolute IRI as it stands."""
    return _IRI.match(identifier) is not None


def iri(identifier: str) -> str:
    """The IRI of what has this id: the id itself where it is one.

    >>> iri("https://example.com/a"), iri("0173-1#02-AAO677#004"), iri("plain id")
    ('https://example.com/a', 'urn:irdi:0173-1%2302-AAO677%23004', 'urn:aas-server:graph:id:plain%20id')
    """
    if valid(identifier):
        return identifier
    return (IRDI if _ECLASS.match(identifier) or _CDD.match(identifier) else ID) + quote(identifier, safe="")


@lru_cache(maxsize=1 << 16)
def concepts(meaning: str) -> tuple[str, ...]:
    """The concepts that a semantic id names, each in its one spelling; composites name several.

    >>> concepts(" urn:irdi:0173-1%2302-AAO677%23004")
    ('https://api.eclass-cdp.com/0173-1-02-AAO677-004',)
    >>> concepts("0112/2///61987#ABA565#009")
    ('urn:irdi:0112%2F2%2F%2F%2F61987%23ABA565%23009',)
    >>> concepts("0173-1#02-ABK161#002/0173-1#01-AHX838#002")
    ('https://api.eclass-cdp.com/0173-1-02-ABK161-002', 'https://api.eclass-cdp.com/0173-1-01-AHX838-002')
    >>> concepts("https://admin-shell.io/idta/prop/areaid/1/0 ")
    ('https://admin-shell.io/idta/prop/areaid/1/0',)
    """
    if found := [_eclass(match) for match in _ECLASS.finditer(meaning)]:
        return tuple(dict.fromkeys(found))
    if found := [_cdd(match) for match in _CDD.finditer(meaning)]:
        return tuple(dict.fromkeys(found))
    known = meaning.strip()
    if not known:
        return ()
    mended = _MISFIT.sub(lambda match: quote(match[0], safe=""), known)
    return (mended if valid(mended) else iri(known),)


def _eclass(match: re.Match[str]) -> str:
    group, code, version = match.groups()
    return f"{ECLASS}0173-1-{group}-{code}" + (f"-{version}" if version else "")


def _cdd(match: re.Match[str]) -> str:
    domain, code, version = match.groups()
    return IRDI + quote(f"0112/2///{domain}#{code.upper()}" + (f"#{version}" if version else ""), safe="")


@lru_cache(maxsize=1 << 16)
def broader(concept: str) -> str | None:
    """The same concept whatever its version; None where it says none.

    >>> broader("https://api.eclass-cdp.com/0173-1-02-AAO677-004")
    'https://api.eclass-cdp.com/0173-1-02-AAO677'
    >>> broader("https://admin-shell.io/idta/nameplate/3/0/Nameplate")
    'https://admin-shell.io/idta/nameplate/Nameplate'
    >>> broader("urn:x:y")
    """
    if concept.startswith(ECLASS):
        found = re.sub(r"-\d{3}\Z", "", concept)
    elif concept.startswith(IRDI):
        found = re.sub(r"%23\d{3}\Z", "", concept)
    elif concept.startswith("https://admin-shell.io/"):
        found = _VERSION.sub("", concept)
    else:
        return None
    return found if found != concept else None


class Places:
    """The API URLs of things: the IRIs of elements, and the names of graphs. `root` has no slash at its end."""

    def __init__(self, root: str) -> None:
        self.root = root

    def shell(self, identifier: str) -> str:
        return f"{self.root}/shells/{encode(identifier)}"

    def submodel(self, identifier: str) -> str:
        return f"{self.root}/submodels/{encode(identifier)}"

    def concept(self, identifier: str) -> str:
        return f"{self.root}/concept-descriptions/{encode(identifier)}"

    def element(self, submodel_id: str, path: IdShortPath) -> str:
        """
        >>> Places("http://h").element("urn:x", ("Motors", 0, "Speed"))
        'http://h/submodels/dXJuOng/submodel-elements/Motors%5B0%5D.Speed'
        """
        return f"{self.submodel(submodel_id)}/submodel-elements/{quote(text(path), safe='.-_~')}"
