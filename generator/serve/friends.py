"""Who may come in: friends, one-time invitations, sessions. Tokens are kept as hashes alone."""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
import unicodedata
from dataclasses import dataclass, fields
from typing import Literal, get_args

from dreamrig.errors import UsageError

DAY_MS = 86_400_000
INVITE_DAYS, SESSION_DAYS, RENEW_AFTER_DAYS = 7, 90, 1
TOKEN_BYTES = 24
LONGEST_NAME = 40
OWNER_NAME = "owner"
LIMITS = {
    "weight": (1, 100),
    "most_waiting": (0, 10_000),
    "most_a_minute": (0, 10_000),
    "quota_mib": (0, 10_000_000),
}
"""What an owner may set for one friend -> smallest and largest value."""
Fate = Literal["keep", "hide", "delete"]
FATES: tuple[Fate, ...] = get_args(Fate)
"""Of the pictures of a friend who is let in no more: all stays and what waits is drawn; nobody else sees them and their
links end; the files go as well."""


def fate_of(said: object) -> Fate | None:
    """Which one a word names; None = none."""
    return next((one for one in FATES if one == said), None)


NAME = re.compile(r"[^\x00-\x1f<>&\"']+")


@dataclass(frozen=True, kw_only=True)
class Friend:
    """Somebody who may ask for pictures."""

    id: int
    name: str
    is_owner: bool
    weight: int
    most_waiting: int
    most_a_minute: int
    quota_mib: int
    discord: str | None
    made_at: int
    revoked_at: int | None

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Friend:
        """The row as a value."""
        values = {field.name: row[field.name] for field in fields(cls)}
        return cls(**{**values, "is_owner": bool(values["is_owner"])})


def hashed(token: str) -> bytes:
    """What is stored of a token. They are random and long, so one plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def owner(db: sqlite3.Connection, now: int) -> Friend:
    """The owner, made the first time."""
    db.execute("INSERT OR IGNORE INTO friend (name, is_owner, made_at) VALUES (?, 1, ?)", (OWNER_NAME, now))
    return find_owner(db)


def find_owner(db: sqlite3.Connection) -> Friend:
    """The owner as they are now."""
    return Friend.from_row(db.execute("SELECT * FROM friend WHERE is_owner = 1").fetchone())


def check_name(name: str) -> str:
    """The name, tidied; UsageError for one that cannot be shown."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name or len(name) > LONGEST_NAME or not NAME.fullmatch(name) or not name.isprintable():
        raise UsageError(
            f"{name[:50]!r} is no name for a friend.", hint=f"use up to {LONGEST_NAME} ordinary characters"
        )
    return name


def befriend(db: sqlite3.Connection, name: str, now: int) -> Friend:
    """The friend of that name, made or welcomed back."""
    name = check_name(name)
    db.execute(
        "INSERT INTO friend (name, made_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET revoked_at = NULL",
        (name, now),
    )
    return Friend.from_row(db.execute("SELECT * FROM friend WHERE name = ?", (name,)).fetchone())


def by_discord(db: sqlite3.Connection, discord: str) -> Friend | None:
    """The friend who is that person on Discord; None where nobody is yet."""
    row = db.execute("SELECT * FROM friend WHERE discord = ?", (discord,)).fetchone()
    return None if row is None else Friend.from_row(row)


def join_from_discord(db: sqlite3.Connection, discord: str, name: str, now: int) -> Friend:
    """The friend who is that person on Discord, made the first time, by a name that nobody here has.

    A name on Discord proves nothing: it never leads to a friend who was here before.
    """
    found = by_discord(db, discord)
    if found is not None:
        return found
    db.execute(
        "INSERT INTO friend (name, discord, made_at) VALUES (?, ?, ?)", (free_name(db, shown_name(name)), discord, now)
    )
    made = by_discord(db, discord)
    assert made is not None
    return made


def shown_name(name: str) -> str:
    """A name from elsewhere with what check_name refuses left away; "friend" where nothing stays."""
    kept = "".join(one for one in unicodedata.normalize("NFC", name) if one.isprintable() and NAME.fullmatch(one))
    return " ".join(kept.split())[:LONGEST_NAME].strip() or "friend"


