"""Issues credentials with the local key, and verifies those that come inside a message."""

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from joserfc.jwk import OKPKey

from phoenix_runtime.chassis.rpc.credentials import ENROLMENT_AUDIENCE, KeyRing, Verifier, sign
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import CredentialInvalid
from phoenix_runtime.core.principal import Call, Enroller, Principal
from registry_svc.domain.identity.enrolment import MAX_LIFETIME, Credential
from registry_svc.domain.identity.records import ENROLMENT_LIFETIME, Enrolment
from registry_svc.domain.ports import VerifiedCredential


class LocalIssuer:
    """Implements `domain.ports.CredentialIssuer`: signs EdDSA tokens with a key from a file.

    The file is read again when it changes.
    """

    def __init__(
        self, key_path: Path, public: KeyRing, clock: Clock, *, issuer: str, audience: str
    ) -> None:
        self._path = key_path
        self._public = public
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._key: tuple[int, OKPKey] | None = None

    def issue(self, principal: Principal, lifetime: timedelta = MAX_LIFETIME) -> Credential:
        """Issue a token of at most 15 minutes; raises OSError where the key file is gone."""
        claims = {
            "iss": self._issuer,
            "sub": principal.subject,
            "tenant": principal.tenant,
            "participant": principal.participant,
            "participant_type": principal.participant_type,
            "owner": principal.owner,
            "roles": sorted(role.value for role in principal.roles),
            "assurance": principal.assurance,
            "credential": principal.descent.credential,
            "holder": principal.descent.holder,
            "enrolled_by": _pairs(principal.descent.enrolled_by),
        }
        now = int(self._clock.now().timestamp())
        token = sign(
            claims, self._signing_key(), self._clock, audience=self._audience, life=lifetime
        )
        return Credential(token, datetime.fromtimestamp(now, UTC) + lifetime)

    def enrolment(self, enrolment: Enrolment, tenant: str) -> str:
        """The credential of a recorded enrolment; what it is good for stands in the record."""
        claims = {
            "iss": self._issuer,
            "sub": enrolment.subject,
            "tenant": tenant,
            "enrolment": enrolment.enrolment_id,
            "kind": enrolment.kind.value,
            "enrolled_by": _pairs(enrolment.enrolled_by),
        }
        key, life = self._signing_key(), ENROLMENT_LIFETIME
        return sign(claims, key, self._clock, audience=ENROLMENT_AUDIENCE, life=life)

    def jwks(self) -> str:
        """The public keys, those of other issuers that this runtime trusts included."""
        return json.dumps(self._public.keys().as_dict(private=False))

    def _signing_key(self) -> OKPKey:
        stamp = self._path.stat().st_mtime_ns
        if self._key is None or self._key[0] != stamp:
            self._key = (stamp, OKPKey.import_key(json.loads(self._path.read_text())))
        return self._key[1]


class MessageCredentialVerifier:
    """Implements `domain.ports.CredentialVerifier` with the verifier of the interceptors."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def verify(self, token: str) -> VerifiedCredential:
        """The principal and the expiry of ``token``; raises `CredentialInvalid`."""
        return VerifiedCredential(self._verifier.caller(token), expiry_of(token))

    def of_call(self, call: Call) -> VerifiedCredential:
        """The credential of the call, which an interceptor has verified."""
        header = dict(call.metadata).get("authorization", "")
        return VerifiedCredential(call.principal, expiry_of(header.partition(" ")[2].strip()))


def _pairs(enrollers: Iterable[Enroller]) -> list[list[str]]:
    return [[one.credential, one.subject] for one in enrollers]


def expiry_of(token: str) -> datetime:
    """The expiry of a token that has been verified: nothing is checked here."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise CredentialInvalid("The credential cannot be read") from error
