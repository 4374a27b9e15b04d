"""What `/api/v1` takes and answers, as types: its document is made from them, and its answers are tested by that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from generator.crew.menu import CHOICES, SHAPES, STYLES
from generator.serve.friends import LIMITS, LONGEST_NAME, Fate
from generator.serve.line.live import Mode, WorkerState
from generator.serve.line.queue import State
from generator.serve.wish import LARGEST_SEED, LONGEST_PROMPT

A_NAME = r"""^[^\x00-\x1f\x7f-\x9f<>&"']+$"""
PICTURE_KEY = "^[A-Za-z0-9_-]{12}$"
KEY_OR_NONE = "^([A-Za-z0-9_-]{12})?$"
ON_ONE_LINE = r"^[^\x00-\x08\x0e-\x1f\x7f-\x9f]+$"
A_LENGTH = "^([0-9]{1,6}[smh]?|([01]?[0-9]|2[0-3]):[0-5][0-9])$"
Key = Annotated[str, Meta(pattern=PICTURE_KEY, description="What URLs show of a picture.")]
Count = Annotated[int, Meta(ge=0)]
Milliseconds = Annotated[int, Meta(description="Milliseconds of UTC.")]
Prompt = Annotated[str, Meta(pattern=ON_ONE_LINE, max_length=LONGEST_PROMPT, description="What to draw, in words.")]
Preset = Annotated[str, Meta(extra_json_schema={"enum": list(CHOICES)})]
Shape = Annotated[str, Meta(extra_json_schema={"enum": list(SHAPES)})]
Style = Annotated[str, Meta(extra_json_schema={"enum": list(STYLES)})]


def _choice(known: Mapping[str, Any]) -> Meta:
    """One of them; an empty text counts as not given, as browsers send it."""
    return Meta(extra_json_schema={"enum": [*known, ""]})


class WishBody(TypedDict):
    """A wish, as JSON; everything else is decided by the owner's offers. An empty text counts as not given."""

    prompt: Prompt
    preset: NotRequired[Annotated[str, _choice(CHOICES)] | None]
    shape: NotRequired[Annotated[str, _choice(SHAPES)] | None]
    seed: NotRequired[Annotated[int, Meta(ge=0, le=LARGEST_SEED)] | None]
    style: NotRequired[Annotated[str, _choice(STYLES)] | None]
    parent: NotRequired[Annotated[str, Meta(pattern=KEY_OR_NONE, description="The picture it starts from.")] | None]


class WishForm(TypedDict):
    """A wish, as a form. An empty field counts as not given."""

    prompt: Prompt
    preset: NotRequired[Annotated[str, _choice(CHOICES)]]
    shape: NotRequired[Annotated[str, _choice(SHAPES)]]
    seed: NotRequired[Annotated[str, Meta(pattern="^[0-9]{0,6}$")]]
    style: NotRequired[Annotated[str, _choice(STYLES)]]
    parent: NotRequired[Annotated[str, Meta(pattern=KEY_OR_NONE)]]


class NameBody(TypedDict):
    """A friend, by name."""

    name: Annotated[str, Meta(pattern=A_NAME, max_length=LONGEST_NAME)]


class RevokeBody(NameBody):
    """Who is let in no more."""

    pictures: NotRequired[
        Annotated[Fate, Meta(description="keep, as without it; hide = links end too; delete = the files go as well.")]
    ]


def _limit(name: str, description: str | None = None) -> Meta:
    low, high = LIMITS[name]
    return Meta(ge=low, le=high, description=description)


class LimitBody(NameBody):
    """Limits of one friend; what is not named stays."""

    weight: NotRequired[Annotated[int, _limit("weight", description="Pictures that share a turn.")]]
    most_waiting: NotRequired[Annotated[int, _limit("most_waiting")]]
    most_a_minute: NotRequired[Annotated[int, _limit("most_a_minute")]]
    quota_mib: NotRequired[Annotated[int, _limit("quota_mib")]]


class ModeBody(TypedDict):
    """What the machine is to do."""

    mode: Mode
    length: NotRequired[
        Annotated[str, Meta(pattern=A_LENGTH, description="How long, or until when by its clock; 0 = open end.")]
    ]


class SweepBody(TypedDict):
    """Which pictures are to go, and whether they really go."""

    days: NotRequired[Annotated[int, Meta(ge=1, le=36_500, description="Those that ended before so many days.")]]
    to_quota: NotRequired[Annotated[bool, Meta(description="Instead: the oldest, until each friend may ask again.")]]
    quota_mib: NotRequired[Annotated[int, _limit("quota_mib", description="With to_quota: as if quotas were this.")]]
    friend: NotRequired[Annotated[str, Meta(max_length=200, description="With to_quota: of this friend alone.")]]
    apply: NotRequired[Annotated[bool, Meta(description="false = say what would go, and change nothing.")]]


class FriendsUse(TypedDict):
    """What one friend's pictures take."""

    name: str
    goes: Count
    goes_bytes: Count
    used_bytes: Count
    quota_mib: Count


class Sweep(TypedDict):
    """What would go, or went. Hearted and shared pictures stay, and what another is being made from."""

    applied: bool
    goes: Count
    goes_bytes: Count
    oldest_at: Milliseconds | None
    newest_at: Milliseconds | None
    friends: list[FriendsUse]


class JobView(TypedDict):
    """One picture, as this viewer may see it; where that is not at all, prompt is null and files are missing."""

    key: Key
    state: State
    friend: Annotated[str | None, Meta(description="Whose it is; null = not for this viewer to know.")]
    mine: bool
    turn: int
    number: Annotated[
        int | None, Meta(description="1 = next after what is running, 0 = running, null = not in the line.")
    ]
    prompt: str | None
    preset: Preset
    shape: Shape
    steps: Count
    steps_done: Count
    width: Annotated[int, Meta(ge=1, description="Pixels.")]
    height: Annotated[int, Meta(ge=1, description="Pixels.")]
    made_at: Milliseconds
    code: Annotated[str | None, Meta(description="Why it failed, is parked or was refused.")]
    why: NotRequired[Annotated[str | None, Meta(description="More about code, where there is more to say.")]]
    hidden: bool
    deleted: bool
    attempt: Count
    files: NotRequired[Annotated[dict[str, str], Meta(description="Kind -> path; it needs the same session.")]]
    seed: NotRequired[int]
    style: NotRequired[Style]
    seconds: NotRequired[Annotated[float, Meta(description="Of work, without waiting.")]]
    resumed_at: NotRequired[Annotated[int, Meta(ge=0, description="Steps that an earlier attempt had done.")]]
    change: NotRequired[Annotated[float | None, Meta(description="How much the picture still moves, 0 to 1.")]]
    moving: NotRequired[Annotated[str, Meta(description='The same in words; "" = too early to say.')]]
    preview: NotRequired[Annotated[int, Meta(ge=0, description="Version of the newest look at it; 0 = none.")]]
    live: NotRequired[Annotated[str, Meta(description="Path of that look.")]]
    unknown_words: NotRequired[Annotated[dict[str, list[str]], Meta(description="Word -> near ones that are known.")]]
    note: NotRequired[Annotated[str, Meta(description="Why it began anew, where it did.")]]
    left: NotRequired[Annotated[str, Meta(description='The time left in words, e.g. "4-6 min".')]]
    left_seconds: NotRequired[Annotated[list[float] | None, Meta(description="From, to; null = unknown yet.")]]
    behind: NotRequired[Annotated[str, Meta(description="Why somebody who came later goes first.")]]


class JobAnswer(JobView):
    """One picture, with what `?seen=` of a long poll takes."""

    version: int


class NextPicture(TypedDict):
    """What a wish of this viewer's would meet now."""

    number: Annotated[int, Meta(ge=1, description="Its place in the line; 1 = next after what is running.")]
    left: Annotated[
        dict[str, str | None],
        Meta(description='Preset and shape -> until it is done, in words, e.g. "4-6 min"; null = unknown yet.'),
    ]


class LineView(TypedDict):
    """The line, and what the machine is about, for this viewer. At most 100 pictures; the counts are of all."""

    counts: Annotated[dict[str, Count], Meta(description="State -> how many, of everybody.")]
    line: list[JobView]
    mode: Mode
    until: Annotated[Milliseconds | None, Meta(description="When the mode ends by itself.")]
    reason: Annotated[str, Meta(description="Why it is paused.")]
    worker: WorkerState
    slept_seconds: Annotated[int, Meta(ge=0, description="How long the machine slept the last time.")]
    device: str
    event: Annotated[int, Meta(ge=0, description="Number of the newest event; an id of the stream.")]
    next: NextPicture


class Wall(TypedDict):
    """A page of finished pictures, the newest first."""

    pictures: list[JobView]
    next: Annotated[Key | None, Meta(description="`?before=` of the next page; null = there is none.")]


class FriendView(TypedDict):
    """A friend, as the owner sees one."""

    name: str
    is_owner: bool
    weight: int
    most_waiting: int
    most_a_minute: int
    quota_mib: int
    revoked: bool


class FriendList(TypedDict):
    """Everybody there ever was, the owner first."""

    friends: list[FriendView]


class Invitation(TypedDict):
    """A one-time link, below the server's address. What stands behind # reaches no log."""

    path: Annotated[str, Meta(pattern="^/enter#.+$")]


class Nothing(TypedDict):
    """It was done."""


class ModeView(TypedDict):
    """What the machine does now."""

    mode: Mode
    until: Milliseconds | None


class ErrorFacts(TypedDict):
    """code: for programs, stable.   message: for people."""

    code: str
    message: str
    hint: NotRequired[str]
    field: NotRequired[Annotated[str, Meta(description="Which field of a wish is meant.")]]


class ErrorBody(TypedDict):
    """Why nothing was done."""

    error: ErrorFacts
