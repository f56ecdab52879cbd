"""The asynchronous SDK; `phoenix_dma.PhoenixClient` is its synchronous face."""

from phoenix_dma.aio.client import AsyncPhoenixClient
from phoenix_dma.aio.task import AsyncTask

__all__ = ["AsyncPhoenixClient", "AsyncTask"]
