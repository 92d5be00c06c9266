"""Proof by experiment that the gate is exact: `python -m proof`.

Real servers (four web processes on one PostgreSQL) are driven with hot and cold customers while processes are killed,
the database is restarted and time jumps into the next period. What every caller saw is written down with the moment it
asked and the moment it was answered, and is then held against what the database holds. Nothing inside the server is
looked at: only its answers, and the tables.
"""
