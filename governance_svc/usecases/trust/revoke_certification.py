"""Revokes a certification."""

from governance_svc.domain.ports import Units
from governance_svc.domain.trust.certification_events import revoked_event
from governance_svc.usecases.trust.assess_trust import AssessTrust
from governance_svc.usecases.trust.grant_certification import MAX_TEXT, CertificationResult
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import FieldInvalid, NotFound, Violation
from phoenix_runtime.core.principal import Call


class RevokeCertification:
    """Revokes a certification; one whose validity has ended can still be revoked."""

    def __init__(self, units: Units, trust: AssessTrust, clock: Clock) -> None:
        self._units = units
        self._trust = trust
        self._clock = clock

    async def __call__(self, call: Call, certification_id: str, reason: str) -> CertificationResult:
        """Raises `NotFound`, `IllegalTransition` where it is revoked already, `FieldInvalid`."""
        if not reason.strip() or len(reason) > MAX_TEXT:
            text = f"say why, in at most {MAX_TEXT} characters"
            raise FieldInvalid([Violation("reason", text)])
        async with self._units(call) as unit:
            certification = await unit.lock_certification(certification_id)
            if certification is None:
                raise NotFound("certification", certification_id)
            certification = certification.revoked(self._clock.now())
            await unit.save_certification(certification)
            receipt = await unit.audit(revoked_event(certification, reason))
            result = CertificationResult(certification, receipt)
            await unit.remember(result)
        self._trust.forget(call.tenant, [certification.participant_id])
        return result
