"""`python -m dreamrig` is the `dreamrig` command."""

import sys

from dreamrig.cli import main

if __name__ == "__main__":
    sys.exit(main())
