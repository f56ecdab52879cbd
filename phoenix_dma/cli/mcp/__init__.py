"""``phoenix-dma mcp``: the runtime as an MCP server, and MCP servers as participants."""
