"""The same agent in Python, by the SDK, which does the session, the hashes and handoffs by itself.

python agent.py <participant id>      work until killed
python agent.py vectors <folder>      check the hashes of tests/vectors
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from phoenix_dma import PhoenixClient, Task
from phoenix_dma.wire.canonical_json import canonical, content_hash


def serve(participant_id: str) -> None:
    """Register and work on tasks."""
    client = PhoenixClient()
    client.register_participant(
        id=participant_id,
        type="agent",
        owner="data-governance",
        capabilities=["duplicate_detection"],
        permissions=["read_customer_master", "suggest_merge"],
        data_domains=["customer"],
    )
    say(f"registered {participant_id}")

    @client.task_handler(capability="duplicate_detection")
    def work(task: Task) -> dict[str, list[str]]:
        """Do what is left of the task: each step is written down with the language that did it."""
        say(f"{'took over' if task.restored else 'started'} {task.id} epoch {task.epoch}")
        known = task.context() if task.restored else {}
        done = list(known.get("outputs", {}).get("done", []))
        while len(done) < task.input.get("steps", 0):
            time.sleep(0.05)  # the work itself
            done.append("python")
            task.checkpoint(outputs={"done": done})
            say(f"checkpointed {len(done)}")
            while len(done) in task.input.get("pause_after", []) and not task.cancelled:
                time.sleep(1)  # the play kills this agent here
        say(f"completed {task.id}")
        return {"done": done}


def check_vectors(folder: Path) -> None:
    """Compare the SDK with tests/vectors, as every client does."""
    vectors = json.loads((folder / "canonical_json.json").read_text())["vectors"]
    for one in vectors:
        value = json.loads(one["input"])
        if canonical(value).decode() != one["canonical"] or content_hash(value) != one["hash"]:
            sys.exit(one["name"])
    say(f"vectors {len(vectors)}")


def say(line: str) -> None:
    """Print one line for people, and for the play that starts and kills agents."""
    print(line, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "vectors":
        check_vectors(Path(sys.argv[2]))
    else:
        serve(sys.argv[1])
