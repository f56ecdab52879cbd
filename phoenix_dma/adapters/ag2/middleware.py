"""A middleware that asks policy before each tool, and keeps the messages in the task's context."""

from __future__ import annotations

from typing import Any, Final

from ag2 import Agent, MemoryStream
from ag2.events import BaseEvent, ModelResponse, ToolCallEvent, ToolResultEvent
from ag2.middleware import BaseMiddleware

from phoenix_dma.adapters.ag2.messages import events_of, portable_messages
from phoenix_dma.adapters.conversation import Conversation, reader_of
from phoenix_dma.adapters.governance import NotExecuted, ToolGovernance, Tools
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.task import Task

DISTRIBUTION: Final = "ag2"


class PhoenixMiddleware:
    """Puts an agent's turn under the governance of a task. One for each attempt at a task.

    Before a tool executes, policy is asked with the call's arguments; a denial, or a human's no, is
    the tool's result, which the model reads. The messages are checkpointed before each call of the
    model and at the end. ``tools`` says what the tools are to policy; make it in the handler. It is
    what AG2 calls a middleware factory.
    """

    def __init__(self, task: Task | AsyncTask, tools: Tools | None = None) -> None:
        self.governance = ToolGovernance(task, tools)
        self.conversation = Conversation(self.governance.calls, reader_of(DISTRIBUTION))
        self._begun: list[BaseEvent] = []

    def __call__(self, event: Any, context: Any) -> BaseMiddleware:
        """The middleware of one turn."""
        return _Turn(event, context, self)

    async def run(self, agent: Agent, prompt: str, **options: Any) -> Any:
        """Run ``agent``, from where an earlier owner of the task left, or from ``prompt``.

        ``options`` go to `Agent.ask`, but for ``stream``, which is ours; the answer is its
        `AgentReply`. A conversation that was begun, by whichever framework, goes on without the
        prompt, which stands in it.
        """
        await self._restore()
        stream = MemoryStream()
        await stream.history.replace(self._begun[:-1])
        middleware = [*options.pop("middleware", ()), self]  # the last one is the innermost
        try:
            reply = await agent.ask(prompt, stream=stream, middleware=middleware, **options)
        finally:
            self.governance.require()  # AG2 makes a tool's result of whatever a tool raises
        await self.save(await stream.history.get_events())
        return reply

    async def save(self, events: Any) -> None:
        """Checkpoint what was said and done so far."""
        self.governance.require()
        await self.conversation.save(portable_messages(events))

    def first(self, event: BaseEvent) -> BaseEvent:
        """What the turn begins with: the last event of a conversation that goes on, else ours."""
        return self._begun[-1] if self._begun else event

    async def _restore(self) -> None:
        why = "AG2 keeps instructions with the agent"
        found = await self.conversation.restore(instructions=why)
        if found is not None:
            self._begun = events_of(found.messages)


class _Turn(BaseMiddleware):
    """The middleware of one turn."""

    def __init__(self, event: Any, context: Any, phoenix: PhoenixMiddleware) -> None:
        super().__init__(event, context)
        self._phoenix = phoenix

    async def on_turn(self, call_next: Any, event: Any, context: Any) -> Any:
        first = self._phoenix.first(event)
        # A conversation that ended with the model's word has nothing left to ask it.
        return first if isinstance(first, ModelResponse) else await call_next(first, context)

    async def on_llm_call(self, call_next: Any, events: Any, context: Any) -> Any:
        await self._phoenix.save(await context.stream.history.get_events())
        return await call_next(events, context)

    async def on_tool_execution(self, call_next: Any, event: ToolCallEvent, context: Any) -> Any:
        answer = await self._phoenix.governance.ask(event.name, event.serialized_arguments)
        if isinstance(answer, NotExecuted):
            return ToolResultEvent.from_call(event, result=str(answer))
        return await call_next(event, context)
