"""What somebody on Discord may do here, in words: a client of the service that knows nothing of Discord's library.

A member of a server that the owner opened becomes a friend with the first wish, known by their number on Discord alone:
names there can be chosen, and prove nothing.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from generator.serve import friends, views
from generator.serve.discord import posts as discord_posts
from generator.serve.friends import Friend
from generator.serve.line.admission import Refused
from generator.serve.line.estimate import UNKNOWN
from generator.serve.line.queue import QueuedJob
from generator.serve.service import NotFoundError, Service
from generator.serve.webhook import escaped
from generator.serve.wish import read_wish

MOST_LISTED = 10
PAGE_LINK_DAYS = 1 / 24


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks, and from where, as Discord says it."""

    id: int
    name: str
    server: int | None
    """None = not from a server."""
    roles: frozenset[int]
    channel: int


async def friend_of_asker(service: Service, asker: Asker) -> Friend:
    """The friend that somebody on Discord is, made the first time; Refused where the owner did not let them in."""
    own, number = service.settings, str(asker.id)
    if own.discord_owner == number:
        return await service.read(friends.find_owner)
    if asker.server is None or asker.server not in own.opened_servers:
        raise Refused(403, "not_opened", "The owner of this machine has not opened it to this server.")
    if own.discord_role and int(own.discord_role) not in asker.roles:
        raise Refused(403, "no_role", "You need a role for that which you do not have here: ask the owner.")
    found = await service.read(lambda db: friends.by_discord(db, number))
    if found is None:
        now = service.clock.now_ms()
        found = await service.write(lambda db: friends.join_from_discord(db, number, asker.name, now))
    if found.revoked_at is not None:
        raise Refused(403, "revoked", "The owner of this machine lets you draw no more.")
    return found


async def dream(service: Service, asker: Asker, wish: dict[str, Any], request: str) -> str:
    """A wish joins the line; its message grows in the asker's channel. request: what makes it one wish, once."""
    friend = await friend_of_asker(service, asker)
    job = await service.submit(friend, read_wish(wish), request, _post_in(service, asker))
    return await place(service, friend, job)


async def again(service: Service, asker: Asker, key: str, request: str) -> str:
    """The same wish with another seed."""
    friend = await friend_of_asker(service, asker)
    job = await service.again(friend, key, request, _post_in(service, asker))
    return await place(service, friend, job)


async def prompt_of(service: Service, asker: Asker, key: str) -> str:
    """The prompt of a picture, to be written anew."""
    return (await service.seen(await friend_of_asker(service, asker), key)).prompt


async def remix(service: Service, asker: Asker, key: str, prompt: str, request: str) -> str:
    """Another prompt with everything else as it was."""
    friend = await friend_of_asker(service, asker)
    before = await service.seen(friend, key)
    return await dream(service, asker, {**before.wish, "seed": None, "prompt": prompt}, request)


async def cancel(service: Service, asker: Asker, key: str) -> str:
    """End a picture of the asker's own."""
    friend = await friend_of_asker(service, asker)
    try:
        job = await service.cancel(friend, key)
    except NotFoundError:
        raise Refused(403, "not_yours", "Only who asked for it can cancel it.") from None
    return "Cancelled." if job.state == "cancelled" else f"It is {job.state} already."


async def cancel_newest(service: Service, asker: Asker) -> str:
    """End the asker's newest picture that is not done."""
    own = await unfinished(service, asker)
    if not own:
        return "Nothing of yours waits."
    return await cancel(service, asker, own[0].key)


async def unfinished(service: Service, asker: Asker) -> list[QueuedJob]:
    """The asker's pictures that run or wait, the newest first."""
    friend = await friend_of_asker(service, asker)
    jobs = (await service.line()).jobs
    return sorted((job for job in jobs if job.friend == friend.id), key=lambda job: -job.id)


async def line_words(service: Service, asker: Asker) -> str:
    """The line as a short list."""
    friend = await friend_of_asker(service, asker)
    state = await service.whole_state(friend)
    rows = [_line_row(one) for one in state["line"][:MOST_LISTED]]
    more = len(state["line"]) - len(rows)
    head = lamp_words(service)
    return "\n".join([head, *(rows or ["Nobody waits."]), *([f"… and {more} more"] if more > 0 else [])])


def _line_row(one: dict[str, Any]) -> str:
    place = "now" if one["state"] == "running" else f"{one['number']}."
    left = "" if one["left"] == UNKNOWN else f", {one['left']}"
    mine = " (you)" if one["mine"] else ""
    prompt = "a picture" if one["prompt"] is None else escaped(one["prompt"][:80])
    return f"{place} {prompt} · {escaped(one['friend'] or views.SOMEBODY)}{mine}{left}"


async def page_link(service: Service, asker: Asker) -> str:
    """A link that lets the asker into the pages as the friend they are here, once; told to nobody else."""
    friend = await friend_of_asker(service, asker)
    base = service.settings.public_url.rstrip("/")
    if not base:
        raise Refused(404, "no_page", "The owner has not told me at which address the page can be reached.")
    if friend.is_owner:  # whoever takes over an account on Discord does not get the machine with it
        raise Refused(403, "owner", "Your own link is printed where the server runs.")
    now = service.clock.now_ms()
    token = await service.write(lambda db: friends.invite(db, friend.id, now, PAGE_LINK_DAYS))
    return f"For you alone, once, within the hour: {base}/enter#{token}"


async def pause(service: Service, asker: Asker, length: str) -> str:
    """The owner's: keep, and give the graphics card back."""
    await _owner(service, asker)
    await service.set_mode("gaming", length)
    return f"{lamp_words(service)} What is asked for waits."


async def resume(service: Service, asker: Asker) -> str:
    """The owner's: draw again."""
    await _owner(service, asker)
    await service.set_mode("drawing")
    return "Drawing."


async def _owner(service: Service, asker: Asker) -> None:
    if not (await friend_of_asker(service, asker)).is_owner:
        raise Refused(403, "not_owner", "That is the owner's to decide.")


def lamp_words(service: Service) -> str:
    """What the machine is about, in a sentence."""
    return views.mode_words(service.hub) or {
        "drawing": "It is drawing.",
        "unloaded": "The graphics card is free; it wakes up for the next picture.",
        "starting": "It is waking up.",
        "gone": "Its worker is being started again.",
    }.get(service.hub.worker, "It is ready.")


async def place(service: Service, friend: Friend, job: QueuedJob) -> str:
    """What is answered at once: "number 3, about 6 min"."""
    view = service.view_of(job, friend, await service.line())
    if job.state == "held":
        return "The owner has to look at this prompt first."
    number = "Its turn is now" if not view["number"] else f"You are number {view['number']}"
    left = view.get("left", UNKNOWN)
    return f"{number}{'; how long it takes is not known yet' if left == UNKNOWN else f', {left}'}."


def _post_in(service: Service, asker: Asker) -> Any:
    def also(db: sqlite3.Connection, job: QueuedJob) -> None:
        discord_posts.put(db, job.id, asker.channel, service.clock.now_ms())

    return also


def words_of_error(error: Exception) -> str:
    """An error of ours as a sentence."""
    if isinstance(error, NotFoundError):
        return "There is no such picture, or not for you."
    hint = getattr(error, "hint", "")
    return escaped(f"{getattr(error, 'message', error)} {hint}".strip())
