"""The tables of the shared state inside one transaction. Blocks: one thread's."""

from __future__ import annotations

import json
import sqlite3

from aiex_lsp.state import circuit as breaker
from aiex_lsp.state.types import MEMBER_SECONDS, Member
from aiex_lsp.state.units import MICROSECONDS, to_micros, to_seconds
from aiex_lsp.state.window import Entry, Left, Window

FORGET_AFTER = 24 * 3600 * MICROSECONDS
"""A circuit that nothing was recorded of for a day is forgotten, in microseconds."""

_MEMBER = to_micros(MEMBER_SECONDS)


class Tables:
    """Reads and writes inside a transaction that its caller begins and ends. Times: microseconds.

    Raises `sqlite3.Error`, and `ValueError` for contents that are not ours.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._do = connection.execute
        self._do_many = connection.executemany

    def born(self) -> str:
        """Return the file's identity. Raises `ValueError` where it has none."""
        row = self._do("SELECT born FROM store").fetchone()
        if row is None:
            raise ValueError("the store has no identity")
        return str(row[0])

    def window(self, name: str) -> Window:
        """Return a window as it was saved, an empty one for a name never seen."""
        head = self._do(
            "SELECT next, requests, tokens FROM windows WHERE name = ?", (name,)
        ).fetchone()
        if head is None:
            return Window()
        found = self._do(
            "SELECT id, at, tokens, weight, place FROM entries WHERE window = ? ORDER BY at, place",
            (name,),
        )
        entries = tuple(Entry(*row) for row in found)
        return Window(entries, _left(head[1]), _left(head[2]), head[0])

    def save(self, name: str, before: Window, after: Window) -> None:
        """Write what differs between a window as it was loaded and as it is now."""
        old = {entry.id: entry for entry in before.entries}
        new = {entry.id: entry for entry in after.entries}
        gone = [(name, row_id) for row_id in old if row_id not in new]
        changed = [entry for entry in after.entries if old.get(entry.id) != entry]
        if gone:
            self._do_many("DELETE FROM entries WHERE window = ? AND id = ?", gone)
        if changed:
            self._do_many(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)",
                [(name, one.id, one.at, one.tokens, one.weight, one.order) for one in changed],
            )
        heads = [(one.order, one.requests, one.tokens) for one in (before, after)]
        if heads[0] != heads[1]:
            self._do(
                "INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?)",
                (name, after.order, _text(after.requests), _text(after.tokens)),
            )

    def circuit(self, name: str, now: int, *, write: bool = True) -> breaker.Record:
        """Return a circuit's record, a closed one for a name never seen.

        One that lay in the future is written as of now, unless this is a transaction that reads.
        """
        row = self._do("SELECT record FROM circuits WHERE name = ?", (name,)).fetchone()
        record = breaker.Record() if row is None else breaker.from_text(row[0])
        found = breaker.current(record, now)
        if write:
            self.keep(name, record, found, now)
        return found

    def keep(
        self, name: str, before: breaker.Record | None, after: breaker.Record, now: int
    ) -> None:
        """Write a circuit's record unless it is the one `before`."""
        if after == before:
            return
        if after == breaker.Record():
            self._do("DELETE FROM circuits WHERE name = ?", (name,))
            return
        self._do(
            "INSERT OR REPLACE INTO circuits VALUES (?, ?, ?)", (name, breaker.to_text(after), now)
        )

    def value(self, key: str, now: int) -> str | None:
        """Return a value that still holds."""
        row = self._do(
            'SELECT value FROM "values" WHERE key = ? AND until > ?', (key, now)
        ).fetchone()
        return None if row is None else str(row[0])

    def put(self, key: str, value: str, ttl: int, now: int) -> None:
        """Keep a value for so long, remove it if that is not above 0."""
        self._do('DELETE FROM "values" WHERE until <= ? OR key = ?', (now, key))
        if ttl > 0:
            self._do('INSERT INTO "values" VALUES (?, ?, ?)', (key, value, now + ttl))

    def cached(self, key: str, now: int) -> bytes | None:
        """Return a cached answer that still holds; it is the one used last then."""
        row = self._do(
            "SELECT value FROM answers WHERE key = ? AND until > ?", (key, now)
        ).fetchone()
        if row is None:
            return None
        self._do(
            "UPDATE answers SET used = (SELECT max(used) + 1 FROM answers) WHERE key = ?", (key,)
        )
        return bytes(row[0])

    def cache(self, key: str, value: bytes, ttl: int, max_bytes: int, now: int) -> None:
        """Keep an answer for so long; those used least recently go until the others fit."""
        self._do("DELETE FROM answers WHERE until <= ? OR key = ?", (now, key))
        if ttl > 0 and len(value) <= max_bytes:
            self._do(
                "INSERT INTO answers SELECT ?, ?, ?, ?, coalesce(max(used), 0) + 1 FROM answers",
                (key, value, len(value), now + ttl),
            )
        total = self._do("SELECT coalesce(sum(size), 0) FROM answers").fetchone()[0]
        while total > max_bytes:
            row = self._do("SELECT key, size FROM answers ORDER BY used LIMIT 1").fetchone()
            self._do("DELETE FROM answers WHERE key = ?", (row[0],))
            total -= row[1]

    def beat(self, member: Member, now: int) -> None:
        """Write that a member is there."""
        self._do(
            "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?)",
            (member.id, member.host, now, member.payload),
        )

    def members(self, now: int) -> list[Member]:
        """Return who is there, by id, after dropping those who are not."""
        self._do("UPDATE members SET last_seen = ? WHERE last_seen > ?", (now, now))
        self._do("DELETE FROM members WHERE last_seen <= ?", (now - _MEMBER,))
        found = self._do("SELECT id, host, last_seen, payload FROM members ORDER BY id")
        return [Member(row[0], row[1], to_seconds(row[2]), row[3]) for row in found]

    def leave(self, member_id: str) -> None:
        """Take a member out."""
        self._do("DELETE FROM members WHERE id = ?", (member_id,))

    def prune(self, now: int, length: int) -> None:
        """Drop what nobody asks for any more: windows and circuits of providers long gone."""
        self._do("DELETE FROM entries WHERE at <= ?", (now - 2 * length,))
        self._do("DELETE FROM circuits WHERE touched <= ?", (now - FORGET_AFTER,))
        self._do("DELETE FROM answers WHERE until <= ?", (now,))


def _left(text: str | None) -> Left | None:
    return None if text is None else Left(*json.loads(text))


def _text(left: Left | None) -> str | None:
    if left is None:
        return None
    return json.dumps([left.left, left.until, left.seen_at, left.order])
