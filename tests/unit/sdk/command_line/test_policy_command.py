"""`phoenix-dma policy list` always says which rules decide now."""

import json

import pytest
from typer.testing import CliRunner

from phoenix_dma.cli import build
from phoenix_dma.cli.policy import commands
from phoenix_dma.v1 import governance_pb2

OLDER = governance_pb2.PolicyRevision(overlay_revision="sha256:old", uploaded_by="ann")
NEWER = governance_pb2.PolicyRevision(overlay_revision="sha256:new", active=True)


def listed(
    monkeypatch: pytest.MonkeyPatch, *newest_first: governance_pb2.PolicyRevision, options: str = ""
) -> tuple[str, str]:
    answer = (list(newest_first), "sha256:whole")
    monkeypatch.setattr(commands, "call_runtime", lambda *_: answer)
    shown = CliRunner().invoke(build(), ["policy", "list", *options.split()])
    assert shown.exit_code == 0, shown.output
    return shown.stdout, shown.stderr


def test_without_an_overlay_and_after_a_rollback_the_shipped_rules_decide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = "the shipped bundle decides alone; policy sha256:whole\n"
    assert listed(monkeypatch)[0] == f"no overlay was uploaded\n{said}"
    back = listed(monkeypatch, OLDER)[0]
    assert back.startswith("revision ")
    assert back.endswith(said)


def test_the_overlay_that_decides_is_named_also_where_it_is_not_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, more = listed(monkeypatch, OLDER, NEWER, options="--last 1")
    assert out.endswith("sha256:new decides; policy sha256:whole\n")
    assert more.startswith("1 more: ")


def test_programs_are_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(listed(monkeypatch, NEWER, OLDER, options="--json")[0])
    assert (found["policy_revision"], found["decides"]) == ("sha256:whole", "sha256:new")
    assert [one["overlay_revision"] for one in found["policies"]] == ["sha256:old", "sha256:new"]
    empty = json.loads(listed(monkeypatch, options="--json")[0])
    assert empty == {"policy_revision": "sha256:whole", "decides": "", "policies": []}
