"""Leases in the use cases, on real servers; nothing here waits."""

import json
from dataclasses import replace

from phoenix_runtime.chassis.data.database import driver
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.declaration import Declaration
from registry_svc.domain.ports import Claim, SweepState
from registry_svc.domain.presence import LeaseKey, Loss, Presence
from registry_svc.domain.vitals import HealthState, Report
from registry_svc.usecases.change_standing import SuspendParticipant
from registry_svc.usecases.leases import CLAIM_SECONDS
from registry_svc.usecases.register import RegisterParticipant
from registry_svc.usecases.retire import BeginRetirement
from tests.integration.registry.rooms import TERMS, Rooms
from tests.support.builders.calls import call_of


class Heard:
    """A line that remembers what was lost."""

    def __init__(self) -> None:
        self.losses: list[tuple[int, Loss]] = []

    def direct(self, slot: int, directive: object) -> bool:
        return True

    def lose(self, slot: int, loss: Loss, participant_id: str, text: str) -> None:
        self.losses.append((slot, loss))


async def events(rooms: Rooms, *types: str) -> list[dict[str, object]]:
    database = rooms.parts.registry._database  # type: ignore[attr-defined]
    async with database.reading(rooms.tenant) as connection:
        raw = await driver(connection)
        rows = await raw.fetch("SELECT document FROM registry.outbox ORDER BY event_id")
    found = [json.loads(row["document"]) for row in rows]
    return [event for event in found if not types or event["type"] in types]


async def serving(rooms: Rooms, presence: Presence) -> None:
    rooms.parts.attendance.beat(
        presence, rooms.clock.monotonic(), Report(state=HealthState.SERVING)
    )
    await rooms.settle()


async def test_an_expired_lease_fails_its_holder_once_and_says_so(rooms: Rooms) -> None:
    await rooms.expire()  # the first look seeds
    presence = await rooms.register("agent.1")
    await serving(rooms, presence)
    line = Heard()
    rooms.parts.attendance.attach(presence, line, 4)
    await rooms.run_out(presence)
    await rooms.expire()
    await rooms.expire()
    row = await rooms.get("agent.1")
    assert (row.status, row.status_reason) == (ParticipantStatus.FAILED, "participant_failed")
    assert row.standing_revision == 3
    [event] = await events(rooms, "PARTICIPANT_FAILED")
    assert (event["previous_state"], event["new_state"]) == ("active", "failed")
    assert event["detail"]["generation"] == 1  # type: ignore[index]
    assert line.losses == [(4, Loss.EXPIRED)]
    client = rooms.leases._sweep.registered_client
    member = f"{rooms.tenant}/agent.1/1"
    assert await client.zscore(rooms.leases._deadlines[0], member) is None


async def test_a_new_lease_store_expires_nobody_and_is_seeded_again(rooms: Rooms) -> None:
    presence = await rooms.register("agent.1")
    await rooms.run_out(presence)
    assert (await rooms.leases.sweep(10)).state is SweepState.NEW
    await rooms.expire()
    assert not rooms.vigil.needs_seeding
    await rooms.expire()
    assert (await rooms.get("agent.1")).status is ParticipantStatus.REGISTERED
    sweep = await rooms.leases.sweep(10)
    assert (sweep.state, sweep.claims) == (SweepState.STEADY, ())


async def test_a_flushed_lease_store_expires_nobody(rooms: Rooms) -> None:
    await rooms.expire()
    presence = await rooms.register("agent.1")
    await rooms.run_out(presence)
    await rooms.leases._sweep.registered_client.delete(*rooms.leases._sentinels)
    await rooms.expire()
    await rooms.expire()
    assert (await rooms.get("agent.1")).status is ParticipantStatus.REGISTERED


async def test_clocks_that_drift_apart_expire_nobody(rooms: Rooms) -> None:
    await rooms.expire()
    await rooms.expire()
    presence = await rooms.register("agent.1")
    await rooms.run_out(presence)
    rooms.vigil._limit = 100.0  # not our stall: our clock ran ahead of Redis'
    # By more than this test may take, as Redis' own clock goes on meanwhile.
    rooms.clock.advance(60.0)
    assert (await rooms.leases.sweep(10)).state is SweepState.DRIFTED
    await rooms.expire()
    assert (await rooms.leases.sweep(10)).state is SweepState.STEADY, "seeded again"
    await rooms.expire()
    assert (await rooms.get("agent.1")).status is ParticipantStatus.REGISTERED


async def test_a_replica_that_stalled_extends_instead_of_failing(rooms: Rooms) -> None:
    await rooms.expire()
    presence = await rooms.register("agent.1")
    await rooms.run_out(presence)
    rooms.clock.advance(TERMS.margin + 0.1)  # nothing looked for so long
    await rooms.expire()
    assert (await rooms.get("agent.1")).status is ParticipantStatus.REGISTERED
    # A deadline from before the stall, written now, must not undo the grace.
    rooms.parts.attendance.renew(presence)
    await rooms.write()
    assert (await rooms.leases.sweep(10)).claims == ()
    await rooms.expire()
    assert (await rooms.get("agent.1")).status is ParticipantStatus.REGISTERED


