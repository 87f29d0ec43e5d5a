"""`make bench`: this server with everything durable beside bare ones that store nothing, in turn, in one run.

`bare` holds the servers to compare with, `load` the stations (a process of its own), `__main__` the rounds and table.
"""
