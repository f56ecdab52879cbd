"""A capability that asks policy before each tool, and keeps the messages in the task's context."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from pydantic_ai import Agent, RunContext
from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.models import ModelRequestContext
from pydantic_ai.run import AgentRunResult
from pydantic_ai.tools import ToolDefinition

from phoenix_dma.adapters.conversation import Conversation, reader_of
from phoenix_dma.adapters.governance import NotExecuted, ToolGovernance, Tools
from phoenix_dma.adapters.pydantic_ai.messages import history_of, portable_messages
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.task import Task

DISTRIBUTION: Final = "pydantic-ai-slim"
Output = TypeVar("Output")


class PhoenixCapability(AbstractCapability[Any]):
    """Puts an agent's run under the governance of a task. One for each attempt at a task.

    Before a tool executes, policy is asked with the validated arguments; a denial, or a human's no,
    is the tool's failed result, which the model reads. The messages are checkpointed before each
    request to the model and at the end of the run. ``tools`` says what the tools are to policy;
    make it in the handler.
    """

    def __init__(self, task: Task | AsyncTask, tools: Tools | None = None) -> None:
        self.governance = ToolGovernance(task, tools)
        self.conversation = Conversation(self.governance.calls, reader_of(DISTRIBUTION))

    async def run(
        self, agent: Agent[Any, Output], prompt: str, **options: Any
    ) -> AgentRunResult[Output]:
        """Run ``agent``, from where an earlier owner of the task left, or from ``prompt``.

        ``options`` go to `Agent.run`. A conversation that was begun, by whichever framework, goes
        on without the prompt, which stands in it.
        """
        found = await self.conversation.restore()
        history = history_of(found.messages) if found else []
        capabilities = [*options.pop("capabilities", ()), self]
        return await agent.run(
            None if history else prompt,
            message_history=history or None,
            capabilities=capabilities,
            **options,
        )

    async def before_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        """Checkpoint what was said and done so far."""
        self.governance.require()
        await self.conversation.save(portable_messages(ctx.messages))
        return request_context

    def get_ordering(self) -> CapabilityOrdering:
        """Innermost: what other capabilities make of the arguments is what policy sees."""
        return CapabilityOrdering(position="innermost")

    async def before_tool_execute(
        self,
        ctx: RunContext[Any],
        *,
        call: ToolCallPart,
        tool_def: ToolDefinition,
        args: dict[str, Any],
    ) -> dict[str, Any]:
        """Let the tool execute where policy allows it; raises ToolFailed where it does not."""
        answer = await self.governance.ask(call.tool_name, args)
        if isinstance(answer, NotExecuted):
            raise ToolFailed(str(answer))
        return args

    async def after_run(
        self, ctx: RunContext[Any], *, result: AgentRunResult[Any]
    ) -> AgentRunResult[Any]:
        """Checkpoint the whole conversation."""
        await self.conversation.save(portable_messages(result.all_messages()))
        return result
