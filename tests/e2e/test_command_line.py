"""The command line as people and programs use it, Figure 3 as printed beside it."""

import json
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from phoenix_dma.errors import NotFound
from tests.e2e.scenarios.intervals import PATIENCE
from tests.e2e.scenarios.scenario import STEWARD, Scenario
from tests.support.processes.programs import Programs
from tests.support.servers.http import http_client
from tests.support.waiting.until import until

FIGURE = Path(__file__).parents[2] / "examples" / "figure3"
SUBMIT = ("submit", str(FIGURE / "task.json"))
JSON = ("--output", "json")


@pytest.fixture
async def programs(scenario: Scenario) -> AsyncIterator[Programs]:
    programs = Programs(scenario.profile, scenario.file("profile.toml"))
    yield programs
    await programs.leave()


@pytest.fixture
async def figure(scenario: Scenario, programs: Programs) -> None:
    """Figure 3 at work."""
    script, validators = str(FIGURE / "figure3.py"), str(FIGURE / "validators.py")
    await programs.start("run", script, "--with", validators)
    api = await scenario.operator()

    async def known() -> bool | None:
        try:
            await api.get_participant(STEWARD)
        except NotFound:
            return None
        return True

    await until(known, PATIENCE)
    await scenario.standing(STEWARD, "active")


@pytest.mark.usefixtures("figure")
async def test_figure_3_works_on_what_is_submitted_and_its_lineage_is_told(
    scenario: Scenario, programs: Programs
) -> None:
    done = (await programs.run(*SUBMIT, "--wait", *JSON)).json
    await scenario.in_ledger("TASK_SUCCEEDED", done["task_id"])
    assert (done["status"], done["result"]["duplicates"]) == ("succeeded", 1)
    assert done["last_checkpoint"]["context_ref"] == f"phoenix://state/{done['task_id']}/1"
    told = await programs.run("lineage", done["task_id"])
    order = ["TASK_SUBMITTED", "ASSIGNMENT_CREATED", "TASK_STARTED", "CONTEXT_CHECKPOINTED"]
    places = [told.out.index(kind) for kind in [*order, "TASK_SUCCEEDED"]]
    assert places == sorted(places)
    assert re.search(r"decision opa\.dec\.\S+ allow: ", told.out)
    events = (await programs.run("audit", "--task", done["task_id"], "--limit", "2", *JSON)).json
    assert len(events) == 2
    newest = await programs.run("audit", "--task", done["task_id"], "--last", "1")
    assert "TASK_SUCCEEDED" in newest.out
    assert re.search(r"^\d+ more: phoenix-dma audit --task \S+ --last 0$", newest.err, re.MULTILINE)
    started = await programs.run("audit", "--type", "TASK_STARTED", *JSON)
    assert [event["actor"] for event in started.json] == [STEWARD]


@pytest.mark.usefixtures("figure")
async def test_people_see_tables_with_whole_ids(programs: Programs) -> None:
    done = (await programs.run(*SUBMIT, "--wait", *JSON)).json
    assert STEWARD in (await programs.run("participants")).out
    assert done["task_id"] in (await programs.run("tasks")).out
    shown = (await programs.run("tasks", "show", done["task_id"])).out
    assert done["correlation_id"] in shown
    shown = (await programs.run("participants", "show", STEWARD)).out
    assert "customer_validation, duplicate_detection, policy_check" in shown


@pytest.mark.usefixtures("figure")
async def test_it_is_explained_who_would_get_a_task_and_who_is_found(programs: Programs) -> None:
    explained = (await programs.run("explain", str(FIGURE / "task.json"), *JSON)).json
    assert explained["participant_id"] == STEWARD
    assert {term["name"] for term in explained["score"]["terms"]} >= {"trust", "availability"}
    need = ("--capability", "policy_check", "--domain", "customer_master")
    found = (await programs.run("discover", *need, *JSON)).json
    assert [candidate["participant_id"] for candidate in found["candidates"]] == [STEWARD]
    assert "rank" in (await programs.run("discover", *need)).out


