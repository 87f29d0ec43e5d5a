"""The demo: an organization with people, tags, cars and three stations, weeks of past sessions, and live charging.

Everything carries "Demo" in its name. Loading it again changes nothing.
"""

from mobility.demo.data import Login, load_demo
from mobility.demo.stations import run_demo_stations

__all__ = ["Login", "load_demo", "run_demo_stations"]
