"""What can keep a runtime from standing; each text is a sentence for the person who started it."""

from urllib.parse import urlsplit


class LocalRuntimeError(RuntimeError):
    """The runtime could not start, or could not go on."""


def place_of(url: str) -> str:
    """Return host and port of a URL for such a sentence: never its login."""
    return urlsplit(url).netloc.rpartition("@")[2]
