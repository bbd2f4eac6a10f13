"""Settings: one table, a default and a sentence each; options, environment, TOML file and docs are made from it."""

import dataclasses
import ipaddress
import logging
import logging.config
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aas_server.api.versions import MOUNTS

PREFIX = "AAS_SERVER_"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMS = ("text", "json")

#: An address without query, fragment or credentials.
ADDRESS = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?\Z").match

BROKER = re.compile(r"mqtts?://[^/?#@\s]+/?\Z").match
TOPIC = re.compile(r"[^#+\0]{1,200}\Z").match

REGISTRY = re.compile(r"https?://([^/?#@\s]+@)?[^/?#@\s]+(/[^?#\s]*)?\Z").match

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: What a TOML value must be, by the type of the default.
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", tuple: "a list of texts"}


def _setting(
    default: Any, sentence: str, least: int = 0, most: int | None = None, choices: tuple[str, ...] = ()
) -> Any:
    metadata = {"sentence": sentence, "least": least, "most": most, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """How one server runs. Sizes are in bytes, times in seconds. Raises ValueError for a value that cannot be."""

    host: str = _setting("127.0.0.1", "Address to listen on; 0.0.0.0 for every interface.")
    port: int = _setting(8080, "Port to listen on; 0 takes a free one and prints it.", most=65535)
    store: str = _setting("sqlite:///aas.db", "Where documents are kept: sqlite:///FILE, or sqlite:///:memory:.")
    load: tuple[str, ...] = _setting((), "Packages, environments or folders of them to import at start.")
    shell: str = _setting("", "Id of the shell that is also served by itself, at /aas; empty for none.")
    submodel: str = _setting("", "Id of the submodel that is also served by itself, at /submodel; empty for none.")
    examples: bool = _setting(False, "Import the example shells that ship with the server.")
    plant: bool = _setting(False, "Run the conveyor that the example shells are connected to, in a process of its own.")
    strict: bool = _setting(False, "Refuse imported files that violate a constraint, instead of reporting it.")
    fast_path: bool = _setting(True, "Answer hot reads before the router; the answers are the same.")
    cache_size: int = _setting(256 << 20, "Memory for documents and finished answers; 0 keeps none.")
    max_document: int = _setting(16 << 20, "Largest body of a document that is read.")
    max_upload: int = _setting(2 << 30, "Largest uploaded file that is read.")
    max_expanded: int = _setting(4 << 30, "Largest total size of the parts of an uploaded package.")
    max_page: int = _setting(1000, "Most items on one page, whatever the limit asked for.", least=1)
    default_page: int = _setting(100, "Items on one page when no limit is asked for.", least=1)
    operations: tuple[str, ...] = _setting((), "Python functions that carry out Operations, as module:name.")
    operation_timeout: float = _setting(60.0, "How long an Operation may take, whatever its caller asks for.")
    delegation_allowed: tuple[str, ...] = _setting(
        (), "Servers that Operations may be delegated to: host names (* for any part), addresses, networks."
    )
    keep_results: float = _setting(
        3600.0, "How long the outcome of something asynchronous can be asked for: bulk requests, operations."
    )
    live_allowed: tuple[str, ...] = _setting(
        (), "Endpoints of the plant that may be connected to: opc.tcp://plc-1:4840, 10.0.0.0/8, *.example.org."
    )
    live_mappings: tuple[str, ...] = _setting((), "TOML files that say what is mapped, beside what submodels say.")
    live_credentials: str = _setting("", "TOML file with users, passwords and certificates by endpoint.")
    live_pki: str = _setting("pki", "Directory of OPC UA certificates: own, trusted, rejected.")
    live_trust_all: bool = _setting(False, "Believe every OPC UA server, whatever its certificate.")
    live_interval: float = _setting(0.5, "How often values of the plant are stored; readers see them at once.")
    live_stale: float = _setting(30.0, "After how long without a connection a value counts as bad, not as uncertain.")
    live_qualifiers: bool = _setting(False, "Elements that the plant feeds tell quality and source time as qualifiers.")
    live_transformations: bool = _setting(True, "Run the Lua of mappings, in a process of its own.")
    live_transformation_time: float = _setting(1.0, "How long one run of it may take before it is stopped.")
    live_transformation_memory: int = _setting(64 << 20, "Memory that one script may take.", least=1 << 20)
    event_readers: int = _setting(10_000, "Readers of events at a time; more are told to come again.", least=1)
    events_broker: str = _setting(
        "", "MQTT broker that is told what happens: mqtt://host:1883, mqtts://host; empty for none."
    )
    events_topic: str = _setting("aas", "What the topics of these events begin with.")
    graph: str = _setting(
        "demand",
        "When the graph is built that /sparql asks: off, demand (when it is first asked), start.",
        choices=("off", "demand", "start"),
    )
    graph_library: tuple[str, ...] = _setting((), "Folders with more named queries, files *.rq.")
    graph_timeout: float = _setting(10.0, "How long a SPARQL query may take.")
    graph_memory: int = _setting(1 << 30, "Memory that a SPARQL query may take beside the graph.", least=1 << 24)
    graph_answer: int = _setting(64 << 20, "Largest answer to a SPARQL query.", least=1)
    graph_queries: int = _setting(2, "SPARQL queries that run at a time; twenty more wait.", least=1)
    query_timeout: float = _setting(5.0, "How long one page of a query may be searched for.")
    log_changes: int = _setting(1_000_000, "Changes the log keeps for followers; older ones are trimmed.")
    cors_origins: str = _setting("", "Origins that browsers may call from: *, or a list with commas; empty for none.")
    external_url: str = _setting(
        "",
        "Address of this server as clients see it, for the endpoints of descriptors; empty: as the request has it.",
    )
    trusted_proxies: str = _setting(
        "", "Proxies whose Forwarded and X-Forwarded-* headers count: addresses or networks, a list with commas."
    )
    register_at: str = _setting(
        "", "Registry where hosted shells and submodels are registered, by its URL; needs external_url; empty for none."
    )
    shutdown_grace: float = _setting(10.0, "How long requests under way may finish when the server stops.")
    log_level: str = _setting(
        "INFO", "Least severe messages that are logged: DEBUG, INFO, WARNING, ERROR.", choices=LEVELS
    )
    log_format: str = _setting("text", "Form of the log lines: text, or json.", choices=FORMS)
    log_requests: bool = _setting(False, "Log every request; it costs as much as answering a hot one.")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, allowed = getattr(self, field.name), field.metadata
            if allowed["choices"] and value not in allowed["choices"]:
                raise ValueError(f"{field.name} is {value!r}; it must be one of {', '.join(allowed['choices'])}")
            if type(value) in (int, float) and value < allowed["least"]:
                raise ValueError(f"{field.name} is {value}; it must be at least {allowed['least']}")
            if allowed["most"] is not None and value > allowed["most"]:
                raise ValueError(f"{field.name} is {value}; it must be at most {allowed['most']}")
        if self.external_url and not ADDRESS(self.external_url):
            raise ValueError(f"external_url is {self.external_url!r}; it must be like https://example.org/path")
        self._check_events()
        networks(self.trusted_proxies)
        if self.register_at:
            self._check_registration()

    def _check_events(self) -> None:
        if self.events_broker and not BROKER(self.events_broker):
            raise ValueError("events_broker must be like mqtts://host:8883; credentials belong into live_credentials")
        if not TOPIC(self.events_topic):
            raise ValueError(f"events_topic is {self.events_topic!r}; it must be like plant/aas, without # and +")

    def _check_registration(self) -> None:
        """The URL may carry a name and a password and is not shown."""
        if not REGISTRY(self.register_at):
            raise ValueError("register_at must be like https://example.org/api/v3, with user:password@ where needed")
        if not self.external_url:
            raise ValueError("register_at needs external_url: a registry tells others where to find this server")
        if self.register_at.rstrip("/") in {self.external_url.rstrip("/") + mount for mount in MOUNTS}:
            raise ValueError("register_at is this server itself: its own registry has what it hosts already")


def networks(listed: str) -> tuple[Network, ...]:
    """The networks of a list with commas. Raises ValueError for what is neither a network nor an address.

    >>> networks("10.0.0.0/8, ::1")
    (IPv4Network('10.0.0.0/8'), IPv6Network('::1/128'))
    """
    return tuple(ipaddress.ip_network(each.strip()) for each in listed.split(",") if each.strip())


def fields() -> Iterator[tuple[str, Any, str]]:
    """Every setting: its name, its default and its sentence."""
    for field in dataclasses.fields(Settings):
        yield field.name, field.default, field.metadata["sentence"]


def from_file(path: Path) -> dict[str, Any]:
    """The settings a TOML file gives. Raises ValueError for one that does not exist, or a broken file."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    defaults = {name: default for name, default, _ in fields()}
    if unknown := sorted(given.keys() - defaults.keys()):
        raise ValueError(f"{path}: no such setting: {', '.join(unknown)}")
    for name, value in given.items():
        if not _fits(value, kind := type(defaults[name])):
            raise ValueError(f"{path}: {name} is {value!r}; it must be {_WORDS[kind]}")
    return given


def _fits(value: Any, kind: type) -> bool:
    if kind is tuple:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return type(value) is kind or (kind is float and type(value) is int)


_INTRODUCTION = (
    "# Settings",
    "",
    "An option of the command line goes before the environment, the environment before the TOML file that `--config`",
    f"(or `{PREFIX}CONFIG`) names, the file before the default. In the file a setting has the name of its option with",
    "`_` for `-`: `max_page = 50`. An option that takes a list may be repeated; in the file it is a list, in the",
    f"environment there is a blank between its texts, in `{PREFIX}LOAD` and `{PREFIX}LIVE_MAPPINGS`",
    "a `:` between paths (`;` on Windows). What is",
    "true or false is switched by its name alone, `--strict`, or `--no-strict`; in the environment",
    f"`{PREFIX}STRICT` is true or false. Sizes are in bytes, times in seconds.",
    "",
)


def markdown() -> str:
    """The settings as they stand in docs/settings.md."""
    rows = [*_INTRODUCTION, "| setting | environment | default | what it does |", "|---|---|---|---|"]
    for name, default, sentence in fields():
        shown = "none" if default in ((), "") else str(default).lower() if isinstance(default, bool) else default
        rows.append(f"| `--{name.replace('_', '-')}` | `{PREFIX}{name.upper()}` | {shown} | {sentence} |")
    return "\n".join(rows) + "\n"


def shipped(folder: str) -> Path:
    """A folder that ships with the server: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent
    installed = package / "data" / folder
    return installed if installed.exists() else package.parent / folder


def _untold(record: logging.LogRecord) -> bool:
    """What gmqtt says of a broker's refusals is told by who uses it; what it stumbles over is not."""
    return not record.name.startswith("gmqtt") or record.exc_info is not None


def set_up_logging(level: str, form: str) -> None:
    """Structured, quiet logs on standard error."""
    formatters = {
        "text": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"chosen": formatters[form]},
            "filters": {"refusals": {"()": lambda: _untold}},
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "formatter": "chosen",
                    "filters": [] if level == "DEBUG" else ["refusals"],
                }
            },
            "root": {"level": level, "handlers": ["stderr"]},
            # They tell every packet that they send, and what is wrong is told by who uses them.
            "loggers": {name: {"level": "DEBUG" if level == "DEBUG" else "ERROR"} for name in ("asyncua", "gmqtt")},
        }
    )
