"""Calls: the channel, the stubs, credentials, retries and errors."""