async def test_a_beat_that_is_not_written_yet_keeps_its_lease(rooms: Rooms) -> None:
    await rooms.expire()
    presence = await rooms.register("agent.1")
    await rooms.run_out(presence)
    rooms.parts.attendance.beat_all([presence], rooms.clock.monotonic())
    await rooms.expire()
    assert (await rooms.get("agent.1")).status is ParticipantStatus.REGISTERED
    await rooms.write()
    assert (await rooms.leases.sweep(10)).claims == ()


async def test_an_older_generations_lease_fails_nobody(rooms: Rooms) -> None:
    await rooms.expire()
    older = await rooms.register("agent.1")
    await rooms.register("agent.1")
    await rooms.leases.write({older.lease: -1.0})
    await rooms.expire()
    row = await rooms.get("agent.1")
    assert (row.status, row.generation) == (ParticipantStatus.REGISTERED, 2)
    assert await events(rooms, "PARTICIPANT_FAILED") == []


async def test_one_that_retires_and_dies_stays_retiring_and_is_not_waited_for(
    rooms: Rooms,
) -> None:
    await rooms.expire()
    presence = await rooms.register("agent.1")
    operator = call_of("operator", tenant=rooms.tenant)
    await BeginRetirement(rooms.parts)(operator, "agent.1", "retire.1", "graceful")
    assert presence.lease in await rooms.workers.all()
    await rooms.run_out(presence)
    await rooms.expire()
    row = await rooms.get("agent.1")
    assert (row.status, row.status_reason) == (ParticipantStatus.RETIRING, "participant_failed")
    [event] = await events(rooms, "PARTICIPANT_FAILED")
    assert (event["previous_state"], event["new_state"]) == ("retiring", "retiring")
    assert presence.lease not in await rooms.workers.all()


async def test_an_unleased_participant_never_expires(rooms: Rooms) -> None:
    await rooms.expire()
    lease = LeaseKey(rooms.tenant, "human.1", 1)
    call = rooms.call("human.1", participant_type="human")
    declaration = Declaration(id="human.1", type="human", owner="acme")
    await RegisterParticipant(rooms.parts)(call, declaration)
    assert lease not in await rooms.workers.all()
    await rooms.leases.write({lease: -1.0})
    await rooms.expire()
    assert (await rooms.get("human.1")).status is ParticipantStatus.ACTIVE


async def test_a_claim_is_removed_only_while_it_is_still_the_claims(rooms: Rooms) -> None:
    await rooms.leases.seeded()
    lease = LeaseKey(rooms.tenant, "agent.1", 1)
    await rooms.leases.write({lease: -1.0})
    [claim] = (await rooms.leases.sweep(10)).claims
    assert (await rooms.leases.sweep(10)).claims == (), "claimed for a while"
    await rooms.leases.write({lease: -2.0})  # a beat came meanwhile, and ran out as well
    await rooms.leases.release([claim])
    [again] = (await rooms.leases.sweep(10)).claims
    assert again.lease == lease
    await rooms.leases.release([again])
    await rooms.leases.release([replace(again, score=again.score + 1)])
    assert (await rooms.leases.sweep(10)).claims == ()


async def test_a_claim_that_has_aged_is_not_acted_upon(rooms: Rooms) -> None:
    await rooms.expire()
    presence = await rooms.register("agent.1")
    await rooms.run_out(presence)
    asked = rooms.clock.monotonic()
    rooms.clock.advance(CLAIM_SECONDS)
    presence.lease_from = asked - 100.0
    await rooms.expire._fail([Claim(presence.lease, 1)], asked)
    assert (await rooms.get("agent.1")).status is ParticipantStatus.REGISTERED


async def test_many_expire_in_one_sweep_each_with_its_event(rooms: Rooms) -> None:
    await rooms.expire()
    presences = [await rooms.register(f"agent.{number}") for number in range(120)]
    await rooms.run_out(*presences)
    await rooms.expire()
    assert len(await events(rooms, "PARTICIPANT_FAILED")) == 120
    assert len(rooms.parts.attendance) == 0


async def test_the_suspended_hold_no_lease_and_beat_for_nothing(rooms: Rooms) -> None:
    presence = await rooms.register("agent.1")
    operator = call_of("operator", tenant=rooms.tenant)
    line = Heard()
    rooms.parts.attendance.attach(presence, line, 0)
    await SuspendParticipant(rooms.parts)(operator, "agent.1", "under review")
    assert line.losses == [(0, Loss.SUSPENDED)]
    assert presence.lease not in await rooms.workers.all()
    await serving(rooms, presence)
    assert (await rooms.get("agent.1")).status is ParticipantStatus.SUSPENDED
