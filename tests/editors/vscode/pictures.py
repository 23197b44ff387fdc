"""Takes the README's pictures in the real VS Code: `python -m tests.editors.vscode.pictures`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tests.editors.harness import desk
from tests.editors.vscode.providers import Providers
from tests.editors.vscode.rig import (
    ROOT,
    CodeServer,
    built_vsix,
    drive,
    environment,
    saw,
    serving,
)
from tests.servers.script import Reply

SOURCE = '''\
"""Rooms of a hotel and who has them when."""

from datetime import date


def free_rooms(rooms, bookings, start, end):
    """Return the rooms nobody has between two days."""
    taken = set()
    for booking in bookings:
        if booking.start <= end and booking.end >= start:
            taken.add(booking.room)
    return [room for room in rooms if room not in taken]


def nights(start: date, end: date) -> int:
    return (end - start).days
'''
EXPLAINED = """\
Returns the rooms without a booking that overlaps the days asked for, in the order of `rooms`.

## How it works

1. `taken` collects the room of each booking whose days **overlap** `start` to `end`.
2. What is left of `rooms` is returned; `taken` is a set, so each look-up is cheap.

## Watch out

Both comparisons include the day itself: a guest who leaves on the 3rd blocks the room for one who
comes on the 3rd. Hotels usually mean nights:

```python
if booking.start < end and booking.end > start:
```
"""
REVIEW = (
    '[{"line": 10, "severity": "warning", "category": "general",'
    ' "message": "A room that is left on a day cannot be booked from that day on",'
    ' "suggestion": "Compare nights: leave out the equal days"}]'
)
FIXED = '''\
def free_rooms(rooms, bookings, start, end):
    """Return the rooms nobody has between two days."""
    taken = set()
    for booking in bookings:
        # Nights are compared: who leaves makes room on the same day.
        if booking.start < end and booking.end > start:
            taken.add(booking.room)
    return [room for room in rooms if room not in taken]
'''
SETTINGS = {
    "chat.disableAIFeatures": True,
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.colorTheme": "Default Dark Modern",
    "editor.minimap.enabled": False,
    "editor.wordWrap": "on",
    "diffEditor.renderSideBySide": False,
    "aiex.health.interval": 0,
}


def _answer(body: dict[str, Any]) -> Reply:
    prompt = "\n".join(str(message["content"]) for message in body["messages"])
    if "corrects code" in prompt:
        return Reply(f"```python\n{FIXED}```")
    if "You review" in prompt or "review" in prompt.lower():
        return Reply(REVIEW, usage=(412, 61))
    return Reply(EXPLAINED, usage=(388, 143))


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    os.environ["AIEX_SCREENSHOTS"] = str(ROOT / "editors" / "pictures")
    providers = Providers("local", "office")
    for name in ("local", "office"):
        providers.answer(name, _answer)
    with desk(folder) as here:
        (folder / "config.toml").write_text(providers.configuration())
        project = here.source.parent
        here.source.unlink()
        (project / "rooms.py").write_text(SOURCE, encoding="utf-8")
        code = CodeServer(
            folder, {**environment(here.environment, folder), "AIEX_API": str(folder / "api")}
        )
        code.settings(**SETTINGS)
        code.install(built_vsix())
        with serving(code):
            seen = drive("pictures.mjs", code, {}, project=str(project), api=str(folder / "api"))
        for step in ("explain", "fix"):
            saw(seen, step)
    providers.close()


if __name__ == "__main__":
    main()