def free_name(db: sqlite3.Connection, name: str) -> str:
    """The name, with a number behind it where somebody has it."""
    taken = {row[0].casefold() for row in db.execute("SELECT name FROM friend").fetchall()}
    wanted, number = name, 1
    while wanted.casefold() in taken:
        number += 1
        wanted = f"{name[: LONGEST_NAME - len(str(number)) - 1]} {number}"
    return wanted


def invite(db: sqlite3.Connection, friend: int, now: int, days: float = INVITE_DAYS) -> str:
    """A token that lets this friend in once."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    db.execute("INSERT INTO invite VALUES (?, ?, ?, ?, NULL)", (hashed(token), friend, now, now + int(days * DAY_MS)))
    return token


def enter(db: sqlite3.Connection, token: str, now: int) -> str | None:
    """A session for an invitation's token, which is used up; None where it is unknown, used, or too old."""
    row = db.execute(
        "UPDATE invite SET used_at = ? WHERE hash = ? AND used_at IS NULL AND expires_at > ? AND friend IN"
        " (SELECT id FROM friend WHERE revoked_at IS NULL) RETURNING friend",
        (now, hashed(token), now),
    ).fetchone()
    if row is None:
        return None
    session = secrets.token_urlsafe(TOKEN_BYTES)
    db.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (hashed(session), row["friend"], now, now))
    return session


def who(db: sqlite3.Connection, session: str, now: int) -> tuple[Friend, bool] | None:
    """Whose session it is, and whether it should be renewed; None = nobody's.

    A clock that went back makes no session younger than new: only the distance forward counts.
    """
    row = db.execute(
        "SELECT friend.*, session.seen_at FROM session JOIN friend ON friend.id = session.friend"
        " WHERE session.hash = ? AND friend.revoked_at IS NULL",
        (hashed(session),),
    ).fetchone()
    if row is None or now - row["seen_at"] > SESSION_DAYS * DAY_MS:
        return None
    return Friend.from_row(row), now - row["seen_at"] > RENEW_AFTER_DAYS * DAY_MS


def renew(db: sqlite3.Connection, session: str, now: int) -> None:
    """The session was used today."""
    db.execute("UPDATE session SET seen_at = ? WHERE hash = ?", (now, hashed(session)))


def leave(db: sqlite3.Connection, session: str) -> None:
    """End one session."""
    db.execute("DELETE FROM session WHERE hash = ?", (hashed(session),))


def revoke(db: sqlite3.Connection, friend: int, now: int) -> None:
    """Let a friend in no more: sessions and invitations end at once; the pictures stay."""
    db.execute("UPDATE friend SET revoked_at = ? WHERE id = ? AND is_owner = 0", (now, friend))
    theirs = db.execute("SELECT id FROM friend WHERE id = ? AND is_owner = 0", (friend,)).fetchall()
    for (number,) in theirs:
        db.execute("DELETE FROM session WHERE friend = ?", (number,))
        db.execute("DELETE FROM invite WHERE friend = ?", (number,))


def limit(db: sqlite3.Connection, friend: int, **limits: object) -> None:
    """Set what LIMITS names; UsageError for another name, or a value beyond its bounds."""
    for name, value in limits.items():
        if name not in LIMITS:
            raise UsageError(f"There is no limit {name[:40]!r}.", hint=f"use {', '.join(LIMITS)}")
        low, high = LIMITS[name]
        if type(value) is not int or not low <= value <= high:
            raise UsageError(f"{name} cannot be {str(value)[:40]}.", hint=f"use a whole number from {low} to {high}")
        db.execute(f"UPDATE friend SET {name} = ? WHERE id = ?", (value, friend))  # noqa: S608 - a name of LIMITS


def by_name(db: sqlite3.Connection, name: str) -> Friend:
    """The friend of that name; UsageError where there is none."""
    row = db.execute("SELECT * FROM friend WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise UsageError(f"There is no friend {name!r}.", hint="see: dreamrig serve friends list")
    return Friend.from_row(row)


def by_id(db: sqlite3.Connection, friend: int) -> Friend:
    """The friend with this number, which is one of a job's."""
    return Friend.from_row(db.execute("SELECT * FROM friend WHERE id = ?", (friend,)).fetchone())


def all_friends(db: sqlite3.Connection) -> list[Friend]:
    """Everybody there ever was, the owner first."""
    return [Friend.from_row(row) for row in db.execute("SELECT * FROM friend ORDER BY is_owner DESC, name")]
