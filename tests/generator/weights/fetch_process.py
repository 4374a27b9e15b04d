"""`dreamrig weights` with a registry of a test's own, as a process that can be killed: REGISTRY WORD..."""

import sys
from pathlib import Path

from generator.front.cli.weights import weights
from generator.weights.door import WeightsDoor

if __name__ == "__main__":
    sys.exit(weights(sys.argv[2:], WeightsDoor(registry_file=Path(sys.argv[1]))))
