"""JSON to and from policy engines: by orjson, since no hash is taken over it.

What an engine answers is read here, whichever way it came.
"""

import json
from typing import Final

import orjson

from governance_svc.adapters.policy_engines.policy_session import RegoError
from phoenix_runtime.core.json import Json

NO_INPUT: Final = b""


def json_text(value: Json) -> bytes:
    """``value``, which has a canonical form, as UTF-8; raises `RegoError` where it has none."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits, or what no JSON text can hold
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError as error:
            raise RegoError(f"it is not valid UTF-8: {error}") from None


def json_value(text: bytes) -> Json:
    """The JSON value that an engine answered; raises ValueError for what is none.

    NaN and infinities are none, nor is what is nested without end.
    """
    value: Json = orjson.loads(text)
    return value
