"""Runs a program so that it never outlives the process that started it.

Started as a script: ``python -I -S parent_death.py PARENT SIGNAL UID GID -- program …``. It becomes
another user *before* it asks for the parent-death signal, since a change of user clears that, and
*after* it has read what it needs of this interpreter, which the other user may be unable to read.
Then it becomes the program (exec). Standard library only, so that it starts in milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
KEEP_USER = -1


def become(uid: int, gid: int) -> None:
    """Give up root for that user; ``KEEP_USER`` changes nothing."""
    if uid == KEEP_USER:
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with(parent: int, signal_number: int) -> None:
    """Ask the kernel for that signal when the parent dies; off Linux only the reaper does it."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # The parent may have died before the kernel was asked: then nobody would send the signal.
    if os.getppid() != parent:
        sys.exit(f"the parent {parent} is gone already")


def main() -> None:
    """Become the program that the command line names."""
    parent, signal_number, uid, gid = (int(text) for text in sys.argv[1:5])
    command = sys.argv[6:]
    become(uid, gid)
    die_with(parent, signal_number)
    os.execvp(command[0], command)  # noqa: S606 - no shell on purpose


if __name__ == "__main__":
    main()
