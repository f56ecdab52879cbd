"""A dossier that would be larger than a message says which part it shows in part."""

from gateway.aggregate.task_dossier import LARGEST, add_part
from phoenix_dma.v1 import approval_pb2, assignment_pb2, common_pb2, gateway_pb2
from phoenix_dma.wire.sizes import MESSAGE_BYTES


def test_a_full_dossier_names_the_part_and_what_it_shows_of_it() -> None:
    task = assignment_pb2.Task(task_id="t", reason="x" * (5 << 20))
    dossier = gateway_pb2.GetTaskDossierResponse(task=task)
    large = "x" * (1 << 20)
    approvals = [approval_pb2.Approval(approval_id=f"a.{n}", comment=large) for n in range(9)]
    add_part(dossier, "approvals", approvals)
    add_part(dossier, "checkpoints", [common_pb2.ContextPointer(version=1)])
    assert LARGEST - (1 << 20) < dossier.ByteSize() < MESSAGE_BYTES
    assert [one.approval_id for one in dossier.approvals] == ["a.0", "a.1"]
    assert dossier.checkpoints
    (missing,) = dossier.missing
    assert (missing.part, missing.reason) == ("approvals", common_pb2.ERROR_REASON_TOO_LARGE)
    assert "2 of 9 approvals" in missing.message
