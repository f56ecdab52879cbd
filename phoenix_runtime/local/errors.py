"""The base of all errors of a local runtime; each text is for the person who started it."""

from urllib.parse import urlsplit


class LocalRuntimeError(RuntimeError):
    """The runtime could not start, or could not go on."""


def host_of(url: str) -> str:
    """Return host and port of a URL for an error text, without its login."""
    return urlsplit(url).netloc.rpartition("@")[2]
