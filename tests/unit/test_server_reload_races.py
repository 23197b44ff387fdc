"""Configuration that changes while it is read, or looked at: the last state holds."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

from aiex_lsp.server.services import InitInfo, Services
from tests.e2e import profiles
from tests.session import connected
from tests.unit.test_server_reload import (
    CODE,
    EAGER,
    PATIENT,
    QUIET,
    RealWorld,
    eventually,
    real,
    template,
    titles,
    watched,
    working,
    write,
)

__all__ = ["real"]


class Held:
    """Services whose settings are read while `begun` waits for `go`, if it is armed."""

    def __init__(self, real: RealWorld) -> None:
        self.begun, self.go, self.armed = threading.Event(), threading.Event(), False
        self._made = real.services
        real.services = self.services  # type: ignore[method-assign]

    def services(self, init: InitInfo) -> Services:
        found = self._made(init)
        inner = found.configure

        def configure(settings: Any) -> None:
            self._pause()
            inner(settings)
            self._pause()

        found.configure = configure
        return found

    def _pause(self) -> None:
        if self.armed:
            self.begun.set()
            assert self.go.wait(10)
            self.go.clear()

    async def reached(self) -> None:
        await asyncio.to_thread(self.begun.wait, 10)
        self.begun.clear()


OFF = '[features]\ndisabled_languages = ["python"]\n'


async def test_a_file_that_comes_and_goes_while_the_settings_are_read_is_not_taken_for_there(real):
    held = Held(real)
    own = real.root / ".aiex.toml"
    async with working(real, profiles.emacs()) as editor:
        look = lambda: titles(editor, real.uri)  # noqa: E731
        held.armed = True
        write(real.config, QUIET + "[cache]\nttl = 5\n")
        await look()
        await held.reached()
        write(own, OFF)  # after whatever is looked at before the files are read
        held.go.set()
        await held.reached()  # they are read
        held.armed = False
        own.unlink()  # and before anything is looked at again
        held.go.set()
        await eventually(look, "Explain `add`", there=False)
        await eventually(look, "Explain `add`")


async def test_a_file_written_while_the_settings_are_read_holds_at_the_next_look(real):
    held = Held(real)
    own = real.root / ".aiex.toml"
    async with working(real, profiles.emacs()) as editor:
        look = lambda: titles(editor, real.uri)  # noqa: E731
        held.armed = True
        write(real.config, QUIET + "[cache]\nttl = 5\n")
        await look()
        await held.reached()
        held.go.set()
        await held.reached()  # read without it
        write(own, OFF)
        held.armed = False
        held.go.set()
        await eventually(look, "Explain `add`", there=False)


async def test_a_change_told_while_another_is_read_is_read_too(real):
    held = Held(real)
    own = real.root / ".aiex.toml"
    async with working(real, profiles.vscode(), limits=PATIENT) as editor:
        held.armed = True
        watched(editor, write(real.config, QUIET + "[cache]\nttl = 5\n"))
        await held.reached()
        held.go.set()
        await held.reached()
        held.armed = False
        # News of a template must not hide those of the settings, nor the other way round.
        watched(editor, write(own, OFF), real.add(template()))
        watched(editor, real.add(template("Whisper"), "whisper.md.j2"))
        held.go.set()
        await eventually(lambda: titles(editor, real.uri), "Explain `add`", there=False)
        own.unlink()
        watched(editor, own)
        await eventually(lambda: titles(editor, real.uri), "Whisper: `add`")


async def test_a_change_within_one_tick_of_the_clock_holds(real):
    own = write(real.root / ".aiex.toml", '[features]\ndisabled_languages = ["python"]\n')
    status = own.stat()
    async with connected(real, profiles.bare(), limits=EAGER) as editor:  # type: ignore[arg-type]
        await editor.initialize(real.root)
        editor.open(real.uri, CODE)
        await editor.until(lambda: not editor.server.reloading.running)
        assert "Explain `add`" not in await titles(editor, real.uri)
        own.write_text(own.read_text().replace("python", "pascal"))
        os.utime(own, ns=(status.st_atime_ns, status.st_mtime_ns))
        await eventually(lambda: titles(editor, real.uri), "Explain `add`")


async def test_settings_that_could_not_be_taken_over_are_read_again(real):
    made, faults = real.services, [OSError("too many open files")]

    def services(init: InitInfo) -> Services:
        found = made(init)
        inner = found.configure

        def configure(settings: Any) -> None:
            if faults and (real.root / ".aiex.toml").exists():
                raise faults.pop()
            inner(settings)

        found.configure = configure
        return found

    real.services = services
    async with working(real, profiles.bare()) as editor:
        write(real.root / ".aiex.toml", OFF)
        await eventually(lambda: titles(editor, real.uri), "Explain `add`", there=False)
    assert faults == []


PARENT = """---
title: Base
variables:
  code: {{type: string, required: true, inject: code}}
---
{{% block user %}}{{% block {name} %}}{{{{ code }}}}{{% endblock %}}{{% endblock %}}
"""
CHILD = "---\ntitle: Child\nextends: base\n---\n{% block inner %}Shout{% endblock %}\n"


async def test_a_draft_is_checked_again_when_the_template_it_extends_is_mended(real):
    child = real.add(CHILD, "child.md.j2")
    uri = child.as_uri()
    async with working(real, profiles.vscode(), limits=PATIENT) as editor:
        editor.open(uri, CHILD, "jinja")
        editor.change(uri, {"text": CHILD + "\n"})
        await editor.until(lambda: "does not exist" in str(editor.diagnostics.get(uri)))
        watched(editor, real.add(PARENT.format(name="inner"), "base.md.j2"))
        await editor.until(lambda: "does not exist" not in str(editor.diagnostics[uri]))
        (real.folder / "base.md.j2").unlink()
        watched(editor, real.folder / "base.md.j2")
        await editor.until(lambda: "does not exist" in str(editor.diagnostics[uri]))
