"""The ledger: applies facts in group commits; the only writer on the hot path.

core.py          the thread, the batches, what happens when one fails
batch.py         what one commit writes
state.py         what is remembered of a station between batches
stations.py, transactions.py, readings.py, tags.py, connections.py, commands.py   the handlers, by noun
settle.py, hours.py   a transaction from its stored events; energy by the hour
foreign.py       what belongs to nothing here
"""
