"""Charging without anyone's doing: what is due is found, planned, acted on and watched.

`scene.py` reads how things stand, `plans.py` decides when to charge, `runs.py` acts and watches, `words.py` says why.
"""
