"""A plugin that asks policy before each tool, and keeps the messages in the task's context."""

from __future__ import annotations

from typing import Any, Final

from google.adk.agents import BaseAgent
from google.adk.events import Event
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import InMemoryRunner
from google.genai import types

from phoenix_dma.adapters.conversation import Conversation, reader_of
from phoenix_dma.adapters.google_adk.messages import contents_of, portable_messages
from phoenix_dma.adapters.governance import NotExecuted, ToolGovernance, Tools
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.task import Task

DISTRIBUTION: Final = "google-adk"
USER: Final = "phoenix-dma"


class PhoenixPlugin(BasePlugin):
    """Puts a run under the governance of a task. One for each attempt at a task.

    Before a tool executes, policy is asked with its arguments; a denial, or a human's no, is the
    tool's response, which the model reads. The messages are checkpointed before each request to the
    model and at the end. ``tools`` says what the tools are to policy; make it in the handler.
    """

    def __init__(self, task: Task | AsyncTask, tools: Tools | None = None) -> None:
        super().__init__(name="phoenix_dma")
        self.governance = ToolGovernance(task, tools)
        self.conversation = Conversation(self.governance.calls, reader_of(DISTRIBUTION))
        self._begun: list[types.Content] = []
        self._said: list[types.Content] = []

    async def run(
        self, agent: BaseAgent, prompt: str, plugins: tuple[BasePlugin, ...] = ()
    ) -> list[Event]:
        """Run ``agent``, from where an earlier owner of the task left, or from ``prompt``.

        The answer is the run's events, of which the last one has the model's last word; ``plugins``
        come before ours. A conversation that was begun, by whichever framework, goes on without the
        prompt, which stands in it.
        """
        await self._restore()
        if self._begun and _is_over(self._begun[-1]):
            return [Event(author=agent.name, content=self._begun[-1])]
        runner = InMemoryRunner(agent=agent, plugins=[*plugins, self])
        session = await runner.session_service.create_session(
            app_name=runner.app_name, user_id=USER
        )
        asked = types.Content(role="user", parts=[types.Part(text=prompt)])
        run = runner.run_async(user_id=USER, session_id=session.id, new_message=asked)
        try:
            events = [event async for event in run]
        except Exception:
            self.governance.require()  # what stopped it, rather than the kit's word for it
            raise
        await self._save(self._said)
        return events

    async def before_model_callback(self, *, callback_context: Any, llm_request: Any) -> None:
        """Put what was begun before the run in place of its prompt, and checkpoint."""
        if self._begun:
            llm_request.contents[:1] = self._begun
        self._said = list(llm_request.contents)
        await self._save(self._said)

    async def after_model_callback(self, *, callback_context: Any, llm_response: Any) -> None:
        """Keep what the model said for the checkpoint at the end of the run."""
        if llm_response.content is not None and not llm_response.partial:
            self._said.append(llm_response.content)

    async def before_tool_callback(
        self, *, tool: Any, tool_args: dict[str, Any], tool_context: Any
    ) -> dict[str, Any] | None:
        """Answer in the tool's place where policy does not allow it to execute."""
        answer = await self.governance.ask(tool.name, tool_args)
        return {"error": str(answer)} if isinstance(answer, NotExecuted) else None

    async def _save(self, contents: list[types.Content]) -> None:
        self.governance.require()
        await self.conversation.save(portable_messages(contents))

    async def _restore(self) -> None:
        why = "the kit keeps instructions with the agent"
        found = await self.conversation.restore(instructions=why)
        if found is not None:
            self._begun = contents_of(found.messages)


def _is_over(content: types.Content) -> bool:
    """Whether a conversation ended with the model's word, so that nothing is left to ask it."""
    return bool(content.role == "model")
