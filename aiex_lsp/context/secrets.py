"""File names that hold secrets: what may never be read or sent."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import cache
from itertools import pairwise
from pathlib import PurePath

_ALWAYS = (
    ".env*",
    "*.env",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.ppk",
    "*.kdbx",
    "*.gpg",
    "*.ovpn",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
    ".vault-token",
    "kubeconfig*",
    "*.kubeconfig",
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
    "*.tfvars.json",
    "service-account*.json",
    "service_account*.json",
)
# Often data, sometimes a module of that name.
_USUALLY = ("credentials*", "secrets", "secrets.*", "secret.*", "*.secret", "*.secrets")
_FOLDERS = frozenset({".aws", ".ssh", ".gnupg", ".kube", ".azure", ".gcloud"})
_PATHS = ((".docker", "config.json"), (".config", "gcloud"))
_SOURCE = re.compile(
    r"\.(?:pyi?|[jt]sx?|[mc][jt]s|go|rs|java|kts?|scala|c|h|cc|cpp|cxx|hpp|hh|cs|rb|php|exs?|lua"
    r"|sh|bash|swift|mm?|dart|vue|svelte|hs|ml|clj|erl|jl|r|zig|nim|elm|fs)"
)


def is_secret(path: PurePath) -> bool:
    """Return whether a file of this name may hold secrets; the disk is not asked."""
    return _certain(path) or _matches(path.name.lower(), _USUALLY)


def is_secret_document(path: PurePath) -> bool:
    """Return whether even the document the user asks about may not be sent.

    Unlike `is_secret` this lets source code pass that is only named like one (`credentials.py`).
    """
    name = path.name.lower()
    source = _SOURCE.fullmatch(path.suffix.lower())
    return _certain(path) or (not source and _matches(name, _USUALLY))


def _certain(path: PurePath) -> bool:
    parts = tuple(part.lower() for part in path.parts)
    if _FOLDERS.intersection(parts[:-1]):
        return True
    pairs = pairwise(parts)
    return _matches(path.name.lower(), _ALWAYS) or any(pair in _PATHS for pair in pairs)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return _pattern(patterns).match(name) is not None


@cache
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))
