"""Programs and whole runtimes in processes of their own: killed, stalled or cut off by tests."""
