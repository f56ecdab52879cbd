"""Credentials that the runtime does not accept, by what is wrong with them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from phoenix_runtime.chassis.schema import Role
from tests.e2e.scenarios.scenario import STEWARD, Scenario

PEOPLE: Final = [role for role in Role if role not in {Role.SERVICE, Role.ENROLLER, Role.ANYBODY}]
FAR: Final = timedelta(minutes=10)
"""Past every leeway, and past what the wall clock was moved since the services began (I11)."""


def bad_tokens(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Pairs of what is wrong and the token; the first token is empty."""
    roles = [role.value for role in PEOPLE]
    own = {"participant": STEWARD, "participant_type": "agent", "owner": "x"}
    said: dict[str, Any] = {"sub": "somebody", "roles": roles, **own}
    yield "none at all", ""
    yield "no token", "not-a-token"
    yield "expired", scenario.token(life=-FAR, **said)
    yield "not valid yet", _signed(scenario, {**said, "nbf": _in(FAR)}, scenario.key)
    yield "another's key", scenario.token(key=another_key(scenario.key_id), **said)
    yield "a key that nobody knows", scenario.token(key=another_key("nobody"), **said)
    yield "another issuer", scenario.token(**{**said, "iss": "somebody-else"})
    yield "another audience", scenario.token(audience="somewhere-else", **said)
    yield "too long a life", scenario.token(life=timedelta(hours=2), **said)
    yield "no tenant", scenario.token(**{**said, "tenant": ""})
    yield "not signed", unsigned({**said, **_times(scenario)})
    yield "signed by the public key", _by_public_key(scenario, said)


def another_key(name: str) -> OKPKey:
    """A key that nobody trusts, under any name."""
    return OKPKey.generate_key("Ed25519", {"kid": name})


def unsigned(claims: Mapping[str, Any]) -> str:
    """``alg: none`` (RFC 8725, section 2.1)."""
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _by_public_key(scenario: Scenario, said: Mapping[str, Any]) -> str:
    """HS256 with the public key as its secret (RFC 8725, section 2.1)."""
    public = OctKey.import_key(json.dumps(scenario.key.as_dict(private=False)))
    header = {"alg": "HS256", "kid": scenario.key_id}
    return jwt.encode(header, {**said, **_times(scenario)}, public, algorithms=["HS256"])


def _signed(scenario: Scenario, claims: Mapping[str, Any], key: OKPKey) -> str:
    header = {"alg": "EdDSA", "kid": scenario.key_id}
    return jwt.encode(header, {**_times(scenario), **claims}, key, algorithms=["EdDSA"])


def _times(scenario: Scenario) -> dict[str, Any]:
    """Claims that make a credential valid at this moment."""
    now = _in(timedelta(0))
    return {
        "iss": "phoenix-dma-local",
        "tenant": scenario.tenant,
        "aud": "phoenix-dma",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        "jti": "forged",
    }


def _in(span: timedelta) -> int:
    return int(time.time() + span.total_seconds())


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
