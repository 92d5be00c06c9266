"""Lighthouse on the pages of a running Tollkeeper, as a phone on a slow network sees them."""
