"""What a template can do while it renders, and what stops it.

Templates come from anyone: a workspace is not trusted. Hence three walls. `language.py` lets only
listed syntax through and puts a check before each loop round, output and comparison. The
operations here pay for what they make before they make it, out of the `Meter` of this one
rendering. And values are plain data (`variables.plain`), whose attributes nothing here can reach.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from aiex_lsp.templates.meter import ELEMENT, Meter, TooMuch

MAX_RANGE = 100_000
MAX_INT_BITS = 1024
MAX_JSON = 4 * 1024 * 1024
"""What is shown as JSON, in characters: escapes make six of one before anyone can count them."""
_LOOP = {
    "index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem",
    "nextitem",
}  # fmt: skip


class MeteredContext(Context):
    """A rendering's context, with its meter."""

    meter: Meter


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja for prompts: strict, bounded, without loaders, macros and globals."""

    context_class = MeteredContext
    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])
    finalize: Callable[..., Any]

    def __init__(self) -> None:
        from aiex_lsp.templates.filters import FILTERS, TESTS

        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            undefined=StrictUndefined,
            finalize=_finalize,
            # Folding constants would run `'a' * 10**10` while compiling, unmetered.
            optimized=False,
            cache_size=0,
        )
        self.filters = {**FILTERS, **_OPERATIONS}
        self.tests = {name: _metered_test(self.tests[name]) for name in TESTS}
        self.globals = {"range": _range}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Return the result, paid for before it is made."""
        meter = meter_of(context)
        meter.step()
        if isinstance(left, Undefined) or isinstance(right, Undefined):
            return super().call_binop(context, operator, left, right)
        if isinstance(left, _SEQUENCE) or isinstance(right, _SEQUENCE):
            _sequence_binop(meter, operator, left, right)
        elif isinstance(left, int) and isinstance(right, int):
            _integer_binop(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return a filter's result: what `map` calls by name, which is never an operation's."""
        if name.startswith("_"):
            raise SecurityError(f"filter {name[:40]!r} is not available")
        return super().call_filter(name, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a map's value or a loop's counter; nothing else has attributes here."""
        if isinstance(obj, Mapping):
            return self.getitem(obj, attribute)
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        if isinstance(obj, Undefined):
            return getattr(obj, attribute)
        raise SecurityError(f"attribute {attribute[:40]!r} is not available")

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an element of a list, text or map, undefined where there is none."""
        if isinstance(obj, Undefined) or isinstance(argument, Undefined):
            return obj[argument]
        if isinstance(argument, str | int) and isinstance(obj, Mapping | list | tuple | str):
            try:
                return obj[argument]  # type: ignore[index]
            except (LookupError, TypeError):
                # Anything else may be the user's text, which has no place in a message.
                named = isinstance(argument, str) and _NAME.fullmatch(argument)
                return self.undefined(name=str(argument) if named else "element")
        raise SecurityError("only lists, texts and maps have elements")

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return False: attributes are reached by `getattr` above alone."""
        return False

    def is_safe_callable(self, obj: Any) -> bool:
        """Return whether it is `range` or `super`."""
        # An undefined `super` says so itself when it is called.
        return isinstance(obj, BlockReference | Undefined) or obj is _range


def meter_of(context: Context) -> Meter:
    """Return the rendering's meter."""
    assert isinstance(context, MeteredContext)
    return context.meter


def text_of(meter: Meter, value: Any) -> str:
    """Return a value as the prompt shows it: lists and maps as JSON, none as nothing."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    weight = meter.weigh(value)
    if weight > MAX_JSON:
        raise TooMuch("shows too large a list or map")
    meter.pay(weight)
    if isinstance(value, range):
        value = list(value)
    text = json.dumps(value, ensure_ascii=False)
    meter.pay(len(text))
    return text


@pass_context
def _finalize(context: Context, value: Any) -> str:
    meter = meter_of(context)
    text = text_of(meter, value)
    meter.pay(len(text))
    meter.put(len(text))
    return text


@pass_context
def _put(context: Context, chars: int) -> None:
    """Pay for `chars` of the template's own text, and for getting here."""
    meter = meter_of(context)
    meter.pay(chars)
    meter.put(chars)


@pass_context
def _cut(context: Context, value: Any) -> Any:
    """Return the slice a template took, paid for: it is no larger than what it was taken from."""
    meter_of(context).pay(_made(value))
    return value


@pass_context
def _weighed(context: Context, value: Any) -> Any:
    """Return the value once it is known to be small enough to be compared, tested or cut."""
    meter = meter_of(context)
    meter.step()
    if isinstance(value, list | tuple | Mapping):
        meter.weigh(value)
    return value


@pass_context
def _concat(context: Context, *values: Any) -> str:
    meter = meter_of(context)
    texts = [text_of(meter, value) for value in values]
    meter.pay(sum(map(len, texts)))
    return "".join(texts)


@pass_context
def _method(context: Context, obj: Any, name: str, *args: Any) -> Any:
    from aiex_lsp.templates.filters import METHODS

    if isinstance(obj, Undefined):
        return getattr(obj, name)
    function = METHODS.get(("map" if isinstance(obj, Mapping) else "string", name))
    if function is None or not isinstance(obj, str | Mapping):
        raise SecurityError(f"method {name[:40]!r} is not available")
    return function(context, obj, *args)


def _range(*args: int) -> range:
    if not all(isinstance(one, int) for one in args):
        raise TypeError("range needs integers")
    result = range(*args)
    if not 0 <= _length(result) <= MAX_RANGE:
        raise TooMuch(f"counts further than {MAX_RANGE}")
    return result


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "_put": _put,
    "_cut": _cut,
    "_weighed": _weighed,
    "_concat": _concat,
    "_method": _method,
}
"""What `language.py` puts into templates, as filters: no template can name one with a `_`."""


def _metered_test(test: Any) -> Callable[..., bool]:
    @pass_context
    def metered(context: Context, value: Any, *args: Any) -> bool:
        for one in (value, *args):
            _weighed(context, one)
        return bool(test(value, *args))

    return metered


def _length(numbers: range) -> int:
    try:
        return len(numbers)
    except OverflowError:
        return MAX_RANGE + 1


def _sequence_binop(meter: Meter, operator: str, left: Any, right: Any) -> None:
    if operator == "+":
        meter.pay(_made(left) + _made(right))
    elif operator == "*":
        sequence, times = (left, right) if isinstance(left, _SEQUENCE) else (right, left)
        if isinstance(times, int):
            meter.pay(_made(sequence) * max(times, 0))
    else:
        raise SecurityError(f"{operator} works on numbers only")


def _made(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return len(value) * ELEMENT if isinstance(value, list | tuple) else 0


def _integer_binop(operator: str, left: int, right: int) -> None:
    bits = max(left.bit_length(), right.bit_length()) + 1
    if operator == "*":
        bits = left.bit_length() + right.bit_length()
    elif operator == "**":
        bits = left.bit_length() * max(right, 1)
    if bits > MAX_INT_BITS:
        raise TooMuch("makes too large a number")


_SEQUENCE = (str, list, tuple)
_NAME = re.compile("[a-zA-Z_][a-zA-Z0-9_]{0,39}")