async def test_a_human_decides_on_the_command_line(
    scenario: Scenario, programs: Programs, figure: None
) -> None:
    del figure
    flags = ("--constraint", "human_approval_required", "--id", "task.by-hand")
    await programs.run(*SUBMIT, *flags, *JSON)
    await scenario.task_in("task.by-hand", "awaiting_approval")
    (asked,) = (await programs.run("approvals", "list", "--status", "pending", *JSON)).json
    shown = await programs.run("approvals", "show", asked["approval_id"])
    assert asked["subject_hash"] in shown.out
    yes = ("approvals", "approve", asked["approval_id"])
    nobody = await programs.run(*yes, "--as", "human.jane", "--comment", "who am I?")
    assert (nobody.code, "user add human.jane" in nobody.err) == (1, True)
    assert await scenario.events("PARTICIPANT_REGISTERED", about="participant/human.jane") == []
    added = (await programs.run("user", "add", "human.jane", "--role", "reviewer", *JSON)).json
    assert stat.S_IMODE(Path(added["profile"]).with_suffix(".jwt").stat().st_mode) == 0o600
    decided = await programs.run(*yes, "--as", "human.jane", "--comment", "same person", *JSON)
    assert (decided.json["status"], decided.json["decided_by"]) == ("approved", "human.jane")
    await scenario.task_in("task.by-hand", "succeeded")
    again = await programs.run(*yes, "--as", "human.jane", "--comment", "again", *JSON)
    assert again.code == 1
    retired = await programs.run("retire", "human.jane", "--mode", "immediate", *JSON)
    assert retired.json["status"] == "finished"


@pytest.mark.usefixtures("figure")
async def test_an_agent_may_not_be_enrolled_as_the_human_it_asks(programs: Programs) -> None:
    flags = ("--constraint", "human_approval_required", "--id", "task.by-hand")
    await programs.run(*SUBMIT, *flags, *JSON)
    refused = await programs.run(
        "approvals", "approve", "approval.none", "--as", STEWARD, "--comment", "me"
    )
    assert refused.code == 1
    assert "What to do: " in refused.err


async def test_a_capability_is_certified_and_the_certificate_taken_back(
    scenario: Scenario, programs: Programs
) -> None:
    await scenario.participant()
    grant = ("certify", "grant", STEWARD, "duplicate_detection", "--evidence", "the June suite")
    granted = (await programs.run(*grant, *JSON)).json["certification"]
    listed = (await programs.run("certify", "list", "--participant", STEWARD, *JSON)).json
    assert [one["certification_id"] for one in listed] == [granted["certification_id"]]
    revoke = ("certify", "revoke", granted["certification_id"], "--reason", "the suite was wrong")
    assert "revoke_time" in (await programs.run(*revoke, *JSON)).json["certification"]
    misspelt = await programs.run("certify", "grant", f"{STEWARD}.x", *grant[3:])
    assert misspelt.code == 1
    assert f"{STEWARD}.x" in misspelt.err
    assert "What to do: " in misspelt.err


async def test_an_operator_suspends_reinstates_and_cancels(
    scenario: Scenario, programs: Programs
) -> None:
    await scenario.participant()
    told = await programs.run("participants", "suspend", STEWARD, "--reason", "a doubt")
    assert f"{STEWARD} is suspended" in told.out
    told = await programs.run("participants", "reinstate", STEWARD)
    assert f"{STEWARD} is registered" in told.out
    text = json.dumps({"task_id": "task.unwanted", "objective": "o", "on_request": True})
    flags = ("--capability", "duplicate_detection", "--domain", "customer_master")
    made = await programs.run("submit", "-", *flags, *JSON, given=text)
    assert made.json["status"] == "pending"
    told = await programs.run("tasks", "cancel", "task.unwanted", "--reason", "not wanted")
    assert "task.unwanted is cancelled" in told.out


async def test_an_operator_of_an_added_tenant_sees_nothing_of_another(
    scenario: Scenario, programs: Programs
) -> None:
    await scenario.participant()
    data, name = ("--data", str(scenario.runtime.folder.path)), f"{scenario.tenant}.other"
    added = (await programs.run("tenant", "add", name, *data, *JSON)).json
    other = Programs(scenario.profile, scenario.file("other.toml"))
    other._environment["PHOENIX_DMA_PROFILE"] = added["profile"]
    assert (await other.run("participants", *JSON)).json == []
    (own,) = (await other.run("user", "list", *JSON)).json
    assert [one["subject"] for one in own["enrolled_by"]] == ["issuer"]
    assert (await programs.run("user", "list", *JSON)).json == []
    hidden = await other.run("participants", "show", STEWARD)
    assert (hidden.code, "RESOURCE_NOT_FOUND" in hidden.err) == (1, True)
    tenants = (await other.run("tenant", "list", *JSON)).json
    assert [one["profiles"] for one in tenants if one["tenant"] == name] == [[added["profile"]]]
    twice = await programs.run("tenant", "add", name, "--operator", "human.second", *data)
    assert (twice.code, "RESOURCE_EXISTS" in twice.err) == (1, True), twice.err
    assert "phoenix-dma enrol person human.second --role operator" in twice.err
    for wrong in ("Bad Tenant!", "../elsewhere"):
        refused = await programs.run("tenant", "add", wrong, *data)
        assert (refused.code, "TENANT: " in refused.err) == (2, True)


