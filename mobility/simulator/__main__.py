import sys

from mobility.simulator.cli import main

sys.exit(main())
