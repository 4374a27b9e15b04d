"""A picture's growing as a film, made on demand by a process of its own: the web process loads no codec."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from generator.crew.protocol import FILM, FRAMES
from generator.serve.friends import Friend
from generator.serve.line.admission import Refused
from generator.serve.line.queue import QueuedJob
from generator.serve.service import Service

log = logging.getLogger("dreamrig.serve")
LONGEST_SECONDS = 120.0
FEWEST_FRAMES = 2


def film_command(folder: Path) -> list[str]:
    """What makes the film of a picture's folder, with what the processor has left over."""
    return ["nice", "-n", "10", sys.executable, "-P", "-m", "dreamrig", "video", "timelapse", str(folder), "--quiet"]


def can_film() -> bool:
    """Whether the codecs are installed (the extra `video`); they are not loaded."""
    return find_spec("av") is not None


def state_of(service: Service, job: QueuedJob) -> str:
    """ "there", "possible", or "" where no film can be made."""
    folder = service.home.picture_folder(job.key)
    if job.state != "done" or job.deleted_at is not None:
        return ""
    if (folder / FILM).is_file():
        return "there"
    frames = folder / FRAMES
    enough = frames.is_dir() and sum(1 for _ in frames.iterdir()) >= FEWEST_FRAMES
    return "possible" if enough and can_film() else ""


async def grow(service: Service, friend: Friend, key: str) -> None:
    """Make the film of a picture that this friend sees, unless it is there; Refused where that cannot be."""
    job = await service.seen(friend, key)
    async with service.filming:  # one at a time: the card may be drawing
        state = await asyncio.to_thread(state_of, service, job)
        if state == "there":
            return
        if state == "":
            raise Refused(409, "no_film", "There is no film of this picture: its growing was not kept.")
        folder = service.home.picture_folder(key)
        if not await _run(film_command(folder), folder / FILM):
            raise Refused(500, "no_film", "The film could not be made. The owner can see why.")
        await asyncio.to_thread(shutil.rmtree, folder / FRAMES, ignore_errors=True)  # the film has it all


async def _run(command: list[str], made: Path) -> bool:
    """Whether the command made that file, in time; what it says goes to the log where it did not."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            _, said = await process.communicate()
    except TimeoutError:
        log.warning("a film was not made within %.0f s", LONGEST_SECONDS)
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode != 0:
        log.error("a film was not made: %s", said.decode(errors="replace")[-500:].strip())
    return process.returncode == 0 and made.is_file()
