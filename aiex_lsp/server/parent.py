"""The watch on the editor's process: servers must not outlive their editors."""

from __future__ import annotations

import asyncio
import os
import sys

_POLL = 2.0
"""Seconds between looks where the system has no event for a process's end."""


async def wait_for_death(process_id: int) -> None:
    """Return when the process ends; never for one that cannot be seen from here.

    That is the case where the editor runs outside this container and its number means nothing.
    """
    if process_id <= 0 or not alive(process_id):
        await asyncio.get_running_loop().create_future()
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(process_id)
        except OSError:
            pass
        else:
            await _readable(descriptor)
            return
    while alive(process_id):  # noqa: ASYNC110 - another process sets no event here
        await asyncio.sleep(_POLL)


def alive(process_id: int) -> bool:
    """Return whether a process of that number runs."""
    if sys.platform == "win32":
        return _alive_on_windows(process_id)
    try:
        os.kill(process_id, 0)
    except (ProcessLookupError, OverflowError):  # the latter: no number of a process
        return False
    except OSError:
        return True
    return True


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _alive_on_windows(process_id: int) -> bool:
    import ctypes

    query, still_active = 0x1000, 259  # PROCESS_QUERY_LIMITED_INFORMATION, STILL_ACTIVE
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - absent elsewhere, for mypy too
    handle = kernel.OpenProcess(query, False, process_id)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
