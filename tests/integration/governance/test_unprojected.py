"""The worker role sees whose ledger has entries to project, so that no other is looked at."""

from governance_svc.store.tables import trust_cursors
from tests.integration.governance.manual_governance import ManualGovernance, registered


async def test_a_ledger_is_unprojected_from_its_first_entry_on_and_by_new_rules(
    manual_governance: ManualGovernance,
) -> None:
    tenant = manual_governance.tenant

    async def waits() -> bool:
        return tenant in await manual_governance.claims().unprojected_tenants()

    assert not await waits()
    await manual_governance.append(registered(tenant))
    assert await waits(), "no entry has been projected"
    await manual_governance.project()
    assert not await waits()
    await manual_governance.append(registered(tenant))
    assert await waits(), "one entry has been"
    await manual_governance.project(named=False)
    assert not await waits()
    async with manual_governance.database.transaction(tenant) as connection:
        await connection.run(trust_cursors.update().values(rules="0"))
    assert await waits(), "by other rules"
