"""The Python client of a Tollkeeper server."""
