"""GetJwks: the public keys of the local issuer."""

from registry_svc.domain.ports import CredentialIssuer


class GetJwks:
    """Answers the public keys to anybody."""

    def __init__(self, issuer: CredentialIssuer) -> None:
        self._issuer = issuer

    async def __call__(self) -> str:
        """A JWKS document."""
        return self._issuer.jwks()
