"""The one API version this imitation speaks; objects, events and parameters all have its shapes."""

API_VERSION = "2026-10-28.endive"
