"""Crash windows: what dies where, in which cases, and the runtime that is brought back.

`windows` says where a service may die, `scenes_*` what is asked of it meanwhile, `crashes` keeps
the runtime; `tests/robustness/test_crash_windows.py` plays every case.
"""
