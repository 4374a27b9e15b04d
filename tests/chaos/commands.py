"""Kills of one command: `python tests/chaos/commands.py --seed 7 --kills 20 --films 5`, a few minutes.

`generate` and `video film` with the starter are killed by signal 9 at random moments of their whole life, and gone on
with, which is killed half of the time too. Every run that had a folder has to be in the history, and every picture and
film has to have the bytes of an undisturbed one. The report is one JSON document; exit code 3 where one has not.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SMALL = ("--size", "64", "--seed", "7", "--quiet", "--threads", "1")
PATIENCE_SECONDS = 600


@dataclass
class Work:
    """A command that makes something, how one goes on with it, and what an undisturbed one made."""

    words: tuple[str, ...]
    resume: tuple[str, ...]
    made: str
    whole: bytes = b""
    seconds: float = 0.0

    def compare(self, run: Path) -> str | None:
        """What is wrong with what a run made; None = the bytes of the undisturbed one."""
        made = run / self.made
        if not made.is_file():
            return f"has no {self.made}"
        return None if made.read_bytes() == self.whole else f"has another {self.made}"


@dataclass
class Kills:
    """Kills in one home, and what they left."""

    home: Path
    chance: random.Random
    count: collections.Counter[str] = field(default_factory=collections.Counter)
    broken: list[str] = field(default_factory=list)

    def start(self, words: tuple[str, ...]) -> subprocess.Popen[bytes]:
        """The command, as a process."""
        command = [sys.executable, "-P", "-m", "dreamrig", *words]
        environment = {**os.environ, "DREAMRIG_HOME": str(self.home)}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def runs(self) -> dict[str, Any]:
        """What the history knows by id; a damaged run is a broken promise."""
        out, _ = self.start(("history", "--json", "-n", "1000")).communicate(timeout=PATIENCE_SECONDS)
        told = json.loads(out)["data"]
        self.broken += [f"damaged: {one}" for one in told["damaged"]]
        return {one["run"]: one for one in told["runs"]}

    def undisturbed(self, work: Work) -> None:
        """Note what it makes and how long it takes."""
        before, began = self.runs(), time.monotonic()
        self.start(work.words).communicate(timeout=PATIENCE_SECONDS)
        work.seconds = time.monotonic() - began
        (run_id,) = set(self.runs()) - set(before)
        work.whole = (self.home / "runs" / run_id / work.made).read_bytes()

    def kill_one(self, work: Work) -> None:
        """Start it, kill it, go on with it until it is whole, and compare."""
        before, name = self.runs(), work.words[0]
        words, run_id = work.words, ""
        moments: list[float] = []
        while True:
            process = self.start(words)
            may_be_killed = not moments or self.chance.random() < 0.5
            if not may_be_killed or not self._killed(process, work, moments):
                break
            self.count[name] += 1
            run_id = run_id or next(iter(set(self.runs()) - set(before)), "")
            self.count[f"{name}, before there was a run"] += not run_id
            words = (*work.resume, run_id, "--quiet") if run_id else work.words
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        run_id = run_id or next(iter(set(self.runs()) - set(before)))
        self.count[f"{name}, whole in the end"] += 1
        if (wrong := work.compare(self.home / "runs" / run_id)) is not None:
            self.broken.append(f"{run_id} {wrong}; killed after {moments}: {said.decode(errors='replace')[-500:]}")

    def _killed(self, process: subprocess.Popen[bytes], work: Work, moments: list[float]) -> bool:
        """Whether it still ran at a moment drawn out of its usual length."""
        moments.append(round(self.chance.uniform(0.0, work.seconds), 2))
        try:
            process.wait(timeout=moments[-1])
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True
        return False


def main() -> int:
    """Kill, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=7, help="of the moments")
    parser.add_argument("--kills", type=int, default=20, help="pictures that are killed")
    parser.add_argument("--films", type=int, default=5, help="films that are killed")
    parser.add_argument("--keep", action="store_true", help="leave the home where it is")
    given = parser.parse_args()
    home = tempfile.mkdtemp(prefix="dreamrig-chaos-")
    try:
        kills = Kills(Path(home), random.Random(given.seed))
        picture = Work(("generate", "a red circle", "--steps", "60", *SMALL), ("generate", "--resume"), "picture.png")
        film = Work(
            ("video", "film", "a red circle", "--frames", "6", "--steps", "8", *SMALL), ("video", "resume"), "film.mp4"
        )
        for work, times in ((picture, given.kills), (film, given.films)):
            if times:
                kills.undisturbed(work)
            for _ in range(times):
                kills.kill_one(work)
    finally:
        if not given.keep:
            shutil.rmtree(home, ignore_errors=True)
    print(json.dumps({"seed": given.seed, "kills": dict(kills.count), "broken": kills.broken}, indent=1))
    return 3 if kills.broken else 0


if __name__ == "__main__":
    sys.exit(main())
