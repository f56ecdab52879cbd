"""`phoenix-dma certify revoke`: by the certification's id, or by what was certified."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_dma.v1 import governance_pb2
from phoenix_runtime.core import errors
from tests.integration.sdk.test_command_line_listings import answering, runtime
from tests.support.fakes.any_answer import AnyAnswer

__all__ = ["answering", "runtime"]


def ran(*words: str) -> Result:
    command = ["certify", "revoke", *words, "--reason", "wrong"]
    result: Any = CliRunner().invoke(build(), command)
    return result  # type: ignore[no-any-return]


def held(
    *certified: tuple[str, str], revoked: str = ""
) -> governance_pb2.ListCertificationsResponse:
    """Certifications of agent.a by id and capability, newest first, perhaps with a revoked one."""
    answer = governance_pb2.ListCertificationsResponse()
    for certification_id, capability in certified:
        one = answer.certifications.add()
        one.certification_id, one.capability = certification_id, capability
        one.participant_id = "agent.a"
        if certification_id == revoked:
            one.revoke_time.FromSeconds(1)
    return answer


def revoked(runtime: AnyAnswer) -> str:
    return str(runtime.asked["RevokeCertification"].certification_id)


def test_an_id_is_taken_as_it_is(runtime: AnyAnswer) -> None:
    assert ran("cert.1").exit_code == 0
    assert revoked(runtime) == "cert.1"
    assert runtime.asked.keys() == {"RevokeCertification"}


def test_a_participant_and_its_capability_name_one(runtime: AnyAnswer) -> None:
    runtime.given["ListCertifications"] = held(
        ("cert.3", "policy_check"), ("cert.2", ""), ("cert.1", "policy_check"), revoked="cert.3"
    )
    assert ran("agent.a", "policy_check").exit_code == 0
    assert revoked(runtime) == "cert.1"
    assert runtime.asked["ListCertifications"].participant_id == "agent.a"


def test_several_are_named_and_none_is_revoked(runtime: AnyAnswer) -> None:
    runtime.given["ListCertifications"] = held(("cert.2", "x"), ("cert.1", "x"))
    shown = ran("agent.a", "x", "--json")
    assert (shown.exit_code, shown.stdout) == (2, "")
    error = json.loads(shown.stderr)["error"]
    assert error["reason"] == "COMMAND_LINE"
    assert "certified 2 times; name one by its id: cert.1, cert.2" in error["text"]
    assert "RevokeCertification" not in runtime.asked


def test_what_is_not_certified_is_told_with_what_is(runtime: AnyAnswer) -> None:
    runtime.given["ListCertifications"] = held(("cert.2", ""), ("cert.1", "x"))
    shown = ran("agent.a", "y")
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "RESOURCE_NOT_FOUND: y of agent.a is not certified" in shown.stderr
    assert "Certified are: x (cert.1), (owner) (cert.2)." in shown.stderr
    assert "RevokeCertification" not in runtime.asked


@pytest.mark.parametrize(("capability", "told"), [("", "the owner of agent.a"), ("x", "")])
def test_a_participant_alone_means_its_owner_as_for_grant(
    runtime: AnyAnswer, capability: str, told: str
) -> None:
    runtime.refusal = errors.NotFound("certification", "agent.a")
    runtime.refused = frozenset({"RevokeCertification"})
    runtime.given["ListCertifications"] = held(("cert.1", capability))
    shown = ran("agent.a")
    assert shown.exit_code == 1
    if told:
        assert revoked(runtime) == "cert.1"
    else:
        assert revoked(runtime) == "agent.a"
        assert "the owner of agent.a is not certified" in shown.stderr
        assert "Certified are: x (cert.1)." in shown.stderr


def test_an_id_that_is_nobodys_is_told_as_it_was(runtime: AnyAnswer) -> None:
    runtime.refusal = errors.NotFound("certification", "cert.9")
    runtime.refused = frozenset({"RevokeCertification"})
    runtime.given["ListCertifications"] = held()
    shown = ran("cert.9")
    assert "RESOURCE_NOT_FOUND: There is no certification cert.9" in shown.stderr


def test_its_help_names_both_ways() -> None:
    result: Any = CliRunner().invoke(build(), ["certify", "revoke", "--help"])
    told = " ".join(result.output.split())
    assert "certification" in told
    assert "[capability]" in told
    assert "The certification's id, or the participant's, as for grant." in told
    assert "certify revoke agent.a policy_check --reason" in told
