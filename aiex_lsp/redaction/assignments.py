"""Secrets that show by the name beside them: assignments, settings, environment files, markup.

A keyword is looked for in the whole text; only around one are name, operator and value read.
How much is asked of the value depends on the name: a password may be any word, a token must look
like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum

from aiex_lsp.redaction.scanning import matches
from aiex_lsp.redaction.spellings import beside_name, continued
from aiex_lsp.redaction.values import (
    is_label,
    is_phrase,
    is_reference,
    is_uuid,
    looks_random,
    words,
)

_KEYWORD = re.compile(
    r"""(?ix)
    (?P<password> passw(?:or)?d | passphrase | passcode | (?<![a-z])pwd | (?<=[a-z]_)pass(?![a-z])
      | (?<=db)pass(?![a-z]) | (?<=db\.)pass(?![a-z]) | contraseña | mot[_-]de[_-]passe )
    | (?P<secret> secret[_-]?access[_-]?key | secret[_-]?key(?:[_-]?base)? | client[_-]?secret
      | secret | (?:private|encryption|encrypt|signing|master|hmac|jwt|session)[_-]?key
      | credentials? | (?<![a-z])creds(?![a-z]) | client[_-]?key[_-]?data )
    | (?P<token> api[_-]?key | access[_-]?key | auth[_-]?key | service[_-]?key | account[_-]?key
      | shared[_-]?key | license[_-]?key | subscription[_-]?key | storage[_-]?key | db[_-]?key
      | token | (?<![a-z])auth(?![a-z]) | (?<![a-z])pass(?![a-z]) | (?<![a-z])pin(?![a-z])
      | (?<![a-z])salt(?![a-z]) | identified[ ]by )
    """
)

_NOT_AFTER = words(
    """
    alg algorithm arn attempts attribute backend budget class column columns count counts desc
    description digest dir directory disabled doc docs enabled encoder encoding endpoint env
    error errors exp expiration expires expiry factory field fields file filename folder form
    format func function generator group handler hash hashed header headers help helper hint
    icon id ids idx index input iter kind label len length level limit limits link list
    location manager max message messages method min mode model module msg name names num
    number object only option options page param params parser path paths pattern percent
    placeholder policy position prefix prompt provider ratio ref reference regex region
    required reset resolver role rotation rule rules schema scope scopes section selector
    service size source spec stdin store strategy strength suffix template test tests text
    timeout title ttl type types uri url urls usage used user util utils validation validator
    var variable version view visible warning
    """
)
"""Words after the keyword that make the name one of something else: `token_url`."""

_NOT_BEFORE = words(
    """
    bos cancellation class cls completion continuation csrf cursor end eof eos input limit mask
    max min next no num out output pad page prev prompt public ratelimit remaining reset sep
    special start stop sync total unk used
    """
)
"""Words before `token` that make it one of a parser, a page or a model."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_BEFORE_NAME = re.compile(r"[\w.\-$/:]*\Z")
_REST_OF_NAME = re.compile(r"[\w\-]{0,80}(?:\.\w{1,40}){0,4}")
_COMPARED = re.compile(r"\.(?:equals\w*|assign|compare\w*|set\w*)")
"""Methods whose argument is a value; that of another is not."""


_QUOTED = r"""(?:[@rRbBuUfFL]{0,2})(?:
      (?P<e>\\["']) (?P<v1>(?:(?!(?P=e))[^\r\n]){1,500}?) (?P=e)
    | (?P<q>["'`]) (?P<v2>(?:\\.|(?!(?P=q))[^\r\n\\]|(?<=\w)(?P=q){2}(?=\w)){1,500}) (?P=q) )"""

