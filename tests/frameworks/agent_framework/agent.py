"""An agent of Microsoft's Agent Framework whose model follows the script."""

from __future__ import annotations

import json
from typing import Any

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatMiddlewareLayer,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    Message,
    tool,
)

from phoenix_dma.adapters.agent_framework import PhoenixMiddleware
from tests.frameworks.contract.agent import TOOLS, Script, Tool, serve


class ScriptClient(FunctionInvocationLayer, ChatMiddlewareLayer, BaseChatClient):  # type: ignore[misc]
    """Answers from the number of calls that stand in the messages that it is sent."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script

    async def _inner_get_response(self, *, messages: Any, **_: Any) -> ChatResponse:
        contents = [content for message in messages for content in message.contents]
        done = sum(content.type == "function_call" for content in contents)
        call = await self._script.answer(done)
        if call is None:
            return ChatResponse(messages=[Message("assistant", ["done"])])
        arguments = json.dumps({"customer": call["customer"]})
        called = Content.from_function_call(f"asked-{done}", call["tool"], arguments=arguments)
        return ChatResponse(messages=[Message("assistant", [called])])


async def work(task: Any, script: Script, tools: list[Tool]) -> str:
    functions = [tool(one, approval_mode="never_require") for one in tools]
    agent = Agent(client=ScriptClient(script), name="reviewer", tools=functions)
    response = await PhoenixMiddleware(task, TOOLS).run(agent, "Review the customers")
    return str(response.text)


if __name__ == "__main__":
    serve(work)
