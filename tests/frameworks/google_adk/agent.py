"""An agent of Google's Agent Development Kit whose model follows the script."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.genai import types

from phoenix_dma.adapters.google_adk import PhoenixPlugin
from tests.frameworks.contract.agent import TOOLS, Script, Tool, serve


class ScriptModel(BaseLlm):
    """Answers from the number of calls that stand in the contents that it is sent."""

    script: Any

    async def generate_content_async(
        self, llm_request: LlmRequest, *_: Any, **__: Any
    ) -> AsyncGenerator[LlmResponse, None]:
        parts = [part for one in llm_request.contents for part in one.parts or ()]
        call = await self.script.answer(sum(part.function_call is not None for part in parts))
        if call is None:
            part = types.Part(text="done")
        else:
            arguments = {"customer": call["customer"]}
            part = types.Part.from_function_call(name=call["tool"], args=arguments)
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def work(task: Any, script: Script, tools: list[Tool]) -> str:
    model = ScriptModel(model="script", script=script)
    agent = LlmAgent(name="reviewer", model=model, tools=list(tools))
    events = await PhoenixPlugin(task, TOOLS).run(agent, "Review the customers")
    content = events[-1].content
    return "".join(part.text or "" for part in content.parts or ()) if content else ""


if __name__ == "__main__":
    serve(work)
