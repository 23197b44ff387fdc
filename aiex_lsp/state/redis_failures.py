"""What goes wrong with Redis, in a user's words. No address is shown beyond host and port."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiex_lsp.errors import StateError
from aiex_lsp.state.primary import UnsuitableError


def place_of(url: str) -> str:
    """Return what of an address may be shown: host and port, or the socket's path."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            return parts.path or "a socket"
        return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    except ValueError:
        return "the configured address"


def not_installed() -> UnsuitableError:
    """Return the error where the extra is missing."""
    return UnsuitableError(
        "Shared state in Redis needs the redis package",
        "Install it: pip install 'aiex-lsp[redis]'",
    )


def bad_address() -> UnsuitableError:
    """Return the error of an address nobody can connect to."""
    return UnsuitableError(
        "coordination.url is no address of a Redis server",
        "Write it as redis://HOST:PORT/0, rediss:// for TLS or unix:///PATH",
    )


def timed_out(place: str, seconds: float) -> StateError:
    """Return the error of a server that is silent."""
    return StateError(
        f"Redis at {place} did not answer within {seconds:g} s",
        "See that it runs and can be reached from here",
    )


def explained(error: Exception, place: str) -> StateError:
    """Return the error with its reason and remedy.

    The server's own words are looked at and not repeated: they may quote what was sent.
    """
    said = str(error).upper()
    kind = type(error).__name__
    for words, what, step in _KNOWN:
        if any(word in said or word == kind.upper() for word in words):
            return StateError(what.format(place=place), step)
    return StateError(f"Redis at {place} refused an operation ({kind})", "Look at its log")


_KNOWN: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("WRONGPASS", "INVALID PASSWORD", "INVALID USERNAME"),
        "Redis at {place} refused user name or password",
        "Correct them in coordination.url",
    ),
    (
        ("NOAUTH", "AUTHENTICATION REQUIRED", "AUTHENTICATIONERROR"),
        "Redis at {place} asks for a password",
        "Write it in coordination.url: redis://:PASSWORD@HOST:PORT/0",
    ),
    (
        ("NOPERM", "NOPERMISSIONERROR", "NO PERMISSIONS"),
        "Redis at {place} does not let this user run the scripts that limits need",
        "Give the user EVAL, EVALSHA and the keys aiex:*",
    ),
    (
        ("LOADING", "BUSYLOADINGERROR"),
        "Redis at {place} is still loading its data",
        "Wait until it has",
    ),
    (
        ("READONLY", "READ ONLY", "READONLYERROR"),
        "Redis at {place} is a read-only replica",
        "Name the primary in coordination.url",
    ),
    (
        ("OOM ", "OUTOFMEMORYERROR", "MAXMEMORY"),
        "Redis at {place} has no memory left",
        "Raise its maxmemory",
    ),
    (
        ("MISCONF",),
        "Redis at {place} cannot save its data and refuses to write",
        "Look at its disk",
    ),
    (
        ("MAX NUMBER OF CLIENTS",),
        "Redis at {place} has too many clients",
        "Raise its maxclients",
    ),
    (
        ("CERTIFICATE", "SSL"),
        "The TLS connection to Redis at {place} failed",
        "Look at its certificate, and at rediss:// in coordination.url",
    ),
    (
        ("TIMEOUTERROR", "TIMEOUT"),
        "Redis at {place} did not answer in time",
        "See that it runs and can be reached from here",
    ),
    (
        ("CONNECTIONERROR", "CONNECTION", "OSERROR", "GAIERROR"),
        "Redis at {place} cannot be reached",
        "Start it, or correct coordination.url",
    ),
)
