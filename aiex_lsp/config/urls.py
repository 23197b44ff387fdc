"""Base addresses of providers, brought to one form."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit, urlunsplit

OLLAMA_PORT = 11434
"""The port Ollama listens on unless told otherwise (its documentation)."""

VERSIONED_TYPES = frozenset({"anthropic", "openai", "lm_studio"})
"""Dialects whose base address ends in /v1 unless a path is given."""


def normalise_base_url(provider_type: str, url: str) -> tuple[str, str | None]:
    """Return (address, None), or ("", what is wrong with it).

    With or without `/v1` comes out the same; a path (gateways, Azure) is kept; 0.0.0.0, which
    only servers can use, becomes this machine's loopback address.
    """
    url = url.strip()
    if "://" not in url and re.match(r"[\w.\-\[\]:]+(/|$)", url):
        host_part = url.split("/")[0]
        scheme = "http" if is_own_host(_host_of(host_part)) else "https"
        url = f"{scheme}://{url}"
    parts, wrong = _split(url)
    if parts is None:
        return "", wrong
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    if provider_type in VERSIONED_TYPES:
        path = path or "/v1"
    elif provider_type == "ollama":
        path = re.sub(r"/(v1|api)$", "", path)
    return urlunsplit((parts.scheme, parts.netloc, path, "", "")), None


def ollama_host_url(value: str) -> tuple[str, str | None]:
    """Return (address, None) of an `OLLAMA_HOST`, or ("", what is wrong with it).

    As Ollama reads it: `host`, `:port`, `host:port`, IPv6 with or without brackets, with or
    without scheme; the port is 11434 unless the scheme says another.
    """
    value = value.strip().strip("\"'").strip()
    scheme, given, rest = value.rpartition("://")
    scheme = scheme.lower() if given else "http"
    authority, slash, path = rest.partition("/")
    default_port = {"http": 80, "https": 443}.get(scheme) if given else OLLAMA_PORT
    try:
        if isinstance(ipaddress.ip_address(authority.strip("[]")), ipaddress.IPv6Address):
            authority = f"[{authority.strip('[]')}]"
    except ValueError:
        pass
    if authority.startswith(":") and authority.count(":") == 1:
        authority = f"127.0.0.1{authority}"
    authority = authority or "127.0.0.1"
    if not re.search(r":\d+$", re.sub(r"^\[.*\]", "", authority)) and default_port:
        authority = f"{authority}:{default_port}"
    return normalise_base_url("ollama", f"{scheme}://{authority}{slash}{path}")


def is_own_address(url: str) -> bool:
    """Return whether a base address is this machine's own, without asking the network."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return is_own_host(host)


def is_own_host(host: str) -> bool:
    """Return whether a host name or address is this machine's own, without asking the network."""
    host = host.strip("[]").rstrip(".").casefold()
    if not host:
        return False
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        own = socket.gethostname().casefold().rstrip(".")
        names = {"localhost", own, f"{own}.local", f"{own.split('.')[0]}.local"}
        return host in names - {"", ".local"} or host.endswith(".localhost")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback or address.ipv4_mapped.is_unspecified
    return address.is_loopback or address.is_unspecified


def without_password(url: str) -> str:
    """Return an address without the user and password it may hold."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "********"
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc="********@" + parts.netloc.rpartition("@")[2]))


def _host_of(authority: str) -> str:
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def _split(url: str) -> tuple[SplitResult | None, str | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None, "is not an address"
    if parts.scheme not in ("http", "https"):
        return None, "must begin with http:// or https://"
    host = parts.hostname
    if not host or re.search(r"\s", parts.netloc):
        return None, "names no host"
    if port == 0:
        return None, "has port 0, which no server can use"
    if parts.query or parts.fragment:
        return None, "must have no ? or #; parameters belong under `query`"
    if host in ("0.0.0.0", "::"):
        loopback = "127.0.0.1" if host == "0.0.0.0" else "[::1]"
        user, at, _ = parts.netloc.rpartition("@")
        parts = parts._replace(netloc=f"{user}{at}{loopback}" + (f":{port}" if port else ""))
    return parts, None
