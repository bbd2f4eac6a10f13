"""Sessions that are signed and encrypted, users, and servers that are believed only when somebody has said so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aas_server.live import Endpoint, Link, Security
from aas_server.live.credentials import NOBODY, Credentials, from_toml, of
from aas_server.live.opcua.connection import OpcUaConnection
from aas_server.live.opcua.security import POLICIES, Pki
from aas_server.model.errors import Unavailable
from tests.live.plants import Plant, plant
from tests.live.test_opcua import Watch, at


@pytest.fixture
async def press(tmp_path: Path) -> AsyncIterator[Plant]:
    async with plant(0, str(tmp_path)) as running:
        yield running


@contextlib.asynccontextmanager
async def connected(
    press: Plant, security: Security, pki: Pki, credentials: Credentials = NOBODY
) -> AsyncIterator[Watch]:
    connection = OpcUaConnection(Endpoint(press.url, security), credentials, pki)
    try:
        yield Watch(connection)
    finally:
        await connection.close()


async def lost(watch: Watch) -> str:
    await watch.until(lambda: watch.connection.standing.link is Link.LOST)
    return watch.connection.standing.error


async def test_every_policy_and_mode(press: Plant, tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki", trust_all=True)
    for policy in POLICIES:
        for mode in ("Sign", "SignAndEncrypt"):
            async with connected(press, Security(policy, mode), pki) as watch:
                await watch.connection.observe({1: at("Speed")})
                await watch.sees({1: 1.0})


async def test_the_strongest_that_is_offered(press: Plant, tmp_path: Path) -> None:
    async with connected(press, Security(auto=True), Pki(tmp_path / "pki")) as watch:
        assert (await lost(watch)).startswith("BadCertificateUntrusted: move ")  # so it is secured


async def test_a_server_is_believed_when_its_certificate_has_been_moved(press: Plant, tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    async with connected(press, Security("Basic256Sha256", "SignAndEncrypt"), pki) as watch:
        await watch.connection.observe({1: at("Speed")})
        error = await lost(watch)
        (rejected,) = await asyncio.to_thread(lambda: list((pki.folder / "rejected").iterdir()))
        trusted = pki.folder / "trusted"
        assert error == f"BadCertificateUntrusted: move {rejected} to {trusted} to believe this server"
        await asyncio.to_thread(rejected.rename, trusted / rejected.name)
        with pytest.raises(Unavailable, match="BadCertificateUntrusted"):
            await watch.connection.write([(at("Speed"), 2.0)])  # which is worth an attempt at once
        await watch.sees({1: 1.0})


async def test_whose_certificate_has_been_moved_is_not_waited_for(press: Plant, tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    async with connected(press, Security("Basic256Sha256", "SignAndEncrypt"), pki) as watch:
        await watch.connection.observe({1: at("Speed")})
        await lost(watch)
        (rejected,) = await asyncio.to_thread(lambda: list((pki.folder / "rejected").iterdir()))
        await asyncio.to_thread(rejected.rename, pki.folder / "trusted" / rejected.name)
        await watch.sees({1: 1.0})  # which waits for less than the minute that other refusals take


@pytest.mark.parametrize(("password", "error"), [("secret", ""), ("wrong", "BadUserAccessDenied")])
async def test_a_user(press: Plant, tmp_path: Path, password: str, error: str) -> None:
    security = Security("Basic256Sha256", "SignAndEncrypt", "UserName")
    pki = Pki(tmp_path / "pki", trust_all=True)
    async with connected(press, security, pki, Credentials("operator", password)) as watch:
        await watch.connection.observe({1: at("Speed")})
        if error:
            assert error in await lost(watch)
        else:
            await watch.sees({1: 1.0})


READABLE = "BadSecurityPolicyRejected: anybody on the way could read the password"


@pytest.mark.parametrize("security", [Security(), Security(token="UserName"), Security("Basic256Sha256", "None")])
async def test_a_password_does_not_go_out_unsecured(press: Plant, tmp_path: Path, security: Security) -> None:
    pki = Pki(tmp_path / "pki", trust_all=True)
    async with connected(press, security, pki, Credentials("operator", "secret")) as watch:
        assert (await lost(watch)).startswith(READABLE)


async def test_a_password_goes_out_unsecured_where_the_operator_says_so(press: Plant, tmp_path: Path) -> None:
    credentials = Credentials("operator", "secret", plain=True)
    async with connected(press, Security(token="UserName"), Pki(tmp_path / "pki"), credentials) as watch:
        await watch.connection.observe({1: at("Speed")})
        await watch.sees({1: 1.0})


async def test_a_signed_password_is_encrypted_too(press: Plant, tmp_path: Path) -> None:
    await press.set(readable=True)
    pki = Pki(tmp_path / "pki", trust_all=True)
    credentials = Credentials("operator", "secret")
    async with connected(press, Security("Basic256Sha256", "Sign", "UserName"), pki, credentials) as watch:
        assert (await lost(watch)).startswith(READABLE)
    security = Security("Basic256Sha256", "SignAndEncrypt", "UserName")
    async with connected(press, security, pki, credentials) as watch:
        await watch.connection.observe({1: at("Speed")})
        await watch.sees({1: 1.0})


@pytest.mark.parametrize("plain", [False, True])
async def test_what_is_chosen_for_a_password_is_never_nothing(tmp_path: Path, plain: bool) -> None:
    credentials = Credentials("operator", "secret", plain=plain)
    async with (
        plant() as press,
        connected(press, Security(auto=True), Pki(tmp_path / "pki", trust_all=True), credentials) as watch,
    ):
        assert (await lost(watch)).startswith("BadSecurityPolicyRejected: the server offers no policy but None")


async def test_a_user_that_nobody_has_named(press: Plant, tmp_path: Path) -> None:
    async with connected(press, Security(token="UserName"), Pki(tmp_path / "pki")) as watch:
        assert "the credentials name none for this endpoint" in await lost(watch)


async def test_a_certificate_as_user(press: Plant, tmp_path: Path) -> None:
    security = Security("Basic256Sha256", "SignAndEncrypt", "Certificate")
    async with connected(press, security, Pki(tmp_path / "pki", trust_all=True)) as watch:
        await watch.connection.observe({1: at("Speed")})
        await watch.sees({1: 1.0})


def test_credentials_are_read_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLC_PASSWORD", "one")
    (tmp_path / "two.txt").write_text("two\n", encoding="utf-8")
    file = tmp_path / "credentials.toml"
    file.write_text(
        '["opc.tcp://a:4840"]\nuser = "me"\npassword_env = "PLC_PASSWORD"\n'
        '["opc.tcp://b"]\nuser = "me"\npassword_file = "two.txt"\nplain = true\n',
        encoding="utf-8",
    )
    known = from_toml(file)
    assert of(Endpoint("opc.tcp://a:4840/path"), known).password == "one"
    assert of(Endpoint("opc.tcp://b"), known).password == "two"
    assert (of(Endpoint("opc.tcp://a:4840"), known).plain, of(Endpoint("opc.tcp://b"), known).plain) == (False, True)
    assert of(Endpoint("opc.tcp://c"), known) is NOBODY
    assert "one" not in repr(known)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('["opc.tcp://a"]\npasswort = "hidden"', "passwort is none of"),
        ('["opc.tcp://a"]\npasswordfile = "hidden"', "passwordfile is none of user, password, password_file"),
        ('["opc.tcp://a"]\npassword = 4711', "password must be a text"),
        ('["opc.tcp://a"]\nplain = "hidden"', "plain is true or false"),
        ('["opc.tcp://a"]\nplain_env = "hidden"', "plain_env is none of"),
        ('["opc.tcp://a"]\npassword_env = "NOT_THERE"', "the variable that password_env names is not set"),
        ('["opc.tcp://a"]\npassword_file = "nowhere"', "the file that password_file names cannot be read"),
        ('password = "hidden"', "credentials of an endpoint are a table"),
        ("hidden", "is no TOML"),
    ],
)
def test_credentials_that_cannot_be_read_show_no_secret(tmp_path: Path, written: str, words: str) -> None:
    file = tmp_path / "credentials.toml"
    file.write_text(written, encoding="utf-8")
    with pytest.raises(ValueError, match=words) as caught:
        from_toml(file)
    assert "hidden" not in str(caught.value)
