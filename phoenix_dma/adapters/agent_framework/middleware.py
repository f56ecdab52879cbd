"""Middlewares that ask policy before each tool, and keep the messages in the task's context."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from agent_framework import Agent, ChatMiddleware, FunctionMiddleware, MiddlewareFailure

from phoenix_dma.adapters.agent_framework.messages import messages_of, portable_messages
from phoenix_dma.adapters.conversation import Conversation, reader_of
from phoenix_dma.adapters.governance import NotExecuted, ToolGovernance, Tools
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.task import Task

DISTRIBUTION: Final = "agent-framework-core"
Next = Callable[[], Awaitable[None]]


class PhoenixMiddleware:
    """Puts an agent's run under the governance of a task. One for each attempt at a task.

    Before a function executes, policy is asked with its arguments; a denial, or a human's no, is
    the function's result, which the model reads. The messages are checkpointed before each request
    to the model and at the end. ``tools`` says what the functions are to policy; make it in the
    handler. ``middleware`` is what `Agent.run` takes, where it is not `run` by us.
    """

    def __init__(self, task: Task | AsyncTask, tools: Tools | None = None) -> None:
        self.governance = ToolGovernance(task, tools)
        self.conversation = Conversation(self.governance.calls, reader_of(DISTRIBUTION))
        self.middleware = (_Functions(self), _Requests(self))
        self._begun: tuple[Any, ...] = ()

    async def run(self, agent: Agent[Any], prompt: str, **options: Any) -> Any:
        """Run ``agent``, from where an earlier owner of the task left, or from ``prompt``.

        ``options`` go to `Agent.run`; the answer is its `AgentResponse`. A conversation that was
        begun, by whichever framework, goes on without the prompt, which stands in it.
        """
        found = await self.conversation.restore()
        begun = messages_of(found.messages) if found else []
        middleware = [*options.pop("middleware", ()), *self.middleware]
        given: Any = begun or prompt
        try:
            response = await agent.run(given, middleware=middleware, **options)
        except MiddlewareFailure:
            self.governance.require()  # what stopped it, rather than the framework's word for it
            raise
        await self.conversation.save(portable_messages([*self._begun, *response.messages]))
        return response

    async def save(self, messages: Any) -> None:
        """Checkpoint what was said and done so far."""
        self.governance.require()
        # What the first request was sent stands before all that the response has.
        self._begun = self._begun or tuple(messages)
        await self.conversation.save(portable_messages(messages))


class _Functions(FunctionMiddleware):
    """Asks before each function."""

    def __init__(self, phoenix: PhoenixMiddleware) -> None:
        self._governance = phoenix.governance

    async def process(self, context: Any, call_next: Next) -> None:
        try:
            answer = await self._governance.ask(context.function.name, dict(context.arguments))
        except Exception as error:  # any other would become the function's result
            raise MiddlewareFailure(str(error)) from error
        if isinstance(answer, NotExecuted):
            context.result = str(answer)
        else:
            await call_next()


class _Requests(ChatMiddleware):
    """Checkpoints before each request to the model."""

    def __init__(self, phoenix: PhoenixMiddleware) -> None:
        self._phoenix = phoenix

    async def process(self, context: Any, call_next: Next) -> None:
        await self._phoenix.save(context.messages)
        await call_next()
