"""A customer steward: finds duplicates batch by batch, asks policy and a human, then merges.

    python -m examples.stewardship.steward --id agent.customer-steward.001 --merges folder

Everything that it knows is in the task's context, so whoever takes over goes on where the last
checkpoint was, and redoes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from examples.stewardship import scenario
from examples.stewardship.analysis import (
    SURE,
    WORTH_A_LOOK,
    Finding,
    Pair,
    batches,
    finding_of,
    golden_records,
    proposal,
    worth_a_look,
)
from examples.stewardship.linkage import People, candidates, compare, people
from examples.stewardship.scenario import say
from phoenix_dma import ApprovalRejected, ApprovalRequired, Context, PhoenixClient, Task
from phoenix_dma.declare import task as declared


@dataclass(slots=True)
class Progress:
    """What the task's context says has been done."""

    batches: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, context: Context) -> Self:
        """As it was checkpointed; nothing where only the input is there."""
        outputs = context.outputs or {}
        return cls(
            batches=list(context.get("artifacts", [])) if context.version else [],
            findings=[finding_of(one) for one in outputs.get("findings", [])],
            decisions=list(context.get("decisions", [])) if context.version else [],
        )

    def checkpoint(self, task: Task) -> int:
        """Record it; the version."""
        made = task.checkpoint(
            outputs={"findings": [finding.document() for finding in self.findings]},
            artifacts=self.batches,
            decisions=self.decisions,
        )
        return made.version

    @property
    def checked(self) -> int:
        """How many findings the policy agent has judged."""
        return sum(d["checked"] for d in self.decisions if d.get("kind") == "merge_constraints")

    @property
    def proposed(self) -> dict[str, Any] | None:
        """What a human was asked about and has not refused yet."""
        found = [d for d in self.decisions if d.get("kind") in {"proposed", "human_refused"}]
        return found[-1].get("subject") if found else None

    @property
    def breaches(self) -> list[dict[str, str]]:
        """What the policy agent found to speak against merges."""
        return [breach for d in self.decisions for breach in d.get("breaches", [])]


