"""`python -m aiex_lsp`."""

from __future__ import annotations

from aiex_lsp.cli import main

if __name__ == "__main__":
    main()
