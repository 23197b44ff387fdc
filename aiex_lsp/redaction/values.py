"""Whether a value beside a secret's name is a secret: neither a placeholder nor a reference."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


WORDS = words(
    """
    a an and any api app apikey auth bar baz bearer change changeme client code credential
    credentials default demo dummy empty enter example fake false field fixme foo for goes go here
    hidden insert invalid is it key keys let login mask masked me missing mock my na new nil no
    none not null number of old optional or org our pass passphrase passwd password placeholder
    plain please provide put pwd real redacted removed replace required sample secret secrets
    sensitive server service set some something string stub tbd test testing text that the this
    to todo token tokens true type undefined unknown unset unused use user username val value
    valid with wrong xxx yes you your
    """
)
"""A value of nothing but these stands for a secret and is none."""

NAMES = words("apikey key keys pass passphrase passwd password pwd secret secrets token")
"""Several words that end in one of these are the name of a secret: "db-password"."""

PAIRS = words(
    """
    ab ac ad ag ai al am an ap ar as at au av ay ba be bi bl bo br bu by ca cc ce ch ci ck cl co cr
    ct cu da de di do du ea ec ed ee ef ei el em en ep er es et ev ew ex ey fa fe ff fi fo fr ga ge
    gh gi go gr ha he hi ho ht ia ic id ie if ig il im in io ir is it iv ke la ld le li ll lo ls lt
    lu ly ma me mi mo mp mu na nc nd ne ng ni no ns nt oc od of ok ol om on oo op or os ot ou ov ow
    pa pe pi pl po pp pr qu ra rc rd re ri rm rn ro rr rs rt ru ry sa sc se sh si so sp ss st su ta
    te th ti to tr ts tt tu ty ua uc ue ul um un up ur us ut va ve vi wa we wh wi wo
    """
)
"""The commonest pairs of letters in English text, 187 of 676: nine in ten that occur."""

_TEMPLATE = re.compile(
    r"\$\{[^}]*\}|\{\{.*?\}\}|#\{[^}]*\}|\$\([^)]*\)|%\([\w.]+\)[sd]|\{[\w.\[\]'\"!:()]*\}"
    r"|<[^<>]*>|%[A-Za-z_]\w*%|%[sdrvq]|\[+[A-Za-z0-9_ -]{3,}\]+|⟪[^⟫]*⟫|«[^»]*»|@@?\w+@@?"
)
_VARIABLE = re.compile(r"\$[A-Za-z_]\w*|\$\d|%[sdvq]|:[a-z_]+|\?|@[a-z_]+|&[a-z_]+|!Ref .*")
_RUN = re.compile(r"(.)\1{4,}")
_BLANK = re.compile(r"[xX*.#?_\-0•…]+")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+|\d+")
_DOTTED = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->|/)[A-Za-z_$@][\w$-]*)+(?:\(\))?;?")
_CODE = re.compile(r"[{$(]?[\w.:>-]+\s*[(\[]")
_PATH = re.compile(r"(?:[.~]{0,2}/|[A-Za-z]:[\\/]|file:)[\w ./\\@~-]*")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*://.*|[\w.-]+@[\w-]+\.[\w.]+|[\w-]+(?:\.[\w-]+)+(?::\d+)?/.*"
    r"|[\w-]+(?:\.[\w-]+)*:\d{2,5}"
)
_OPTION = re.compile(r"--?[A-Za-z][\w-]*(?:=.*)?")
_PATTERN = re.compile(r"\\[dwsb]|\[\^?[\w\\]-\w|\(\?|\{\d+,\d*\}|^\^.*\$$|\.\*|^\*\.")
_TYPE = re.compile(
    r"(?:u?int|float|double|uint|i|u|f)\d{1,3}(?:_t)?|(?:n?var)?char2?(?:\(\d+\))?|Uint\d+Array"
    r"|(?-i:[A-Z])\w*(?:<.*>|\[\])\??|base\d\d|sha\d+|md5|rs256|hs256|es256|oauth2?|utf-?\d+|latin-?\d|v\d|(?-i:(?:[A-Z]{2,6}-)+[A-Z]{2,5}\d{0,3})",
    re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d.*|[\d.,:_-]{1,14}[a-zA-Z%]{0,2}|(?:\d+(?:\.\d+)?(?:ms|[dhms]))+"
)
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}")


def is_reference(value: str) -> bool:
    """Return whether a value names or stands for a secret: a template, a word, a path, a type."""
    if _VARIABLE.fullmatch(value) or _BLANK.fullmatch(value) or len(set(value)) < 3:
        return True
    rest = _TEMPLATE.sub("", value)
    if rest != value and (len(rest) < 6 or not looks_random(rest)):
        return True
    if _RUN.search(value) and not looks_random(_RUN.sub("", value)):
        return True
    for pattern in (_CODE, _PATH, _ADDRESS, _DOTTED, _COLOUR, _OPTION):
        found = pattern.match(value) if pattern is _CODE else pattern.fullmatch(value)
        if found and not looks_random(value):
            return True
    if _TYPE.fullmatch(value) or _DATE.fullmatch(value) or _PATTERN.search(value):
        return True
    return _is_words(value)


def _is_words(value: str) -> bool:
    """Return whether these are words for a secret: "your-api-key-here", "DB_PASSWORD"."""
    if any(one.isdigit() for one in value):
        return False
    if value.lower() in WORDS:
        return True
    pieces = [one.lower() for one in _PIECE.findall(value)]
    if not pieces or not re.fullmatch(r"[\w\s.,:'!/-]+", value):
        return False
    if all(one in WORDS for one in pieces):
        return True
    if len(pieces) > 1 and pieces[-1] in NAMES:
        return True
    return len(pieces) > 1 and value.isupper() and "_" in value


def is_label(value: str) -> bool:
    """Return whether a value is text that people read: "Kennwort", "Enter your password"."""
    if any(one.isspace() for one in value):
        return True
    letters = value.rstrip(":.!?…*")
    return letters.isalpha() and (not letters.isascii() or letters.istitle())


def is_phrase(value: str) -> bool:
    """Return whether a value is a password of a few words: one of them is no word of a language."""
    pieces = value.split()
    return (
        2 <= len(pieces) <= 3
        and any(
            (re.search(r"[^\W\d_]", one) and re.search(r"\d", one))
            or re.search(r"[$#!@%^&*=~]{2}|\d[$#!@]|\w[$@!]\w", one)
            for one in pieces
        )
        and not _TEMPLATE.search(value)
        and not _CODE.match(value)
    )


def is_uuid(value: str) -> bool:
    """Return whether a value is a UUID and nothing more."""
    return _UUID.fullmatch(value) is not None


def looks_random(value: str) -> bool:
    """Return whether a value was made by a generator rather than a person or a program.

    By its length, its mixture of letters and digits, its entropy, and whether it falls into words.
    """
    if len(value) < 8 or any(one.isspace() for one in value) or is_words_like(value):
        return False
    letters = sum(one.isalpha() for one in value)
    if letters < (2 if len(value) < 16 else 1) or entropy(value) < (
        2.5 if len(value) < 16 else 2.7
    ):
        return False
    if any(one.isdigit() for one in value):
        return len(value) >= 16 or _switches(value, str.isalpha) >= 2
    return len(value) >= 16 and _switches(value, str.isupper) >= 5


def is_words_like(value: str) -> bool:
    """Return whether a value falls into words: identifiers, slugs, versions.

    Its runs of letters are as long as words are, and more than half of the pairs of letters in
    them are common in English; of random letters it is less than a third.
    """
    pieces = _PIECE.findall(value)
    found = [one.lower() for one in pieces if one.isalpha()]
    digits = sum(len(one) for one in pieces if one.isdigit())
    if not found or sum(map(len, found)) / len(found) < 3.4 or digits > max(2, len(value) * 0.2):
        return False
    pairs = ["".join(pair) for one in found for pair in pairwise(one)]
    return sum(pair in PAIRS for pair in pairs) >= 0.55 * len(pairs)


def entropy(value: str) -> float:
    """Return Shannon's entropy in bits a character."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def _switches(value: str, kind: Callable[[str], bool]) -> int:
    """Return how often characters of a kind and others take turns."""
    return sum(a != b for a, b in pairwise(map(kind, value)))
