"""`phoenix-dma catalogue list`: every word of the shipped catalogue, with what it means."""

import pytest
from typer.testing import CliRunner

from governance_svc.adapters.bundle_folder import shipped_bundle
from phoenix_dma.cli import build
from phoenix_dma.cli.policy import catalogue
from phoenix_dma.cli.policy.catalogue import catalogue_rows
from phoenix_dma.v1 import governance_pb2
from phoenix_dma.wire.conversions import struct_of


def test_every_word_of_the_catalogue_is_listed_with_its_meaning() -> None:
    document = shipped_bundle().data
    rows = {(kind, name): meaning for kind, name, meaning in catalogue_rows(document)}
    named = ("capabilities", "domains", "permissions", "constraints", "needs", "owners")
    counted = sum(len(document[section]) for section in named)  # type: ignore[arg-type]
    counted += len(document["participant_types"]) + len(document["trust_policies"])  # type: ignore[arg-type]
    assert len(rows) == counted
    assert rows["capability", "record_merge"] == "high risk, matched only when certified"
    assert rows["domain", "product"] == "contains product_master"
    assert rows["permission", "suggest_merge"] == "read, recommend on customer_master"
    assert rows["constraint", "no_direct_write"] == "forbids data.operate kind data_mutation"
    gated = rows["constraint", "human_approval_required_for_merge"]
    assert gated.startswith("a human approves data.operate name merge; obliges: A human approves")
    assert rows["constraint", "degraded_allowed"] == "permits status degraded"


def test_the_command_lists_one_vocabulary_or_all_and_says_which_policy_decides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = governance_pb2.GetCatalogueResponse(
        catalogue=struct_of(shipped_bundle().data), policy_revision="sha256:whole"
    )
    monkeypatch.setattr(catalogue, "call_runtime", lambda *_: answer)

    def listed(*kind: str) -> list[str]:
        shown = CliRunner().invoke(build(), ["catalogue", "list", *kind])
        assert shown.exit_code == 0, shown.output
        header, *lines, policy = shown.stdout.splitlines()
        assert header.split() == ["kind", "name", "meaning"]
        assert policy == "policy sha256:whole"
        return lines

    everything, permissions = listed(), listed("permission")
    # Compared by words: a column is as wide as the longest of the words that are shown.
    told = [line.split() for line in everything]
    assert [line.split() for line in permissions] == [one for one in told if one[0] == "permission"]
    assert ["permission", "suggest_merge"] in [line.split()[:2] for line in permissions]
    assert len(everything) == len(list(catalogue_rows(shipped_bundle().data)))