class Steward:
    """One steward; ``hold_in`` is the batch in whose middle it waits, 0 for none."""

    def __init__(self, participant_id: str, merges: Path, hold_in: int) -> None:
        self._id = participant_id
        self._merges = merges
        self._hold_in = hold_in
        self._people: People = people()

    def handle(self, task: Task) -> dict[str, Any]:
        """The whole task, from wherever its context says that it is."""
        leave = task.authorize("data_read", "customer_records", domain=scenario.DOMAIN)
        say("may_read", authorization=leave.id, decision=leave.decision_id, epoch=task.epoch)
        context = task.context()
        progress = Progress.of(context)
        if task.restored:
            self._say_restored(task, context, progress)
        self._analyse(task, progress)
        self._ask_policy(task, progress)
        chosen, leave_id = self._ask_human(task, progress)
        return self._merge(task, progress, chosen, leave_id)

    def _analyse(self, task: Task, progress: Progress) -> None:
        pairs = candidates(self._people)
        for number, batch in enumerate(batches(pairs, scenario.BATCH_SIZE), 1):
            if number < len(progress.batches):
                continue  # checkpointed already, by us or by whoever held the task before
            if number > len(progress.batches):
                self._analyse_batch(task, progress, number, batch)
            # What follows the last batch may be open, where the task was lost just after it.
            if number == scenario.POLICY_AFTER:
                self._ask_policy(task, progress)
            if number == scenario.PROPOSED_AFTER and progress.proposed is None:
                self._propose(task, progress)

    def _analyse_batch(
        self, task: Task, progress: Progress, number: int, batch: list[Pair]
    ) -> None:
        say("analysing", batch=number, pairs=len(batch))
        found = worth_a_look(self._compare(number, batch))
        progress.findings += found
        progress.batches.append(
            {"batch": number, "pairs": len(batch), "findings": len(found), "by": self._id}
        )
        version = progress.checkpoint(task)
        say("checkpointed", batch=number, version=version, epoch=task.epoch)

    def _compare(self, number: int, batch: list[Pair]) -> list[Finding]:
        half = len(batch) // 2
        found = compare(self._people, batch[:half])
        if number == self._hold_in:
            say("in_the_middle", batch=number, compared=half)
            sys.stdin.readline()
        return found + compare(self._people, batch[half:])

    def _ask_policy(self, task: Task, progress: Progress) -> None:
        """A child task for the policy agent; its answer is recorded as a decision."""
        new = progress.findings[progress.checked :]
        if not new:
            return
        child = task.submit(
            declared(
                {
                    "objective": "Validate merge constraints on the findings so far",
                    "required_capabilities": ["policy_check"],
                    "data_domains": [scenario.DOMAIN],
                    "risk_level": "medium",
                    "policy_constraints": [scenario.CONSTRAINTS[0]],
                    "input": {"findings": [finding.document() for finding in new]},
                }
            )
        )
        say("asked_policy", child=child.id, findings=len(new))
        answer = task.wait_for(child, timeout=300)
        if answer.status != "succeeded" or answer.result is None:
            raise RuntimeError(f"the policy agent's task {child.id} is {answer.status}")
        progress.decisions.append({"kind": "merge_constraints", "task": child.id, **answer.result})
        version = progress.checkpoint(task)
        say("policy_answered", child=child.id, version=version, **answer.result)

    def _propose(self, task: Task, progress: Progress) -> None:
        """Put what was found so far before a human, and do not wait: people take their time."""
        chosen = proposal(progress.findings, progress.breaches, at_least=WORTH_A_LOOK)
        try:
            task.authorize(
                "data_mutation", "merge", domain=scenario.DOMAIN, subject=chosen, wait=False
            )
        except ApprovalRequired as asked:
            # Whoever goes on with the task waits for the answer to the same content.
            progress.decisions.append({"kind": "proposed", "by": self._id, "subject": chosen})
            progress.checkpoint(task)
            say("proposed", approval=asked.approval_id, pairs=len(chosen["pairs"]))

    def _ask_human(self, task: Task, progress: Progress) -> tuple[dict[str, Any], str]:
        """Wait for the human, and propose something more careful where the answer is no."""
        chosen = progress.proposed
        while True:
            if chosen is None:
                chosen = proposal(progress.findings, progress.breaches, at_least=SURE)
            say("proposing", at_least=chosen["at_least"], pairs=len(chosen["pairs"]))
            try:
                leave = task.authorize(
                    "data_mutation", "merge", domain=scenario.DOMAIN, subject=chosen
                )
            except ApprovalRejected as rejected:
                if chosen["at_least"] >= SURE:
                    raise
                chosen = None
                progress.decisions.append(
                    {
                        "kind": "human_refused",
                        "by": rejected.decided_by,
                        "comment": rejected.comment,
                        "answer": f"only pairs with a score of at least {SURE} are proposed now",
                    }
                )
                progress.checkpoint(task)
            else:
                say("may_merge", authorization=leave.id, approval=leave.approval_id)
                return chosen, leave.id

    def _merge(
        self, task: Task, progress: Progress, chosen: dict[str, Any], leave_id: str
    ) -> dict[str, Any]:
        """Carry out exactly what was approved; the authorization id makes a repetition harmless."""
        golden = golden_records(chosen["pairs"], self._people.records)
        (self._merges / f"{leave_id}.json").write_text(json.dumps(golden, indent=2))
        rationale = (
            f"{len(chosen['pairs'])} pairs score at least {chosen['at_least']}, break no merge "
            "constraint, and a human approved exactly these"
        )
        task.fulfil("decision_rationale", {"rationale": rationale, "by": self._id})
        progress.checkpoint(task)
        say("merged", authorization=leave_id, records=len(golden))
        return {
            "merged": len(golden),
            "pairs": chosen["pairs"],
            "authorization_id": leave_id,
            "rationale": rationale,
        }

    def _say_restored(self, task: Task, context: Context, progress: Progress) -> None:
        say(
            "restored",
            version=context.version,
            hash=context.hash,
            epoch=task.epoch,
            artifacts=progress.batches,
            decisions=progress.decisions,
            findings=len(progress.findings),
            approvals={one.approval_id: one.outcome for one in task.approvals},
            obligations=[o.id for o in task.obligations if not o.fulfilled],
            lineage=[event.type for event in task.lineage()],
        )


def main() -> None:
    """Register, and work until told to leave."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--id", required=True)
    parser.add_argument("--merges", type=Path, required=True)
    parser.add_argument("--hold-in-batch", type=int, default=0)
    parser.add_argument("--cost", type=float, default=1.0)
    given = parser.parse_args()
    steward = Steward(given.id, given.merges, given.hold_in_batch)
    client = PhoenixClient(base_url="https://phoenix.example.com")
    client.task_handler(capability="customer_validation")(steward.handle)
    client.register_participant(
        id=given.id,
        type="agent",
        capabilities=scenario.CAPABILITIES,
        owner=scenario.STEWARD_OWNER,
        data_domains=[scenario.DOMAIN],
        permissions=["read_customer_master", "suggest_merge", "merge_customer_master"],
        cost=given.cost,
    )
    say("here", participant=given.id)


if __name__ == "__main__":
    main()
