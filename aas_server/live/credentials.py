"""Who we are to the plant: names, passwords, certificates by endpoint. Kept in a file of the operator, never shown."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from aas_server.live import Endpoint


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an endpoint is told of us. Certificates and keys are paths of files, `ca` is that of who vouches for it.

    `plain` lets the password go to an OPC UA server where anybody on the way could read it.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    certificate: str = ""
    key: str = ""
    ca: str = ""
    plain: bool = False

    @property
    def kind(self) -> str:
        """The kind of OPC UA token that they make."""
        return "Certificate" if self.certificate else "UserName" if self.user else "Anonymous"


NOBODY = Credentials()
#: What may stand in a table, as people look for it.
KEYS = ("user", "password", "password_file", "password_env", "token", "token_file", "token_env", "certificate", "key",
        "ca", "plain")  # fmt: skip


def from_toml(path: Path) -> Mapping[str, Credentials]:
    """Credentials by the base of their endpoint: a table each, `["opc.tcp://plc:4840"]`, with the fields above.

    `password_file` and `password_env` (and `token_…`) say where the secret is. Raises ValueError, which shows none.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {type(error).__name__}") from None
    return {base.rstrip("/"): _read(path, base, table) for base, table in given.items()}


def _read(path: Path, base: str, table: object) -> Credentials:
    if not isinstance(table, dict):
        raise ValueError(f'{path}: credentials of an endpoint are a table: ["{base}"]')  # noqa: TRY004 - of a file
    texts = dict(table)
    plain = texts.pop("plain", False)
    if not isinstance(plain, bool):
        raise ValueError(f"{path}: {base}: plain is true or false")  # noqa: TRY004 - of a file
    return Credentials(plain=plain, **_texts(path, base, texts))


def _texts(path: Path, base: str, table: Mapping[str, object]) -> dict[str, str]:
    known = {each.name for each in fields(Credentials)} - {"plain"}
    found: dict[str, str] = {}
    for name, given in table.items():
        what, _, where = name.partition("_")
        if what not in known or where not in ("", "file", "env"):
            raise ValueError(f"{path}: {base}: {name} is none of {', '.join(KEYS)}")
        if not isinstance(given, str):
            raise ValueError(f"{path}: {base}: {name} must be a text, in quotation marks")  # noqa: TRY004 - of a file
        found[what] = _secret(path, base, name, given, where)
    return found


def _secret(path: Path, base: str, name: str, given: str, where: str) -> str:
    match where:
        case "file":
            try:
                return (path.parent / given).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise ValueError(f"{path}: {base}: the file that {name} names cannot be read") from None
        case "env":
            if given not in os.environ:
                raise ValueError(f"{path}: {base}: the variable that {name} names is not set")
            return os.environ[given]
        case _:
            return given


def of(endpoint: Endpoint, known: Mapping[str, Credentials]) -> Credentials:
    """Those of an endpoint; of one without a path, those of its host and port."""
    scheme, _, rest = endpoint.base.partition("://")
    return known.get(endpoint.base) or known.get(f"{scheme}://{rest.partition('/')[0]}") or NOBODY
