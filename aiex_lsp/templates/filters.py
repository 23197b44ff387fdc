"""The filters, tests and methods of templates, each paid for before it works."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from itertools import pairwise
from typing import Any

from jinja2 import Undefined, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS as JINJA
from jinja2.runtime import Context
from jinja2.utils import _PassArg

from aiex_lsp.templates.meter import ELEMENT, TooMuch
from aiex_lsp.templates.sandbox import MAX_INT_BITS, meter_of, text_of
from aiex_lsp.text.gaps import GAP

LINEAR = (
    "abs", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last",
    "length", "list", "map", "max", "min", "reject", "rejectattr", "reverse", "select",
    "selectattr", "sort", "unique",
)  # fmt: skip
"""Jinja's own filters that make no more than they get; they are metered before and after."""

_LOOKING = {
    "abs", "count", "d", "default", "first", "float", "int", "last", "length", "max", "min",
}  # fmt: skip
"""Those of them that make nothing."""

TESTS = (
    "boolean", "defined", "divisibleby", "eq", "equalto", "even", "false", "float", "ge",
    "greaterthan", "gt", "in", "integer", "le", "lessthan", "lt", "mapping", "ne", "none",
    "number", "odd", "sequence", "string", "true", "undefined", "==", "!=", "<", "<=", ">",
    ">=",
)  # fmt: skip

_LISTING = frozenset({"list", "sort", "unique"})
"""Those that make a list of a text's characters."""

Filter = Callable[..., Any]


def fence(context: Context, code: Any, language: Any = "") -> str:
    """Return the code in a fence longer than any run of backticks in it, so it cannot end it."""
    meter = meter_of(context)
    text = _text(code, "fence")
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    marks = "`" * max(3, longest + 1)
    info = _INFO.sub("", _text(language, "fence"))
    end = "" if text.endswith("\n") else "\n"
    meter.pay(len(text) + 2 * len(marks) + len(info) + 4)
    return f"{marks}{info}\n{text}{end}{marks}"


def number_lines(context: Context, text: Any, start: Any = 1) -> str:
    """Return the text with each line's number before it, counted from `start`."""
    meter = meter_of(context)
    whole = _text(text, "number_lines")
    first = _integer(start, "number_lines")
    count = whole.count("\n") + whole.count("\r") + 1
    width = len(str(first + count))
    meter.pay(2 * len(whole) + count * (ELEMENT + width + 3))
    lines = _lines(whole)
    numbers, last = [], first
    for line in lines:
        numbers.append(last)
        last += 1 + line.count(GAP)
    width = len(str(numbers[-1] if numbers else first))
    return "".join(
        f"{number:>{width}} | {line}" for number, line in zip(numbers, lines, strict=True)
    )


def indent(context: Context, text: Any, width: Any = 4, first: Any = False) -> str:
    """Return the text with each line but the first (and empty ones) moved right."""
    meter = meter_of(context)
    whole = _text(text, "indent")
    columns = _integer(width, "indent")
    if not 0 <= columns <= 100:
        raise TooMuch("indents by more than 100")
    count = whole.count("\n") + whole.count("\r") + 1
    meter.pay(2 * len(whole) + count * (ELEMENT + columns))
    lines = _lines(whole)
    return "".join(
        " " * columns + line if line.strip() and (index or first is True) else line
        for index, line in enumerate(lines)
    )


