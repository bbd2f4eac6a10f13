"""How a session with an OPC UA server is secured, as people write it: `auto`, `None`, `Basic256Sha256/Sign`."""

from aas_server.live import Security

POLICIES = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
TOKENS = ("Anonymous", "UserName", "Certificate")
MODES = ("SignAndEncrypt", "Sign")


def parse(text: str, token: str = "Anonymous") -> Security:  # noqa: S107 - the kind of a token
    """The security that a text asks for. Raises ValueError.

    >>> parse("Basic256Sha256/Sign")
    Security(policy='Basic256Sha256', mode='Sign', token='Anonymous', auto=False)
    """
    policy, divided, mode = text.partition("/")
    if text == "auto":
        return Security(token=token, auto=True)
    if text == "None":
        return Security(token=token)
    mode = mode if divided else MODES[0]
    if policy not in POLICIES or mode not in MODES:
        raise ValueError(f"{text!r} is none of auto, None, {', '.join(POLICIES)}, with /Sign or /SignAndEncrypt behind")
    return Security(policy, mode, token)
