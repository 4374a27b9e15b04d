"""What one viewer may see of the line, of a picture, of everything: plain values for pages and for JSON alike.

Counts and places go to everybody; prompts, previews, pictures and names only as the owner's visibility and a picture's
own hiding allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from generator.serve.friends import Friend
from generator.serve.line.estimate import NOTHING, History, Kind, Range, kind_of, words
from generator.serve.line.live import Hub, Progress
from generator.serve.line.queue import REFUSED, QueuedJob
from generator.serve.line.turns import Place, why_risen

MOST_SHOWN = 100
"""Pictures of the line that a page lists; the counts are of all."""
SOMEBODY = "somebody"
"""Who a friend is for whoever may not know."""
MODES: Mapping[str, str] = {
    "gaming": "The graphics card plays a game",
    "draining": "Nothing new begins for now",
    "paused": "Paused",
}
"""What the machine is about where it does not draw, in words for friends."""
FAILURES: Mapping[str, str] = {
    "out_of_memory": "It did not fit into the memory here.",
    "device_lost": "The graphics card was lost.",
    "not_finite": "The numbers ran away. Another seed usually helps.",
    "weights_missing": "The networks for it are missing here.",
    "disk_full": "The disk here is full. It goes on once there is room.",
    "bad_request": "This version cannot draw it any more.",
    "bug": "Something broke. The owner can see what.",
    "crashed": "It broke three times. The owner has to look.",
    REFUSED: "The owner did not let it be drawn.",
}
"""Why a picture could not be drawn, by code, in words for its friend."""
TELLING = ("out_of_memory", REFUSED)
"""Codes whose note is for its friend; the others' are for the owner."""


STILLNESS = ((0.004, "nearly still"), (0.015, "settling"))
"""Below so much change a step, a picture is told to be so."""


@dataclass(frozen=True)
class LineSeen:
    """The line as it stands: running first, then in the order of service."""

    jobs: Sequence[QueuedJob]
    names: Mapping[int, str]
    counts: Mapping[str, int]
    """State -> how many, of everybody."""
    _waits: Sequence[Range | None] | None = field(default=None, init=False, compare=False, repr=False)

    def number_of(self, key: str) -> int | None:
        """1 = next after what is running; 0 = running; None = not in the line."""
        index = self.places.get(key)
        return None if index is None else max(0, index - self.running + 1)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Key -> index in `jobs`."""
        return {job.key: index for index, job in enumerate(self.jobs)}

    @cached_property
    def running(self) -> int:
        """How many are being drawn."""
        return sum(job.state == "running" for job in self.jobs)

    def waits(self, history: History) -> Sequence[Range | None]:
        """Per index in `jobs`: what those take that wait before it. None = one is unknown. The last: all that wait.

        Counted once a line: its history grows with a picture that is done, and then there is another line.
        """
        if self._waits is None:
            total: Range | None = NOTHING
            waits = [total]
            for job in self.jobs:
                if job.state != "running" and total is not None:
                    one = history.range_of(kind_of(job.config, job.wish["preset"]))
                    total = None if one is None else total + one.times(1.0 - job.kept_step / max(1, job.steps))
                waits.append(total)
            object.__setattr__(self, "_waits", waits)
        assert self._waits is not None
        return self._waits

    def ahead_of(self, key: str | None) -> Sequence[QueuedJob]:
        """What is drawn before that picture; all of the line for None."""
        return self.jobs[: self.places.get(key or "", len(self.jobs))]


def clock_words(ms: int) -> str:
    """A time of day as the owner's clock shows it."""
    return f"{datetime.fromtimestamp(ms / 1000):%H:%M}"  # noqa: DTZ006 - the owner's own


def mode_words(hub: Hub) -> str:
    """Why nothing new is drawn, in a sentence or two; "" where it is."""
    if hub.mode == "drawing":
        return ""
    until = "" if hub.until is None else f" until {clock_words(hub.until)}"
    return f"{MODES[hub.mode]}{until}. {hub.reason}".strip()


def may_see(job: QueuedJob, viewer: Friend, visibility: str) -> bool:
    """Whether the viewer may know what is in a picture: its prompt, its previews, itself."""
    if job.friend == viewer.id:
        return True
    return visibility == "circle" and not job.is_hidden and job.deleted_at is None


def name_of(job: QueuedJob, viewer: Friend, line: LineSeen, visibility: str) -> str | None:
    """Whose picture it is, as far as the viewer may know; the owner, who invited everybody, knows everybody."""
    if visibility == "circle" or viewer.is_owner or job.friend == viewer.id:
        return line.names.get(job.friend, "?")
    return None


