"""A mark for lines that were taken out of a text, so that the others keep their numbers."""

from __future__ import annotations

GAP = "\U0010fffd"
"""Stands where a line's end was: whoever numbers lines counts it. Of no meaning in Unicode."""
