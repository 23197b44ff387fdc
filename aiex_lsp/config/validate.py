"""What of a layer can be used: a key that cannot is named, left out, and takes no other along."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from aiex_lsp.config.options import Options

Path = tuple[str, ...]
Report = Callable[[Path, str], None]
"""Takes a key's path and what is wrong with it."""

MAX_DEPTH = 32
"""Deepest nesting of tables that is read; the contract's deepest has four levels."""


def usable(raw: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Return the part of `raw` that `Options` accepts; each key left out is reported once."""
    data = _plain(raw, (), report)
    while True:
        try:
            Options.model_validate(data)
        except ValidationError as error:
            removed: set[Path] = set()
            for detail in error.errors(include_url=False, include_input=False):
                path = _existing(data, detail["loc"]) or _existing(data, detail["loc"][:1])
                if path and path not in removed:
                    removed.add(path)
                    report(path, _explain(path, detail["type"], detail["msg"], data))
            if not removed:
                report((), "The configuration could not be read")
                return {}
            for path in removed:
                _remove(data, path)
        else:
            return data


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the closest known name, "" if none is close."""
    close = difflib.get_close_matches(name.casefold(), sorted(known), n=1, cutoff=0.65)
    return f'; did you mean "{close[0]}"?' if close else ""


def show_key(path: Path) -> str:
    """Return a key's path as a message shows it: dotted, without control characters, bounded."""
    text = ".".join(path)
    text = "".join(char if char.isprintable() else "�" for char in text)
    return text if len(text) <= 80 else text[:79] + "…"


def known_keys(path: Path) -> frozenset[str]:
    """Return the keys that may stand in the table at `path`; empty where any may."""
    kind: Any = Options
    for key in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found = kind.model_fields.get(key)
            kind = _table_of(found.annotation) if found else None
        elif get_origin(kind) is dict:
            kind = _table_of(get_args(kind)[1])
        else:
            return frozenset()
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return frozenset(kind.model_fields)
    return frozenset()


def _table_of(annotation: Any) -> Any:
    """Return the model or the dict type inside an annotation, None if there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is dict:
        return annotation
    return next((t for arg in get_args(annotation) if (t := _table_of(arg)) is not None), None)


def _explain(path: Path, kind: str, message: str, data: Mapping[str, Any]) -> str:
    key = show_key(path)
    if kind == "extra_forbidden":
        hint = _elsewhere(path) or nearest(path[-1], known_keys(path[:-1]))
        return f'Unknown key "{key}"{hint or "; it is ignored"}'
    message = message[0].lower() + message[1:]
    message = re.sub(r"^(input|value|string|object|dictionary|list) should", "should", message)
    message = message.replace("a valid string", "text").replace("input was not", "should be")
    message = re.sub(r"a valid dictionary( or (an )?instance of \w+)?", "a table", message)
    value: Any = data
    for part in path:
        value = value[part]
    hint = ""
    if kind == "literal_error" and isinstance(value, str):
        hint = nearest(value, re.findall(r"'([^']+)'", message))
    return f'"{key}" {message}, not {_type_name(value)}{hint or "; it is ignored"}'


def _elsewhere(path: Path) -> str:
    """Return where a key of this name does belong, if it is one place only."""
    sections = [
        f"[{section}]" for section in sorted(known_keys(())) if path[-1] in known_keys((section,))
    ]
    sections += [
        f"[{section}.…]"
        for section in ("providers", "tasks")
        if path[-1] in known_keys((section, "x"))
    ]
    if len(path) > 1 and path[-1] in known_keys(()):
        sections = ["no section: the top of the file"]
    return f"; it belongs in {sections[0]}" if len(sections) == 1 else ""


def _type_name(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value) if abs(value) < 1e12 else "a number so large"
    names = {str: "this text", list: "a list", dict: "a table", type(None): "null"}
    return names.get(type(value), f"a {type(value).__name__}")


def _existing(data: Mapping[str, Any], location: tuple[int | str, ...]) -> Path:
    """Return the deepest key of `data` on an error's location; tags of unions are passed over."""
    path: Path = ()
    here: Any = data
    for part in location:
        if isinstance(part, int) or not isinstance(here, dict):
            break
        if part in here:
            path = (*path, part)
            here = here[part]
    return path


def _remove(data: dict[str, Any], path: Path) -> None:
    here: Any = data
    for part in path[:-1]:
        here = here.get(part)
        if not isinstance(here, dict):
            return
    here.pop(path[-1], None)


def _plain(raw: Mapping[Any, Any], path: Path, report: Report) -> dict[str, Any]:
    """Return a copy of plain dicts and lists with text keys, null values left out."""
    result: dict[str, Any] = {}
    for key, value in raw.items():
        if not isinstance(key, str) or _broken(key):
            report(path, f'A key under "{show_key(path)}" is not text; it is ignored')
            continue
        here = (*path, key)
        if len(here) > MAX_DEPTH:
            report(path, f'"{show_key(path)}" is nested too deeply; its inside is ignored')
            continue
        if isinstance(value, Mapping):
            result[key] = _plain(value, here, report)
        elif value is not None:  # editors send null for "not set"
            result[key] = value
    return result


def _broken(text: str) -> bool:
    """Return whether text cannot be written as UTF-8 (half of a surrogate pair, from JSON)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
