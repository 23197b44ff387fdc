"""Two scripted models that answer as the task asks, and what a scenario may do with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.editors.harness import answer as answer_of_the_desk
from tests.servers.base import Answer, serve_in_thread
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply

FIXED = '''\
def total(prices, discount=0):
    """Return the sum of prices less a discount."""
    return sum(prices) - max(discount, 0)  # 😀 total
'''
DOCUMENTED = '''\
def total(prices, discount=0):
    """Return the sum of prices less a discount.

    A discount of None is not allowed.
    """
    return sum(prices) - discount  # 😀 total
'''
TEMPLATE = """\
---
title: Write a haiku
kind: aiex.haiku
extends: explain
---
{% block user %}
Make a haiku of this:
{{ code | fence(language) }}
{% endblock %}
"""
TILL = """\
def pay(amount, given):
    return given - amount


def change(coins):
    return sorted(coins)
"""
TWO_FILES = """\
```diff
--- a/prices.py
+++ b/prices.py
@@ -4,3 +4,3 @@
 def total(prices, discount=0):
     \"\"\"Return the sum of prices less a discount.\"\"\"
-    return sum(prices) - discount  # 😀 total
+    return -discount + sum(prices)  # 😀 total
--- a/till.py
+++ b/till.py
@@ -1,2 +1,2 @@
 def pay(amount, given):
-    return given - amount
+    return -amount + given
```
"""
FOLLOWED = "Because nobody asked for rounding."
HAIKU = "Prices in a row, a discount falls like a leaf, what remains is due."
HOSTILE = """\
<img src=x onerror="document.title='taken'"><script>document.title = 'taken'</script>
![a picture](https://example.com/x.png) [here](javascript:alert(1)) [there](command:aiex.restart)

```python
coins = sorted(coins)
```

The end of it.
"""
LONG = " ".join(f"word{number}" for number in range(400))


def answer(name: str) -> Answer:
    """Return the answers of a provider; each but the code says whose it is."""

    def reply(body: dict[str, Any]) -> Reply:
        prompt = "\n".join(str(message["content"]) for message in body["messages"])
        if "corrects code" in prompt:
            return Reply(f"Not below zero:\n\n```python\n{FIXED}```")
        if "documents code" in prompt:
            return Reply(f"Documented:\n\n```python\n{DOCUMENTED}```")
        if "You answer a programmer's questions" in prompt:
            return Reply(f"{FOLLOWED} ({name})")
        if "Make a haiku of" in prompt:
            return Reply(f"{HAIKU} ({name})")
        given = answer_of_the_desk(body)
        explains = "Adds up the prices" in given.text
        return Reply(f"{given.text}\n\nSaid by {name}.") if explains else given

    return reply


class Providers:
    """Providers that listen on ports of their own and can be stopped and started again there."""

    def __init__(self, *names: str) -> None:
        self._servers: dict[str, OpenAIServer] = {}
        self._running: dict[str, ExitStack] = {}
        for name in names:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a provider, again at its port if it had one."""
        port = self._servers[name]._port if name in self._servers else 0
        stack = ExitStack()
        server = OpenAIServer(answer=answer(name), port=port)
        self._servers[name] = stack.enter_context(serve_in_thread(server))
        self._running[name] = stack

    def stop(self, name: str) -> None:
        """Stop a provider: its port refuses."""
        if stack := self._running.pop(name, None):
            stack.close()

    def slow(self, name: str) -> None:
        """Make the next answer long, ten words a second."""
        self._servers[name].script(Reply(LONG, between=0.1))

    def say(self, name: str, text: str, after: float = 0) -> None:
        """Make the next answer this text, after some seconds."""
        self._servers[name].script(Reply(text, first_token=after))

    def answer(self, name: str, answer: Answer) -> None:
        """Answer in another way from now on."""
        self._servers[name].answer = answer

    def asked(self, name: str) -> int:
        """Return how many generations a provider was asked for."""
        return len(self._servers[name].generations)

    def cut(self, name: str) -> bool:
        """Return whether the last generation was given up by who asked for it."""
        return self._servers[name].generations[-1].cut

    def close(self) -> None:
        for name in list(self._running):
            self.stop(name)

    def configuration(self) -> str:
        """Return a `config.toml` with these providers, the first the default."""
        lines = [f'default_provider = "{next(iter(self._servers))}"']
        for name, server in self._servers.items():
            lines += [f"[providers.{name}]", 'type = "openai"', "local = true"]
            lines += [f'base_url = "{server.base_url}"']
        return "\n".join(lines) + "\n"


@contextmanager
def two_providers(config: Path) -> Iterator[Providers]:
    """Yield the providers `desk` and `spare`, which a configuration file names."""
    providers = Providers("desk", "spare")
    try:
        config.write_text(providers.configuration())
        yield providers
    finally:
        providers.close()
