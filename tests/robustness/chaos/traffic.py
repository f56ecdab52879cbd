"""One tenant at work: tasks are submitted, agents come, checkpoint, hand off, retire."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any, Final

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.errors import PhoenixError
from tests.e2e.scenarios.agents import Agent
from tests.e2e.scenarios.scenario import Scenario, steward
from tests.robustness.chaos.history import History

WORKERS: Final = 3
OPEN_TASKS: Final = 4
BATCHES: Final = 4
PAUSE: Final = (0.05, 0.25)
"""Seconds of work before each checkpoint, from and to."""
CHURN_SECONDS: Final = (3.0, 6.0)


class Traffic:
    """A tenant's submitter, its workers, and the operator who moves tasks and replaces agents."""

    def __init__(self, scenario: Scenario, history: History, seed: int) -> None:
        self.scenario = scenario
        self.victim: Agent | None = None
        self._history = history
        self._chance = random.Random(seed)  # noqa: S311  # it has to be repeatable, not secret
        self._stack = AsyncExitStack()
        self._clients: dict[str, AsyncPhoenixClient] = {}
        self._going: list[asyncio.Task[None]] = []
        self._numbers = {"agent": 0, "task": 0, "victim": 0}
        self._ending = False
        self.open: set[str] = set()

    async def begin(self) -> None:
        """Register the workers and start to submit tasks."""
        await self._stack.enter_async_context(self.scenario)
        for _ in range(WORKERS):
            await self._join()
        await self.new_victim()
        self._going = [asyncio.create_task(step()) for step in (self._submit, self._churn)]

    async def settle(self, seconds: float) -> list[str]:
        """Submit no more and wait for the open tasks; answers how those stand that did not end."""
        self._ending = True
        await asyncio.gather(*self._going)
        deadline = asyncio.get_running_loop().time() + seconds
        while self.open and asyncio.get_running_loop().time() < deadline:
            await self._look()
            await asyncio.sleep(0.2)
        return [await self._story(task_id) for task_id in sorted(self.open)]

    async def end(self) -> None:
        """Stop all clients and leave the tenant."""
        self._ending = True
        for going in self._going:
            going.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)
        await asyncio.gather(*(client.close() for client in self._clients.values()))
        await self._stack.aclose()

    async def new_victim(self) -> None:
        """An agent that is a process of its own, for faults to kill or stop."""
        if self.victim is not None:
            await self.victim.kill()
        log = str(self._history.path.with_suffix(".log"))
        name = self._name("victim")
        self.victim = await self.scenario.agent(name, fields={"capacity": 1}, log=log)

    # ---- submitting

    async def _submit(self) -> None:
        while not self._ending:
            if len(self.open) < OPEN_TASKS:
                await self._insist(self._submit_one, self._name("task"))
            await self._look()
            await asyncio.sleep(0.1)

    async def _submit_one(self, task_id: str) -> None:
        api = await self.scenario.operator()
        batches = list(range(1, BATCHES + 1))
        task = self.scenario.task(
            task_id=task_id, input={"batches": batches}, max_attempts=50, max_losses=0
        )
        await api.submit(task, request_id=f"submit.{task_id}")
        self.open.add(task_id)
        self._history.acknowledge(self.scenario.tenant, "submitted", task_id)

    async def _look(self) -> None:
        """Record which tasks have succeeded; that may not be taken back later."""
        try:
            api = await self.scenario.operator()
            found = [await api.get_task(task_id) for task_id in sorted(self.open)]
        except PhoenixError as refused:
            self._history.note("refused", tenant=self.scenario.tenant, why=refused.reason)
            return
        for task in found:
            if task.status == "succeeded":
                self.open.discard(task.id)
                self._history.acknowledge(self.scenario.tenant, "succeeded", task.id)

    async def _story(self, task_id: str) -> str:
        """Describe a task that did not end: its state, owner and last events."""
        found = await (await self.scenario.operator()).get_task(task_id)
        events = await self.scenario.events(about=f"task/{task_id}")
        latest = [f"{one.timestamp:%H:%M:%S} {one.type} {one.participant}" for one in events[-12:]]
        held = f"{found.status} {found.participant or 'nobody'} {found.epoch}"
        self._history.note("stuck", task=task_id, held=held, latest=latest)
        return f"{self.scenario.tenant} {task_id} {held}: {'; '.join(latest)}"

    # ---- working

    async def _join(self) -> None:
        """Register one more worker through the SDK."""
        client = AsyncPhoenixClient(profile=self.scenario.profile)
        name = self._name("agent")
        client.task_handler()(self._work)
        self._clients[name] = client
        await self._insist(self._register, client, name)

    async def _register(self, client: AsyncPhoenixClient, name: str) -> None:
        if client.participant is None:
            await client.register_participant(**steward(name, {"capacity": 2}))
            client.handlers_complete = lambda: True

    async def _work(self, task: AsyncTask) -> dict[str, Any]:
        done = list((await task.context()).get("outputs", {}).get("done", []))
        for batch in task.input["batches"]:
            if batch not in done:
                await asyncio.sleep(self._chance.uniform(*PAUSE))
                done.append(batch)
                made = await task.checkpoint({"done": done})
                facts = {"version": made.version, "hash": made.hash}
                self._history.acknowledge(self.scenario.tenant, "checkpointed", task.id, **facts)
        return {"done": done}

    # ---- moving tasks and replacing agents

    async def _churn(self) -> None:
        """Hand off a task, or retire an agent and register another, every few seconds."""
        while not self._ending:
            await asyncio.sleep(self._chance.uniform(*CHURN_SECONDS))
            step = self._chance.choice([self._hand_off, self._replace])
            try:
                await step()
            except PhoenixError as refused:
                self._history.note("refused", tenant=self.scenario.tenant, why=refused.reason)

    async def _hand_off(self) -> None:
        api = await self.scenario.operator()
        active = await api.list_tasks(statuses=("active",))
        if active:
            await api.hand_off(self._chance.choice(active).id)

    async def _replace(self) -> None:
        name = self._chance.choice(sorted(self._clients))
        client = self._clients.pop(name)
        try:
            await (await self.scenario.operator()).retire(name, reason="the project ends")
        finally:
            await client.drain()
            await self._join()

    async def _insist(self, step: Any, *arguments: Any) -> None:
        """Repeat the step until it is acknowledged."""
        while not self._ending:
            try:
                await step(*arguments)
            except (PhoenixError, TimeoutError) as refused:
                self._history.note("refused", tenant=self.scenario.tenant, why=str(refused)[:200])
                await asyncio.sleep(0.3)
            else:
                return

    def _name(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind}.{self._numbers[kind]:03d}"
