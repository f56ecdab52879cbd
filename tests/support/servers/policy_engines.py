"""Policy engines that one contract holds for: the embedded one, and OPA's REST API by URL."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from governance_svc.adapters.policy_engines.child_session import EngineLimits
from governance_svc.adapters.policy_engines.embedded_engine import EmbeddedEngine
from governance_svc.adapters.policy_engines.opa_rest import OpaRest
from governance_svc.adapters.policy_engines.opa_session import OpaAddress
from governance_svc.domain.policy.engine import PolicyEngine
from governance_svc.domain.policy.verdicts import DecisionStamp, read_verdicts
from phoenix_runtime.core.verdict import DecisionPoint, Verdict
from tests.support.servers.opa import OpaServer, opa_program
from tests.support.waiting.until import PATIENCE


@pytest.fixture
def loading() -> float:
    """Seconds for one step of loading; a test that waits for its end says something shorter."""
    return PATIENCE


@pytest.fixture
def evaluation() -> float:
    """Seconds for one decision; a test that waits for its end says something shorter."""
    return PATIENCE


@pytest_asyncio.fixture(params=["embedded", "opa"])
async def policy_engine(
    request: pytest.FixtureRequest, loading: float, evaluation: float
) -> AsyncIterator[PolicyEngine]:
    """An engine without a bundle."""
    if request.param == "embedded":
        embedded = EmbeddedEngine(EngineLimits(evaluation, loading, queue=PATIENCE))
        yield embedded
        await embedded.close()
        return
    program = opa_program()
    if program is None:
        pytest.skip("no OPA server: `make test-opa` builds one where Go is")
    server = OpaServer(program)
    await server.start()
    rest = OpaRest(OpaAddress(server.url, answer=evaluation, loading=loading))
    yield rest
    await rest.close()
    await server.stop()


async def decide(
    policy_engine: PolicyEngine,
    *inputs: dict[str, Any],
    point: DecisionPoint = DecisionPoint.RETIRE,
) -> Sequence[Verdict]:
    """Ask as the service does."""
    evaluation = await policy_engine.evaluate(point, inputs)
    stamp = DecisionStamp(
        point, "opa.dec.1", evaluation.revision, "h", datetime(2026, 1, 1, tzinfo=UTC)
    )
    return read_verdicts(evaluation.answer, [stamp] * len(inputs))


YES = {"allow": True, "name": "x"}


async def allows(policy_engine: PolicyEngine) -> bool:
    """Whether the engine allows what the small bundle allows."""
    (verdict,) = await decide(policy_engine, YES)
    return verdict.allowed
