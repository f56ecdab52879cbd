"""One's own words and rules in a running runtime: each command of the page about them."""

import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from phoenix_dma.errors import ApprovalRequired, PolicyDenied
from phoenix_dma.policy_files import TEMPLATE
from tests.e2e.scenarios.scenario import TASK, Scenario
from tests.support.processes.programs import Programs

PAGE = Path(__file__).parents[3] / "docs" / "own-rules.md"
PAYER = "agent.payer.001"
RULE = "rules/payments.rego"
NEED: dict[str, Any] = {
    "required_capabilities": ["invoice_payment"],
    "data_domains": ["payments"],
}
PAY: dict[str, Any] = {"kind": "data_mutation", "name": "pay", "domain": "payments"}


@pytest.fixture
async def programs(scenario: Scenario) -> AsyncIterator[Programs]:
    programs = Programs(scenario.profile, scenario.file("profile.toml"))
    yield programs
    await programs.leave()


def commands(folder: Path) -> list[list[str]]:
    """The commands of the page, in order, on the overlay in ``folder``."""
    lines = re.findall(r"^\$ phoenix-dma (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    found = [shlex.split(line) for line in lines]
    return [[*line[:2], *(str(folder) if w == "policy" else w for w in line[2:])] for line in found]


async def test_the_page_brings_words_and_a_rule_that_sees_the_amount(
    scenario: Scenario, programs: Programs, tmp_path: Path
) -> None:
    folder = tmp_path / "policy"
    listed = commands(folder)
    kinds = [line[1] for line in listed]
    assert kinds == ["init", "test", "apply", "list", "list", "rollback", "rollback"]
    with pytest.raises(PolicyDenied, match="knows no capability invoice_payment"):
        await scenario.submit(**NEED)
    printed = {}
    for line in listed[:5]:
        ended = await programs.run(*line)
        assert ended.code == 0, (line, ended.err)
        printed[" ".join(line[:3])] = ended.out
    assert "invoice_payment" in printed["catalogue list capability"]
    assert "5 tests passed" in printed[f"policy test {folder}"]
    await amounts_are_judged(scenario)
    await mistakes_are_named(programs, folder)
    for line in listed[5:]:
        assert (await programs.run(*line)).code == 0
    assert "payments" not in (await programs.run("catalogue", "list", "domain")).out
    kinds = [event.type for event in await scenario.events("POLICY_UPLOADED", "POLICY_ACTIVATED")]
    assert kinds.count("POLICY_UPLOADED") == 1
    assert kinds.count("POLICY_ACTIVATED") >= 3


async def amounts_are_judged(scenario: Scenario) -> None:
    """9,000 is paid; 12,000 waits for a human, who sees the content."""
    payer = await scenario.participant(
        PAYER,
        owner="finance",
        capabilities=["invoice_payment"],
        data_domains=["payments"],
        permissions=["pay_invoices"],
    )
    await scenario.submit(**NEED)
    epoch = (await payer.take(TASK)).task.epoch
    small = {"amount": 9000, "iban": "DE02"}
    assert (await payer.authorize(TASK, epoch, subject=small, **PAY)).authorization_id
    with pytest.raises(ApprovalRequired) as asked:
        await payer.authorize(TASK, epoch, subject={**small, "amount": 12000}, **PAY)
    operator = await scenario.operator()
    question = await operator.get_approval(asked.value.approval_id)
    assert question.subject["amount"] == 12000
    assert "DE02" not in str(await scenario.events())


async def mistakes_are_named(programs: Programs, folder: Path) -> None:
    """A rule that reads what no input has is refused with the path, and nothing changes."""
    rule = folder / RULE
    rule.write_text(TEMPLATE[RULE].replace("input.subject.amount >", "input.subjct.amount >"))
    refused = await programs.run("policy", "apply", str(folder))
    assert refused.code == 1
    assert "input.subjct.amount" in refused.err
    assert "nearest is input.subject" in refused.err
    rule.write_text(TEMPLATE[RULE])
