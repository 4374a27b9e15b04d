"""The chaos run: `python tests/chaos --seed 7 --kills 200` kills a server two hundred times and asks what it lost.

Five friends ask for pictures all the time; worker, server, parent or all of them are killed -9; the disk is filled,
clocks jump, the database is damaged and locked. With `--crew ray` two machines draw, and die, too. The report is one
JSON document on standard output; exit code 3 where a promise was broken (docs/reliability.md says what is promised).
Networks are toys at 32 pixels: everything but what they compute is as it is for friends.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from crew_siege import CrewSiege
from siege import BrokenPromiseError, Siege


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python tests/chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=7, help="of who is killed, when, and what is asked")
    parser.add_argument("--kills", type=int, default=20, help="how many")
    parser.add_argument("--patience", type=float, default=180.0, help="seconds without a step that mean it is stuck")
    parser.add_argument("--minutes", type=float, default=1e9, help="no kill after so long, however many are left")
    parser.add_argument("--crew", choices=("local", "ray"), default="local", help="ray: a head and one more node")
    parser.add_argument("--only", default="", metavar="WHO,WHO", help="kill these alone: see KILLS and CREW_KILLS")
    parser.add_argument("--no-troubles", action="store_true", help="kills alone: disk, clock and database are left")
    parser.add_argument("--keep", action="store_true", help="leave the sandbox where it is")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what was started is ended, too
    room = Path(tempfile.mkdtemp(prefix="dreamrig-chaos-"))
    kind = CrewSiege if given.crew == "ray" else Siege
    siege = kind(room / "sandbox", given.seed, given.kills, given.patience, 60 * given.minutes)
    siege.has_troubles = not given.no_troubles
    if given.only:
        siege.kinds = {who: siege.kinds[who] for who in given.only.split(",")}
    try:
        report = siege.run()
    except BrokenPromiseError as error:
        report = {"seed": given.seed, "kills": dict(siege.killed), "broken": [*siege.problems, str(error)]}
    finally:
        if not given.keep:
            shutil.rmtree(room, ignore_errors=True)
    print(json.dumps(report, indent=1))
    return 3 if report["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
