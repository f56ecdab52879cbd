"""Crash windows: what dies where, the scenes in which it does, and the house that is brought back.

`windows` says where a service may die, `scenes_*` what is asked of it meanwhile, `crashes` keeps
the house; `tests/robustness/test_crash_windows.py` plays every scene.
"""
