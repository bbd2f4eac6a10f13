"""Settings: where they come from, which one counts, and what is said about one that cannot be."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aas_server import config, running
from aas_server.cli import group
from aas_server.config import Settings

PROJECT = Path(__file__).resolve().parents[1]


def test_the_document_is_the_table() -> None:
    document = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert document == config.markdown()


def test_every_setting_has_a_sentence_and_a_row() -> None:
    for name, _, sentence in config.fields():
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert f"| `--{name.replace('_', '-')}` | `AAS_SERVER_{name.upper()}` |" in config.markdown()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that `serve` was started with, instead of serving."""
    started: list[Settings] = []

    async def serve(settings: Settings, tell: running.Print) -> None:
        started.append(settings)

    monkeypatch.setattr(running, "serve", serve)
    monkeypatch.setattr(config, "set_up_logging", lambda level, form: None)
    for name, _, _ in config.fields():
        monkeypatch.delenv(f"AAS_SERVER_{name.upper()}", raising=False)
    return started


def command(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(group, arguments, env=environment)


def toml(folder: Path, text: str) -> str:
    file = folder / "server.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_without_anything_the_defaults_count(served: list[Settings]) -> None:
    assert command("serve").exit_code == 0
    assert served == [Settings()]


def test_the_command_line_goes_first_then_the_environment_then_the_file(served: list[Settings], tmp_path: Path) -> None:
    file = toml(tmp_path, "port = 1\nmax_page = 1\ndefault_page = 1\nexamples = true\nload = ['a b', 'c']\n")
    result = command(
        "serve",
        "--config",
        file,
        "--port",
        "3",
        AAS_SERVER_PORT="2",
        AAS_SERVER_MAX_PAGE="2",
        AAS_SERVER_STORE="sqlite:///e",
    )
    assert result.exit_code == 0, result.output
    (settings,) = served
    assert (settings.port, settings.max_page, settings.default_page) == (3, 2, 1)
    assert (settings.store, settings.examples, settings.load) == ("sqlite:///e", True, ("a b", "c"))


def test_the_file_may_be_named_in_the_environment(served: list[Settings], tmp_path: Path) -> None:
    result = command("serve", AAS_SERVER_CONFIG=toml(tmp_path, "shutdown_grace = 2\nhost = 'h'"))
    assert result.exit_code == 0, result.output
    assert (served[0].shutdown_grace, served[0].host) == (2.0, "h")


def test_switches_and_lists(served: list[Settings]) -> None:
    result = command("serve", "--examples", "--no-fast-path", "--load", "a", "--load", "b c")
    assert result.exit_code == 0, result.output
    assert (served[0].examples, served[0].fast_path, served[0].load) == (True, False, ("a", "b c"))
    assert command("serve", AAS_SERVER_EXAMPLES="true", AAS_SERVER_LOAD="x y:z").exit_code == 0
    assert (served[1].examples, served[1].load) == (True, ("x y", "z"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stoer = 'sqlite:///x'", "no such setting: stoer"),
        ("[server]\nport = 1", "no such setting: server"),
        ("port = '1'", "port is '1'; it must be a whole number"),
        ("port = true", "port is True; it must be a whole number"),
        ("examples = 1", "examples is 1; it must be true or false"),
        ("load = 'a'", "load is 'a'; it must be a list of texts"),
        ("port = ", "server.toml: "),
        ("port = 70000", "port is 70000; it must be at most 65535"),
        ("default_page = 0", "default_page is 0; it must be at least 1"),
    ],
)
def test_a_file_that_cannot_be(served: list[Settings], tmp_path: Path, text: str, sentence: str) -> None:
    result = command("serve", "--config", toml(tmp_path, text))
    assert (result.exit_code, served) == (2, [])
    assert sentence in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_file_that_is_not_there(served: list[Settings]) -> None:
    result = command("serve", "--config", "/no/such.toml")
    assert (result.exit_code, served) == (2, [])
    assert "/no/such.toml: No such file or directory" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--nothing", "1"], "--nothing"),
        (["--port", "many"], "'many' is not a valid integer"),
        (["--port", "-1"], "port is -1; it must be at least 0"),
        (["--port", "65536"], "port is 65536; it must be at most 65535"),
        (["--max-upload", "-1"], "max_upload is -1; it must be at least 0"),
        (["--shutdown-grace", "-0.5"], "shutdown_grace is -0.5; it must be at least 0"),
        (["--log-level", "LOUD"], "log_level is 'LOUD'; it must be one of DEBUG, INFO, WARNING, ERROR"),
        (["--log-format", "yaml"], "log_format is 'yaml'; it must be one of text, json"),
        (["--examples=perhaps"], "does not take a value"),
    ],
)
def test_an_option_that_cannot_be(served: list[Settings], arguments: list[str], sentence: str) -> None:
    result = command("serve", *arguments)
    assert (result.exit_code, served) == (2, [])
    assert sentence in result.output


def test_the_command_prints_the_table() -> None:
    result = command("settings")
    assert (result.exit_code, result.output) == (0, config.markdown())
