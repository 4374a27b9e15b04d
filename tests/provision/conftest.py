"""What several tests of this folder build on lies in `building`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "building"))