async def test_a_refusal_has_reason_and_remedy_for_people_and_for_programs(
    scenario: Scenario, programs: Programs
) -> None:
    await scenario.participant()
    flags = ("submit", "--objective", "o", "--capability", "mind_reading", "--risk", "low")
    told = await programs.run(*flags)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("POLICY_DENIED: ")
    assert "What to do: " in told.err
    said = await programs.run(*flags, *JSON)
    error = json.loads(said.err)["error"]
    assert (said.code, error["reason"]) == (1, "POLICY_DENIED")
    assert error["remedy"]
    missing = await programs.run("tasks", "show", "task.none", *JSON)
    assert json.loads(missing.err)["error"]["reason"] == "RESOURCE_NOT_FOUND"


async def test_a_wrong_command_line_and_a_runtime_that_is_away_have_codes_of_their_own(
    scenario: Scenario, programs: Programs, tmp_path: Path
) -> None:
    await scenario.participant()
    wrong = await programs.run("submit", "-", given='{"objektive": "o"}')
    assert wrong.code == 2
    assert "objektive" in wrong.err
    programs._environment["PHOENIX_DMA_PROFILE"] = str(tmp_path / "none.toml")
    nowhere = await programs.run("tasks")
    assert nowhere.code == 3
    assert "phoenix-dma up" in nowhere.err


async def test_a_token_is_printed_alone_and_opens_the_rest_port(
    scenario: Scenario, programs: Programs
) -> None:
    await scenario.participant()
    await scenario.in_ledger("PARTICIPANT_REGISTERED")
    token = (await programs.run("token")).out.strip()
    async with http_client(scenario.profile.rest or "") as client:
        headers = {"authorization": f"Bearer {token}"}
        answer = await client.get("/audit/events", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["events"]


@pytest.mark.usefixtures("figure")
async def test_an_operator_verifies_the_audit_and_is_told_which_row_or_event_is_wrong(
    scenario: Scenario, programs: Programs
) -> None:
    done = (await programs.run(*SUBMIT, "--wait", *JSON)).json
    await scenario.in_ledger("TASK_SUCCEEDED", done["task_id"])
    # Nobody is left who has anything written: the ledger must not grow while its head is wrong.
    await programs.leave()
    await scenario.standing(STEWARD, "failed")
    await scenario.in_ledger("PARTICIPANT_FAILED")
    assert re.search(rf"{STEWARD} +agent +left", (await programs.run("participants")).out)
    whose = ("--data", str(scenario.runtime.folder.path), "--tenant", scenario.tenant)

    whole = await programs.run("audit", "verify", *whose)
    assert (whole.code, whole.err) == (0, "")
    assert "1 task: everything holds" in whole.out

    moved = "UPDATE assignment.tasks SET status = '%s' WHERE parent_task_id = ''"
    async with tampered(scenario, moved % "active", moved % "succeeded"):
        found = await programs.run("audit", "verify", *whose, *JSON)
    (one,) = json.loads(found.out)
    assert found.code == 1
    (finding,) = [f for f in one["findings"] if f["rule"] == "I6"]
    assert finding["subject"] == f"task/{done['task_id']}"
    assert "its row is active" in finding["text"]
    assert "the audit says succeeded" in finding["text"]

    unknown = await programs.run("audit", "verify", *whose[:2], "--tenant", "tenant.misspelt")
    assert (unknown.code, "tenant.misspelt has no audit here" in unknown.err) == (1, True)

    cut = "UPDATE governance.ledger_heads SET sequence = sequence %s 1 WHERE true"
    async with tampered(scenario, cut % "+", cut % "-"):
        found = await programs.run("audit", "verify", *whose)
    assert found.code == 1
    assert re.search(r"I7 +ledger sequence \d+ +the chain ends at", found.out)

    down = await programs.run("audit", "verify", "--data", str(scenario.file("nowhere")))
    assert (down.code, "Start it: phoenix-dma up" in down.err) == (3, True)
    wrong = scenario.runtime.admin_url.replace("://phoenix_admin:", "://phoenix_admin:x")
    refused = await programs.run("audit", "verify", "--postgres-url", wrong)
    assert (refused.code, "cannot be read" in refused.err) == (3, True)


@asynccontextmanager
async def tampered(scenario: Scenario, statement: str, undo: str) -> AsyncIterator[None]:
    """The tenant's rows changed past the services, and put back."""
    connection = await asyncpg.connect(scenario.runtime.admin_url)
    try:
        await connection.execute(f"{statement} AND tenant = '{scenario.tenant}'")
        yield
        await connection.execute(f"{undo} AND tenant = '{scenario.tenant}'")
    finally:
        await connection.close()
