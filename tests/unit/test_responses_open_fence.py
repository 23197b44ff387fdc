"""The fence an answer was cut in is closed, so that what is said after it is no code."""

from __future__ import annotations

import pytest

from aiex_lsp.responses.fences import open_fence


@pytest.mark.parametrize(
    ("text", "closer"),
    [
        ("No code.", None),
        ("a\n```py\nx = 1\n```\nb", None),
        ("a\n```python\nx = 1", "```"),
        ("a\n~~~~\nx", "~~~~"),
        ("1. so:\n   ```c\n   int x", "   ```"),
        ("> ```\n> x", "> ```"),
    ],
)
def test_what_closes_a_cut_answer(text: str, closer: str | None) -> None:
    assert open_fence(text) == closer
    if closer is not None:
        assert open_fence(f"{text}\n{closer}\n\nmore") is None
