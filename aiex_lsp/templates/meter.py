"""What one rendering may use, and what it has used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2.exceptions import TemplateRuntimeError

ELEMENT = 16
"""What an element of a list costs, in characters: a pointer and a small object."""
MAX_ELEMENTS = 1_000_000
"""What one operation may look at, to take a fraction of a second."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one rendering: seconds, loop rounds and outputs, characters made, and given out.

    A file of 10 MB passes with line numbers; memory stays below 4 bytes for each of `chars`.
    """

    seconds: float = 1.5
    steps: int = 500_000
    chars: int = 64 * 1024 * 1024
    output: int = 16 * 1024 * 1024


class TooMuch(TemplateRuntimeError):
    """A template went over a limit."""


class Meter:
    """Counts what one rendering uses; raises `TooMuch` over a limit."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._deadline = clock() + limits.seconds
        self._steps = limits.steps
        self._chars = limits.chars
        self._output = limits.output

    def step(self) -> None:
        """Count one loop round, output or operation, and look at the clock."""
        self._steps -= 1
        if self._steps < 0:
            raise TooMuch("takes too many steps")
        if self._clock() > self._deadline:
            raise TooMuch(f"takes longer than {self._limits.seconds:g} s")

    def pay(self, chars: int) -> None:
        """Count characters about to be made."""
        self.step()
        self._chars -= chars
        if self._chars < 0:
            raise TooMuch("makes too much text")

    def put(self, chars: int) -> None:
        """Count characters of the result."""
        self._output -= chars
        if self._output < 0:
            raise TooMuch(f"gives more than {self._limits.output // (1024 * 1024)} MiB of text")

    def collect(self, values: Iterable[Any]) -> list[Any]:
        """Return the values as a list, each paid for."""
        result = []
        for value in values:
            self.pay(ELEMENT)
            result.append(value)
        return result

    def weigh(self, value: Any) -> int:
        """Return a value's size in characters; a list shared in itself counts each time."""
        if isinstance(value, str):
            return len(value)
        total, seen, todo = 0, 0, [value]
        while todo:
            one = todo.pop()
            seen += 1
            if isinstance(one, str):
                total += len(one)
            elif isinstance(one, Mapping):
                todo.extend(one.keys())
                todo.extend(one.values())
            elif isinstance(one, list | tuple | range):
                if isinstance(one, range):
                    total += len(one) * ELEMENT
                else:
                    todo.extend(one)
            total += ELEMENT
            if total > self._limits.chars or seen + len(todo) > MAX_ELEMENTS:
                raise TooMuch("works on too large a list")
        return total