_ASSIGNED = re.compile(
    r"""(?x)
    (?:\\?["'`])? \]? (?:\[\d*\])?                                # what closes the name
    (?:
      [ \t]*+ (?: :(?P<type>[ \t]*+(?:&'\w+|[&\w<>\[\].| ?*,-]){1,40}?)
        | (?<=[ \t])(?:string|str|&str) )?
        [ \t]*+
        (?: :=|=>|={2,3}|!={1,2}|\?{1,2}=|\|\|=|=|:|<-|->|\+= ) [ \t]*+ (?:(?:\r\n?|\n)[ \t]*+)?
      | [ \t]*+,?[ \t]*+["']?[ \t]*+(?:value|Value|default)["']?[ \t]*+[:=][ \t]*+
      | [ \t]*+\{[^{}]{0,300}?\bdefault[ \t]*+=[ \t]*+                # a variable of Terraform
      | (?P<call> \([ \t]*+ | [ \t]*+,[ \t]*+ )
      | (?:\r\n?|\n)[ \t]*+value:[ \t]*+
      | (?P<blank>[ \t]++)(?=')
    ) """
    + _QUOTED
)
_UNQUOTED = re.compile(
    r"""(?x)
    ["']? (?P<gap>[ \t]*+) (?P<op>=|:) (?P<gap2>[ \t]*+)
    (?P<v>[^\s"'`;,(){}\[\]<>][^\s"'`]{0,500}) (?P<end>[ \t]*+(?:\#[^\r\n]*)?(?=[\r\n]|\Z))
    """
)
_NAME_VALUE = re.compile(
    r"""["']?(?:\r\n?|\n)[ \t]*+value:[ \t]*+(?P<v>[^\s"'#]{1,500})[ \t]*+(?=[\r\n]|\Z)"""
)
_INLINE = re.compile(r"=(?P<v>[^\s\"'`;,(){}\[\]<>|&]{1,500})(?=\s|\Z|[\"'])")
_FLAG = re.compile(r"(?:=|[ \t]++)(?P<v>[^\s\"'`;,(){}\[\]<>|&=-][^\s\"'`;|&]{0,500})")
_SPACED = re.compile(r"[ \t]++(?P<v>[^\s\"'=]\S{0,500})[ \t]*+(?=[\r\n]|\Z)")
_HEADER = re.compile(r":[ \t]*+(?P<v>[^\s\"'<>{}$]{8,500})(?=[\"'])")
_IN_CONNECTION = re.compile(r"[ \t]*+=[ \t]*+(?P<v>[^;&\s\"'`<>]{3,500})(?=[;&\"'`])")
_ELEMENT = re.compile(r"""["']?[^<>\r\n]{0,80}>(?:<!\[CDATA\[)?(?P<v>[^<>\s]{4,200})(?:\]\]>)?</""")
_SWAPPED = re.compile(
    r"""(?P<q>["'])(?P<v>[^"'\s]{4,200})(?P=q)"""
    r"""[ \t]*+[!=]={1,2}[ \t]*+[\w.]*(?i:passw(?:or)?d|secret)\b"""
)
_LINE_START = re.compile(
    r"[ \t]*+(?:(?:export|set|setx|ENV|ARG|env|-|\+|declare -x|\$env:|[A-Z]+ )[ \t]*+)*[\"']?"
)
_SETTING = re.compile(
    r"[ \t]*+(?:-[ \t]++)?[\w.\-/\"']+[ \t]*+[:=]|[ \t]*+\[[^\]]+\][ \t]*+$|[ \t]*+-[ \t]"
)

NEAR = 400
"""Characters before a keyword that are looked at."""

KEYWORD_PIECE = 2000
"""Characters that are searched for keywords at once: it takes a microsecond for each."""

KEYWORD_REACH = 60
"""More than the longest keyword has."""

LEAST_SETTINGS = 3
"""Fewer lines do not tell what kind of file they are from."""

Found = tuple[str, int, int]


class Strength(IntEnum):
    """How much a name says: a token's must look random, a password may be any word."""

    TOKEN = 1
    SECRET = 2
    PASSWORD = 3


def by_name(text: str, *, settings: bool | None = None) -> Iterator[Found]:
    """Yield the values beside secrets' names; may overlap.

    `settings` tells whether the text is a file of settings, where an unquoted word is a value;
    None finds out.
    """
    if settings is None:
        settings = reads_like_settings(text)
    for match in matches(_KEYWORD, text, piece=KEYWORD_PIECE, reach=KEYWORD_REACH):
        yield from _beside(text, match, settings)
    for match in matches(_SWAPPED, text, reach=NEAR):
        if not is_reference(match["v"]):
            yield "password", *match.span("v")


def reads_like_settings(text: str) -> bool:
    """Return whether most lines are `name: value` or `name = value` and none is a program's."""
    lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] not in "#;/!"]
    if len(lines) < LEAST_SETTINGS:
        return False
    fitting = sum(_SETTING.match(line) is not None for line in lines)
    code = sum(line.rstrip().endswith((";", "{", "}", ")", "):", ",", "->")) for line in lines)
    return fitting >= 0.7 * len(lines) and code == 0


