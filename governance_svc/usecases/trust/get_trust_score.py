"""A participant's trust, with every component explained."""

from collections.abc import Callable
from dataclasses import dataclass

from governance_svc.domain.catalogue.catalogue import Catalogue
from governance_svc.domain.trust.queries import TrustQuestion
from governance_svc.usecases.trust.assess_trust import Assessment, AssessTrust
from phoenix_runtime.core.errors import NotFound
from phoenix_runtime.core.principal import Call


@dataclass(frozen=True, slots=True)
class TrustReport:
    """The assessment, and what the participant's trust policy asks for, by risk."""

    assessment: Assessment
    thresholds: dict[str, float]


class GetTrustScore:
    """Computed from the audit; never self-declared."""

    def __init__(self, trust: AssessTrust, catalogue: Callable[[], Catalogue]) -> None:
        self._trust = trust
        self._catalogue = catalogue

    async def __call__(
        self, call: Call, participant_id: str, capabilities: tuple[str, ...]
    ) -> TrustReport:
        """For ``capabilities``, or for all that are granted.

        Raises `NotFound` for a participant of whose registration the audit does not know.
        """
        known = await self._trust.evidence(call.tenant, participant_id)
        if not known.registration:
            raise NotFound("participant", participant_id)
        catalogue = self._catalogue()
        policy = known.trust_policy if known.trust_policy in catalogue.trust_policies else ""
        question = TrustQuestion(participant_id, capabilities or known.capabilities, policy)
        (assessment,) = await self._trust(call.tenant, [question])
        threshold = catalogue.trust_policy(policy).threshold
        return TrustReport(assessment, {risk.value: least for risk, least in threshold.items()})
