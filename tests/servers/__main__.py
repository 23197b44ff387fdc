"""A fake provider as a program: `python -m tests.servers openai [--port N]` prints its address.

It stays until its standard input closes, so it never outlives who started it.
"""

from __future__ import annotations

import argparse
import sys

from tests.servers.anthropic import AnthropicServer
from tests.servers.base import FakeServer, serve_in_thread
from tests.servers.lm_studio import LMStudioServer
from tests.servers.ollama import OllamaServer
from tests.servers.openai import OpenAIServer

SERVERS: dict[str, type[FakeServer]] = {
    server.dialect: server
    for server in (AnthropicServer, OpenAIServer, OllamaServer, LMStudioServer)
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers")
    parser.add_argument("dialect", choices=sorted(SERVERS))
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    with serve_in_thread(SERVERS[arguments.dialect](port=arguments.port)) as server:
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