def share_to_do(job: QueuedJob, hub: Hub) -> float:
    """Which part of its steps is still to be made."""
    done = job.kept_step
    if (now := hub.progress_of(job.id)) is not None:
        done = now.steps_done
    return max(0.0, 1.0 - done / max(1, job.steps))


def time_left(
    job: QueuedJob | None, line: LineSeen, hub: Hub, history: History, new: Kind | None = None
) -> Range | None:
    """Until a picture is done; of a new one of that kind for None."""
    place = line.places.get("" if job is None else job.key, len(line.jobs))
    waits = line.waits(history)[place]
    if waits is None:
        return None
    running = line.jobs[: min(place, line.running)]
    kinds = [(kind_of(one.config, one.wish["preset"]), share_to_do(one, hub)) for one in running]
    if job is not None:
        kinds.append((kind_of(job.config, job.wish["preset"]), share_to_do(job, hub)))
    elif new is not None:
        kinds.append((new, 1.0))
    loads = hub.load_seconds if hub.worker in ("unloaded", "gone", "crowded", "starting") else 0.0
    left = history.waiting(kinds, loads)
    return None if left is None else left + waits


def job_view(
    job: QueuedJob, viewer: Friend, line: LineSeen, hub: Hub, history: History, visibility: str
) -> dict[str, Any]:
    """One picture for one viewer."""
    sees = may_see(job, viewer, visibility)
    view: dict[str, Any] = {
        "key": job.key,
        "state": job.state,
        "friend": name_of(job, viewer, line, visibility),
        "mine": job.friend == viewer.id,
        "turn": job.turn,
        "number": line.number_of(job.key),
        "prompt": job.prompt if sees else None,
        "preset": job.wish["preset"],
        "shape": job.wish["shape"],
        "steps": job.steps,
        "steps_done": job.steps if job.state == "done" else job.kept_step,
        "width": job.config["width"],
        "height": job.config["height"],
        "made_at": job.made_at,
        "code": job.code,
        "why": job.note if sees and job.code in TELLING else None,
        "hidden": job.is_hidden,
        "deleted": job.deleted_at is not None,
        "attempt": job.attempt,
    }
    if sees and job.state == "done" and job.deleted_at is None:
        view["files"] = {kind: f"/files/{job.key}/{kind}" for kind in ("picture", "large", "thumb-256", "thumb-512")}
        view |= {"seed": job.config["seed"], "style": job.wish["style"], "seconds": round(job.work_seconds, 1)}
    if job.state == "running" and (now := hub.progress_of(job.id)) is not None:
        view |= _progress_view(job, now, sees)
    if job.state in ("queued", "running"):
        left = time_left(job, line, hub, history)
        view["left"] = words(left)
        view["left_seconds"] = None if left is None else [round(left.low, 1), round(left.high, 1)]
    if job.state == "queued":
        view["behind"] = behind(job, viewer, line, visibility)
    return view


def _progress_view(job: QueuedJob, now: Progress, sees: bool) -> dict[str, Any]:
    view: dict[str, Any] = {"steps_done": now.steps_done, "resumed_at": now.resumed_at, "change": now.change}
    view["moving"] = moving(now)
    if sees:
        view |= {"preview": now.preview, "unknown_words": dict(now.unknown_words), "note": now.note}
        if now.preview:
            view["live"] = f"/files/{job.key}/live?v={now.attempt}.{now.preview}"
    return view


def moving(now: Progress) -> str:
    """How much a picture still changes, in words; "" while it is too early to say.

    Early and slow steps move little although much is to come: so it is told from a quarter on.
    """
    if now.change is None or now.steps_done * 4 < now.steps:
        return ""
    return next((told for below, told in STILLNESS if now.change < below), "changing a lot")


def behind(job: QueuedJob, viewer: Friend, line: LineSeen, visibility: str) -> str:
    """Why this place, where somebody who came later goes first."""
    later = next((one for one in line.ahead_of(job.key) if one.id > job.id and one.state == "queued"), None)
    if later is None:
        return ""
    mine = Place(job.key, job.friend, job.turn, 0)
    return why_risen(mine, name_of(later, viewer, line, visibility) or SOMEBODY, later.turn)


def line_view(viewer: Friend, line: LineSeen, hub: Hub, history: History, visibility: str) -> dict[str, Any]:
    """The whole line and what the machine is about, for one viewer."""
    return {
        "counts": dict(line.counts),
        "line": [job_view(job, viewer, line, hub, history, visibility) for job in line.jobs[:MOST_SHOWN]],
        "device": hub.device,
        **about(hub),
    }


def about(hub: Hub) -> dict[str, Any]:
    """What the machine is about: it changes without any event of a picture."""
    return {
        "mode": hub.mode,
        "until": hub.until,
        "reason": hub.reason,
        "worker": hub.worker,
        "slept_seconds": round(hub.slept_seconds),
    }
