"""Answers a participant's trust score, with every component explained."""

from collections.abc import Callable
from dataclasses import dataclass

from governance_svc.domain.catalogue.catalogue import Catalogue
from governance_svc.domain.trust.queries import TrustQuery
from governance_svc.usecases.trust.assess_trust import Assessment, AssessTrust
from phoenix_runtime.core.errors import FieldInvalid, NotFound, Violation
from phoenix_runtime.core.principal import Call

MOST_CAPABILITIES = 64
"""Capabilities that one question names: as many as a participant claims."""


@dataclass(frozen=True, slots=True)
class TrustReport:
    """The assessment, and the thresholds of the participant's trust policy by risk level."""

    assessment: Assessment
    thresholds: dict[str, float]


class GetTrustScore:
    """Computes trust from the audit; nothing of it is self-declared."""

    def __init__(self, trust: AssessTrust, catalogue: Callable[[str], Catalogue]) -> None:
        self._trust = trust
        self._catalogue = catalogue

    async def __call__(
        self, call: Call, participant_id: str, capabilities: tuple[str, ...]
    ) -> TrustReport:
        """For ``capabilities``, or for all that are granted where there are none.

        Raises `FieldInvalid` for more than 64, `NotFound` for a participant whose registration is
        not in the ledger.
        """
        if len(capabilities) > MOST_CAPABILITIES:
            text = f"at most {MOST_CAPABILITIES}, not {len(capabilities)}"
            raise FieldInvalid([Violation("capabilities", text)])
        projection = await self._trust.projection(call, participant_id)
        if not projection.registration:
            raise NotFound("participant", participant_id)
        catalogue = self._catalogue(call.tenant)
        named = projection.trust_policy
        policy = named if named in catalogue.trust_policies else ""
        query = TrustQuery(participant_id, capabilities or projection.capabilities, policy)
        (assessment,) = await self._trust(call, [query])
        threshold = catalogue.trust_policy(policy).threshold
        return TrustReport(assessment, {risk.value: least for risk, least in threshold.items()})
