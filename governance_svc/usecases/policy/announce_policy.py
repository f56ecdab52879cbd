"""Tells every tenant's audit which revision of policy is in force (events: POLICY_ACTIVATED)."""

from collections.abc import Callable

from governance_svc.domain.policy.bundle import BundleTests
from governance_svc.domain.ports import Activation, Tenants, Units
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.events import AuditDraft, AuditEventType, ReasonCode
from phoenix_runtime.core.principal import Call

BUNDLE = "policy/bundle"
"""The aggregate of the activations of a tenant."""


class AnnouncePolicy:
    """One event a tenant and revision, whatever the number of starts and replicas."""

    def __init__(
        self, units: Units, tenants: Tenants, clock: Clock, call_for: Callable[[str], Call]
    ) -> None:
        self._units = units
        self._tenants = tenants
        self._clock = clock
        self._call_for = call_for
        self._serving: tuple[str, BundleTests] | None = None
        self._told: set[str] = set()

    def serve(self, revision: str, tests: BundleTests) -> None:
        """From now on ``revision`` is in force, whose own tests went like that."""
        self._serving = (revision, tests)
        self._told.clear()

    def knows(self, tenant: str) -> bool:
        """Whether nothing is left to be said to ``tenant``."""
        return tenant in self._told

    async def __call__(self) -> bool:
        """One step: tell whoever has not been told yet."""
        for tenant in await self._tenants.known():
            if self._serving is not None and tenant not in self._told:
                await self._announce(self._call_for(tenant), *self._serving)
                self._told.add(tenant)
        return False

    async def _announce(self, call: Call, revision: str, tests: BundleTests) -> None:
        async with self._units(call) as unit:
            last = await unit.newest_activation()
            if last is not None and last.revision == revision:
                return
            version = 1 if last is None else last.version + 1
            await unit.add_activation(Activation(version, revision, self._clock.now()))
            previous = "" if last is None else last.revision
            await unit.audit(_event(version, previous, revision, tests))


def _event(version: int, previous: str, revision: str, tests: BundleTests) -> AuditDraft:
    return AuditDraft(
        type=AuditEventType.POLICY_ACTIVATED,
        aggregate=BUNDLE,
        aggregate_version=version,
        reason_code=ReasonCode.SUPERSEDED if previous else ReasonCode.NONE,
        previous_state=previous,
        new_state=revision,
        detail={
            "policy_revision": revision,
            "by": "the release of the service that brought it",
            "tests": {"passed": tests.passed, "failed": tests.failed},
        },
    )