def _beside(text: str, match: re.Match[str], settings: bool) -> Iterator[Found]:
    # A minified line may be a megabyte; what matters of it is near.
    near = max(0, match.start() - NEAR)
    line = near
    for ending in "\n\r":
        line = max(line, text.rfind(ending, near, match.start()) + 1)
    before = _BEFORE_NAME.search(text[max(line, match.start() - 100) : match.start()])
    begin = match.start() - (len(before[0]) if before else 0)
    rest = _REST_OF_NAME.match(text, match.end())
    end = rest.end() if rest else match.end()
    strength = _strength(match, text[begin : match.start()], text[match.end() : end])
    if strength is None:
        return
    kind = _kind(match)
    found = _ASSIGNED.match(text, end)
    if found is not None and not _padded(found):
        group = "v1" if found["v1"] is not None else "v2"
        if found["blank"] is None or match[0].lower() in ("password", "identified by"):
            weak = found["call"] is not None
            own = match.end() + text[match.end() : end].find(".")
            if weak and own >= match.end() and not _COMPARED.fullmatch(text, own, end):
                return
            if _wanted(found[group], strength, quoted=True, weak=weak):
                yield kind, *found.span(group)
                yield from ((kind, *span) for span in continued(text, found.end()))
                return
    head = text[line:begin]
    for spelled in beside_name(text, head, text[begin:end], end):
        if _wanted(spelled.value, strength, quoted=not spelled.weak, weak=spelled.weak):
            yield from ((kind, *span) for span in spelled.pieces)
    for value, start, stop in _unquoted(text, head, text[begin:end], end, strength, settings):
        del value
        yield kind, start, stop


def _padded(found: re.Match[str]) -> bool:
    """Return whether what reads as `name: Type =` is a value in base64 with its padding."""
    kind = found["type"]
    if kind is None or found.string[found.end("type")] != "=":
        return False
    return looks_random(kind.strip()) or "\n" in found[0] or "\r" in found[0]


def _unquoted(
    text: str, head: str, name: str, end: int, strength: Strength, settings: bool
) -> Iterator[tuple[str, int, int]]:
    """Yield the values after a name where nothing quotes them."""
    at_start = _LINE_START.fullmatch(head) is not None
    found = _UNQUOTED.match(text, end) if at_start else None
    if found is not None:
        tight = found["op"] == "=" and not found["gap"] and not found["gap2"]
        shell = tight and name.lstrip("-").isupper()
        if _wanted(found["v"], strength, plain=not (shell or settings)):
            yield found["v"], *found.span("v")
        return
    trials = []
    if at_start and re.search(r"(?:ENV|ARG)[ \t]++$", head):
        trials.append((_SPACED, False))
    if (at_start or head[-1:].isspace() or head.endswith("$env:")) and name.isupper():
        trials.append((_INLINE, False))
    if name.startswith("--") or head.endswith("--"):
        trials.append((_FLAG, True))
    if '"' in head or "'" in head:
        trials += [(_HEADER, True), (_IN_CONNECTION, False)]
    elif ";" in head:
        trials.append((_IN_CONNECTION, False))
    trials += [(_NAME_VALUE, False), (_ELEMENT, True)]
    for pattern, plain in trials:
        found = pattern.match(text, end)
        if found is not None and _wanted(found["v"], strength, plain=plain):
            yield found["v"], *found.span("v")
            return


def _strength(match: re.Match[str], before: str, after: str) -> Strength | None:
    """Return how much a name says, None where it names something else."""
    if after[:1].islower() and match[0][-1:].isalpha():
        plural = after[:1] == "s" and not after[1:2].islower()
        # A plural of the keyword may hold one; "tokenizer" and "secretary" are other words.
        if not (plural or (match["password"] and after[:1].isdigit())):
            return None
    later = {one.lower() for one in _WORD.findall(after)}
    if later & _NOT_AFTER:
        return None
    earlier = [one.lower() for one in _WORD.findall(before)]
    if match["token"] and (set(earlier) & _NOT_BEFORE):
        return None
    if match["password"]:
        return Strength.PASSWORD
    if match["secret"]:
        return Strength.SECRET
    return Strength.PASSWORD if match[0].lower() == "identified by" else Strength.TOKEN


def _wanted(
    value: str, strength: Strength, *, quoted: bool = False, weak: bool = False, plain: bool = False
) -> bool:
    """Return whether a value is a secret.

    `weak`: it is one of a call's arguments. `plain`: nothing but its place says that it is a
    value, so it must not be an identifier.
    """
    # What is secret in an address shows by its form.
    if len(value) < 4 or "://" in value or is_reference(value):
        return False
    if looks_random(value):
        return strength > Strength.TOKEN or not is_uuid(value)
    if strength is Strength.PASSWORD and (quoted or weak) and is_phrase(value):
        return True
    if strength is Strength.TOKEN or is_label(value):
        return False
    mixed = any(one.isdigit() for one in value) or any(one in "!@#$%^&*+=~?" for one in value)
    if plain or weak:
        return mixed and len(value) >= 6 and any(one.isalpha() for one in value)
    if strength is Strength.PASSWORD:
        return quoted or mixed or len(value) >= 6
    return len(value) >= 6 if mixed else len(value) >= 12


def _kind(match: re.Match[str]) -> str:
    if match["password"]:
        return "password"
    word = match[0].lower().replace("-", "_")
    if match["secret"]:
        return "private key" if word.startswith("private") else "secret"
    if word.endswith("key"):
        return "API key"
    return "password" if word in ("pass", "pin", "identified by") else "token"
