"""The one canonical form of JSON (RFC 8785), over which every hash is taken."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, Union

import rfc8785

Json: TypeAlias = Union[bool, int, float, str, "Sequence[Json]", "Mapping[str, Json]", None]


class NotCanonical(ValueError):
    """The value has no RFC 8785 form.

    It holds an integer that no double carries exactly, NaN, an infinity, or a lone surrogate.
    """


def canonical(value: Json) -> bytes:
    """The RFC 8785 bytes of ``value``; raises `NotCanonical` where it has none."""
    try:
        return _encode(_plain(value)).encode()
    except _Unusual:
        return _canonical_by_rfc8785(value)
    except (UnicodeError, RecursionError) as error:
        raise NotCanonical(str(error)) from error


def parsed(text: str) -> Any:
    """The value of a JSON text, with numbers as RFC 8785 has them: all are doubles.

    So the canonical form of what was read from a canonical form is the same again; Python would
    read 2^60, which is written 1152921504606847000, as another integer. Raises ValueError for what
    is no JSON, RecursionError for what is nested without end.
    """
    return _parse(text)


def parsed_canonical(text: str) -> Any:
    """The value whose canonical form is ``text``; raises `NotCanonical` for every other text.

    So it refuses all that JSON leaves open: spaces, another order of names, a name that stands
    twice, another spelling of a number or a character.
    """
    try:
        value = _parse_usual(text)
        if text.isascii() and _encode(value) == text:
            return value
    except _Unusual:
        pass
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"it is no JSON: {error}") from error
    return _parsed_canonical_by_rfc8785(text)


def _parsed_canonical_by_rfc8785(text: str) -> Any:
    """The same for any text, several times slower."""
    try:
        value = parsed(text)
    except (ValueError, RecursionError) as error:
        raise NotCanonical(f"it is no JSON: {error}") from error
    if canonical(value) != text.encode():
        raise NotCanonical("RFC 8785 writes what it says otherwise")
    return value


def _canonical_by_rfc8785(value: Json) -> bytes:
    """The same for any value, several times slower."""
    try:
        return rfc8785.dumps(_doubles(value))
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise NotCanonical(str(error)) from error


def is_exact(number: Any) -> bool:
    """True for what a JSON number carries exactly, as a double: all finite ones, few above 2^53."""
    if isinstance(number, float):
        return math.isfinite(number)
    try:
        return bool(int(float(number)) == number)
    except OverflowError:
        return False


def _doubles(value: Json) -> Json:
    """``value`` with integers above 2^53 as doubles, where they are exact."""
    if isinstance(value, Mapping):
        return {key: _doubles(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_doubles(item) for item in value]
    if isinstance(value, int) and abs(value) > _LARGEST:
        if not is_exact(value):
            raise NotCanonical(f"no double carries {value} exactly; send it as a text")
        return float(value)
    return value


class _Unusual(Exception):
    """The value holds something that the standard library writes otherwise than RFC 8785."""


_LARGEST: Final = 2**53 - 1
_encode: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False
).encode


def _plain(value: Any) -> Any:
    """``value`` as the standard library's encoder writes it canonically, or `_Unusual`.

    Keys beyond ASCII may sort otherwise, and numbers look alike only where no exponent is written.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        return {_plain_key(key): _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    if kind is int and -_LARGEST <= value <= _LARGEST:
        return value
    if kind is float:
        if value.is_integer() and -_LARGEST <= value <= _LARGEST:
            return int(value)
        if 1e-4 <= abs(value) < 1e15:
            return value
    raise _Unusual


def _plain_key(key: Any) -> str:
    if type(key) is str and key.isascii():
        return key
    raise _Unusual


def _no_constant(name: str) -> float:
    raise ValueError(f"it holds {name}")


def _number(text: str) -> int | float:
    """A whole number: an integer where its digits are few enough for one."""
    return int(text) if len(text) <= _DIGITS else float(text)


def _usual_integer(text: str) -> int:
    if len(text) < _DIGITS:
        return int(text)
    raise _Unusual


def _usual_float(text: str) -> float:
    """A number with a fraction that both notations write alike."""
    value = float(text)
    if 1e-4 <= abs(value) < 1e15 and not value.is_integer():
        return value
    raise _Unusual


_DIGITS: Final = 16
"""Of the largest integer, 2^53 - 1."""
_parse: Final = json.JSONDecoder(parse_int=_number, parse_constant=_no_constant).decode
_parse_usual: Final = json.JSONDecoder(
    parse_int=_usual_integer, parse_float=_usual_float, parse_constant=_no_constant
).decode


def content_hash(value: Json) -> str:
    """``sha256:<hex>`` of the canonical form. Hashes carry their algorithm."""
    return bytes_hash(canonical(value))


def bytes_hash(content: bytes) -> str:
    """``sha256:<hex>`` of ``content`` as it stands."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
