"""Benchmarks, each beside its bare limit in the same run. `make bench` runs all; `make bench B=track` one."""
