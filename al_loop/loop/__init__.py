"""The round: six steps over one database, each of which can be repeated.

`machine` runs them in order, `select`, `exchange` (push and pull) and `learn` (audit, train,
log) are the steps, `parts` is what they are given.
"""
