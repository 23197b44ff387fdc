"""Token counts by a process of its own.

Loading a vocabulary takes up to half a second in which toktok lets no other thread run: in a
server the event loop would stand still, and every editor request with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence

CountTexts = Callable[[Sequence[str], str], list[int]]
"""(texts, vocabulary) -> the tokens of each. Blocking."""

_CHILD = """
import json, sys
import toktok
while head := sys.stdin.buffer.readline():
    vocabulary, sizes = json.loads(head)
    texts = [sys.stdin.buffer.read(size).decode() for size in sizes]
    counts = toktok.batch_count(texts, vocabulary, threads=1)
    sys.stdout.buffer.write(json.dumps(counts).encode() + b"\\n")
    sys.stdout.buffer.flush()
"""
"""Ends with its standard input, and so with the server, however that ends."""

COMMAND = (sys.executable, "-P", "-c", _CHILD)
"""-P: nothing is imported from the folder the editor was started in."""


_loading = threading.Lock()


def count_texts(texts: Sequence[str], vocabulary: str) -> list[int]:
    """Return the tokens of each text in a vocabulary of toktok, which is loaded once."""
    import toktok

    clean = [_encodable(text).decode() for text in texts]
    with _loading:  # the first call builds tables in its cache; later ones take microseconds here
        toktok.batch_count((), vocabulary)
    counts: list[int] = toktok.batch_count(clean, vocabulary, threads=1)
    return counts


class CountingProcess:
    """Counts texts like `count_texts`. Safe in any thread; blocking.

    Where no process can be started, or it has ended, texts are counted here.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def __call__(self, texts: Sequence[str], vocabulary: str) -> list[int]:
        """Return the tokens of each text."""
        counts = self._try(texts, vocabulary)
        return count_texts(texts, vocabulary) if counts is None else counts

    def load(self, vocabularies: Iterable[str]) -> None:
        """Load vocabularies in the process, nothing here where there is none."""
        for vocabulary in vocabularies:
            self._try((), vocabulary)

    def close(self) -> None:
        """End the process; what is counted later is counted here."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()  # whoever waits for it is let go
        with self._lock:
            self._end()

    def _try(self, texts: Sequence[str], vocabulary: str) -> list[int] | None:
        with self._lock:
            if not self._closed:
                try:
                    return self._ask([_encodable(text) for text in texts], vocabulary)
                except (OSError, ValueError):
                    self._end()
        return None

    def _ask(self, texts: Sequence[bytes], vocabulary: str) -> list[int]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal is for the server
            )
        source, sink = self._process.stdin, self._process.stdout
        if source is None or sink is None:
            raise OSError("no pipes")
        head = json.dumps([vocabulary, [len(text) for text in texts]])
        source.write(b"".join([head.encode(), b"\n", *texts]))
        source.flush()
        counts: list[int] = json.loads(sink.readline())
        return counts

    def _end(self) -> None:
        self._closed = True
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue


def _encodable(text: str) -> bytes:
    """Return a text's UTF-8 with half surrogate pairs replaced."""
    return text.encode("utf-8", "replace")
