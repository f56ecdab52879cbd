"""`phoenix-dma catalogue list`: every word of the shipped catalogue, with what it means."""

from governance_svc.adapters.bundle_folder import shipped_bundle
from phoenix_dma.cli.policy.catalogue import catalogue_rows


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