def join(context: Context, values: Any, separator: Any = "", attribute: Any = None) -> str:
    """Return the values' texts with `separator` between them."""
    meter = meter_of(context)
    between = _text(separator, "join")
    if attribute is not None:
        values = [context.environment.getitem(one, attribute) for one in meter.collect(values)]
    texts = [text_of(meter, one) for one in meter.collect(values)]
    meter.pay(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def replace(context: Context, text: Any, old: Any, new: Any) -> str:
    """Return the text with every `old` replaced."""
    meter = meter_of(context)
    whole, before, after = (_text(one, "replace") for one in (text, old, new))
    if not before:
        raise SecurityError("replace needs a text to look for")
    meter.pay(len(whole) + whole.count(before) * len(after))
    return whole.replace(before, after)


def _texts_own(method: str) -> Filter:
    def filtered(context: Context, text: Any) -> str:
        meter = meter_of(context)
        whole = text_of(meter, text)
        meter.pay(2 * len(whole))
        return str(getattr(whole, method)())

    return filtered


def truncate(context: Context, text: Any, length: Any = 255, end: Any = "…") -> str:
    """Return at most `length` characters of the text and, where it was cut, `end`."""
    whole, ending = _text(text, "truncate"), _text(end, "truncate")
    most = max(_integer(length, "truncate"), 0)
    meter_of(context).pay(min(len(whole), most) + len(ending))
    return whole if len(whole) <= most else whole[:most].rstrip() + ending


def total(context: Context, values: Any) -> Any:
    """Return the sum of numbers."""
    numbers = meter_of(context).collect(values)
    if not all(isinstance(one, int | float) for one in numbers):
        raise SecurityError("sum works on numbers only")
    return sum(numbers)


def rounded(context: Context, value: Any, precision: Any = 0) -> Any:
    """Return the number rounded to `precision` digits."""
    meter_of(context).step()
    if not isinstance(value, int | float) or not -15 <= _integer(precision, "round") <= 15:
        raise SecurityError("round needs a number and up to 15 digits")
    return round(value, precision)


def tojson(context: Context, value: Any) -> str:
    """Return the value as JSON."""
    meter = meter_of(context)
    if isinstance(value, list | tuple | Mapping | range):
        return text_of(meter, value)
    return text_of(meter, [value])[1:-1]


def _split(context: Context, text: str, separator: str | None = None) -> list[str]:
    meter = meter_of(context)
    if separator is not None:
        meter.pay(len(text) + (text.count(_text(separator, "split")) + 1) * ELEMENT)
        return text.split(separator)
    # One word takes two characters at least.
    meter.pay(len(text) + sum(1 for _ in _WORD.finditer(text)) * ELEMENT)
    return text.split()


def _splitlines(context: Context, text: str) -> list[str]:
    meter_of(context).pay(len(text) + (text.count("\n") + text.count("\r") + 1) * ELEMENT)
    return [line.rstrip("\r\n") for line in _lines(text)]


def _same_size(name: str) -> Filter:
    def method(context: Context, text: str, *args: str) -> Any:
        meter_of(context).pay(2 * len(text))
        return getattr(text, name)(*(_text(one, name) for one in args))

    return method


def _of_map(name: str) -> Filter:
    def method(context: Context, value: Mapping[str, Any], *args: Any) -> Any:
        if name == "get":
            meter_of(context).step()
            if not args or not isinstance(args[0], str | int):
                raise SecurityError("get needs a key")
            return value.get(*args)
        meter_of(context).pay(len(value) * 2 * ELEMENT)
        return list(getattr(value, name)())

    return method


_TEXT_METHODS = (
    "startswith", "endswith", "lower", "upper", "strip", "lstrip", "rstrip", "title", "count",
)  # fmt: skip
METHODS: Mapping[tuple[str, str], Filter] = {
    **{("string", name): _same_size(name) for name in _TEXT_METHODS},
    ("string", "split"): _split,
    ("string", "splitlines"): _splitlines,
    **{("map", name): _of_map(name) for name in ("get", "items", "keys", "values")},
}
"""What may be called on a value, by the value's type."""


def string(context: Context, value: Any) -> str:
    """Return the value as the prompt shows it."""
    return text_of(meter_of(context), value)


def _metered(name: str) -> Filter:
    """Return jinja's filter with its arguments weighed, and its result a list that was paid for."""
    original = JINJA[name]
    passes = _PassArg.from_obj(original)

    @wraps(original)
    def filtered(context: Context, *args: Any, **kwargs: Any) -> Any:
        meter = meter_of(context)
        meter.step()
        given = [one for one in (*args, *kwargs.values()) if not isinstance(one, Undefined)]
        weight = sum(map(meter.weigh, given))
        if name not in _LOOKING:
            elements = sum(len(one) for one in given[:1] if isinstance(one, str | list | dict))
            meter.pay(weight + (elements * ELEMENT if name in _LISTING else 0))
        first = {
            _PassArg.context: (context,),
            _PassArg.eval_context: (context.eval_ctx,),
            _PassArg.environment: (context.environment,),
            None: (),
        }[passes]
        result = original(*first, *args, **kwargs)
        if isinstance(result, Iterator):
            return meter.collect(result)
        if isinstance(result, int) and result.bit_length() > MAX_INT_BITS:
            raise TooMuch("makes too large a number")
        return result

    return filtered


def _text(value: Any, name: str) -> str:
    if isinstance(value, Undefined):
        return str(value)
    if not isinstance(value, str):
        raise SecurityError(f"{name} works on text only")
    return value


def _integer(value: Any, name: str) -> int:
    if isinstance(value, Undefined):
        str(value)
    if not isinstance(value, int) or value.bit_length() > 64:
        raise SecurityError(f"{name} needs an integer")
    return value


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; a line ends at LF, CRLF or CR, as editors count."""
    starts = [0, *(match.end() for match in _LINE_BREAK.finditer(text))]
    if starts[-1] != len(text):
        starts.append(len(text))
    return [text[start:end] for start, end in pairwise(starts)]


_BACKTICKS = re.compile("`{3,}")
_LINE_BREAK = re.compile("\r\n|\n|\r")
_INFO = re.compile("[`\r\n]")
_WORD = re.compile(r"\S+")
_OWN: Mapping[str, Filter] = {
    "fence": fence,
    "number_lines": number_lines,
    "indent": indent,
    "join": join,
    "replace": replace,
    "trim": _texts_own("strip"),
    **{name: _texts_own(name) for name in ("capitalize", "lower", "title", "upper")},
    "truncate": truncate,
    "string": string,
    "sum": total,
    "round": rounded,
    "tojson": tojson,
}
FILTERS: Mapping[str, Filter] = {
    **{name: pass_context(_metered(name)) for name in LINEAR},
    **{name: pass_context(function) for name, function in _OWN.items()},
}
"""Every filter a template may use."""
