"""Scanners on the running system: `make scan`. One report, kept under build/scan; ends badly on any finding."""
