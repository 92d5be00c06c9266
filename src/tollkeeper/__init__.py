"""Tollkeeper: the money side of a SaaS, API or AI product, self-hosted.

The floors, top to bottom, are described in ARCHITECTURE.md and held by import-linter.
"""

__version__ = "0.1.0"
