"""What a server and a worker say to one another: JSON, a line a message. Importing this module loads no torch.

The worker reads orders on its standard input and tells on its standard output; whatever else it prints goes to its
log. It opens no database and knows no friends: a job is a number, an attempt, a config and a folder. Every `Draw` is
answered by exactly one of `Done`, `Failed` and `Interrupted`, also where a `Cancel` ended it. There is no order to
unload: a worker that is to give its memory back is told to `Leave`, for an empty process still holds a CUDA context.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

Code = Literal["out_of_memory", "device_lost", "not_finite", "weights_missing", "disk_full", "bad_request", "bug"]
CODES: tuple[Code, ...] = get_args(Code)
EXIT_NO_ROOM = 6
"""Exit code of a worker whose networks found no room on the device: something else fills it."""
EXIT_NO_PLACE = 7
"""Of a worker over a network whose machine is gone: nothing is wrong with the worker."""
SECONDS_BETWEEN_BEATS = 5.0
"""A worker says so often that its process lives."""
LARGEST_LINE_BYTES = 4 * 1024 * 1024
PICTURE, LIVE = "picture.png", "live.jpg"
"""Files of a job's folder that others read: the final picture, and the newest look at a growing one."""
FRAMES, FILM = "frames", "film.mp4"
"""Looks at a growing picture, a folder of them; and what `dreamrig video timelapse` makes of them."""


class ProtocolError(ValueError):
    """A line that is no message of this protocol."""


# ---- orders: from the server to the worker


@dataclass(frozen=True)
class Draw:
    """Make the picture of a job, or go on with it where its folder holds a checkpoint of the same run."""

    job: int
    attempt: int
    config: Mapping[str, Any]
    """GenerateConfig.to_dict()."""
    folder: str
    """Absolute; made by the worker where it is missing."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Pictures that the config names by a path of another machine -> where they lie on this one."""


@dataclass(frozen=True)
class Cancel:
    """Leave that attempt after the step that is going on; another attempt is not touched."""

    job: int
    attempt: int


@dataclass(frozen=True)
class Leave:
    """Finish the step, keep, end: all of the device's memory is free then, that of the CUDA context too.

    The same as the end of standard input, and as SIGTERM.
    """


Order = Draw | Cancel | Leave

# ---- tellings: from the worker to the server


@dataclass(frozen=True)
class Ready:
    """The worker can draw. A server refuses, without torch, what `offers` does not hold."""

    device: str
    """For people, e.g. "cpu (AMD EPYC)"."""
    offers: tuple[Mapping[str, Any], ...]
    """Per preset, shape and kind of wish what would be drawn: see generator.crew.menu.Offer."""
    examples: tuple[str, ...] = ()
    """Prompts that are sure to work with these networks."""
    free_mib: float | None = None
    total_mib: float | None = None
    likes: Mapping[str, Any] = field(default_factory=dict)
    """What the model likes best, by field of GenerateConfig, for whoever makes configs of its own."""


@dataclass(frozen=True)
class Beat:
    """The worker's process is alive; whether it draws is told by Stepped."""

    free_mib: float | None = None
    """What a picture could take now; None = not looked at, e.g. while one is drawn."""


@dataclass(frozen=True)
class Began:
    """The networks are loaded, the first step comes next."""

    job: int
    attempt: int
    resumed_at: int = 0
    """Steps that an earlier attempt has done; 0 = from the beginning."""
    load_seconds: float = 0.0
    """What loading the networks took; 0 = they were there."""
    unknown_words: Mapping[str, list[str]] = field(default_factory=dict)
    """Words of the prompt that the model does not know, with near ones that it does."""
    note: str = ""
    """What a person should know, in plain sentences, e.g. that a damaged checkpoint was put aside."""


@dataclass(frozen=True)
class Stepped:
    """So many steps are done. Sent a few times a second at most."""

    job: int
    attempt: int
    steps_done: int
    steps: int
    change: float | None = None
    """Mean absolute difference of the two newest previews, 0 to 1: how much the picture still moves."""


@dataclass(frozen=True)
class Previewed:
    """A newer LIVE lies in the job's folder."""

    job: int
    attempt: int
    version: int
    """The step it shows; grows within an attempt."""


@dataclass(frozen=True)
class Kept:
    """A checkpoint of so many steps is safely on disk."""

    job: int
    attempt: int
    step: int


@dataclass(frozen=True)
class Done:
    """PICTURE lies in the job's folder, whole."""

    job: int
    attempt: int
    work_seconds: float
    """Seconds of this attempt without loading networks."""
    step_seconds: float | None = None
    peak_mib: float | None = None


@dataclass(frozen=True)
class Failed:
    """It cannot be done like this."""

    job: int
    attempt: int
    code: Code
    message: str
    """For the owner's log, not for pages."""
    fits: int | None = None
    """After out_of_memory: the largest width of this shape that would fit; None = unknown."""
    thriftier: Mapping[str, Any] | None = None
    """After out_of_memory: a config that draws the same picture in less memory; None = it was drawn so already."""


@dataclass(frozen=True)
class Interrupted:
    """The attempt was left on purpose; what is done is kept up to `step`."""

    job: int
    attempt: int
    step: int


@dataclass(frozen=True)
class Gauged:
    """What the card says about itself; None = it does not tell. Nothing is drawn by it: it is for the owner to see."""

    used_mib: float | None = None
    """Of everybody on the card, a game too."""
    total_mib: float | None = None
    celsius: float | None = None


Telling = Ready | Beat | Gauged | Began | Stepped | Previewed | Kept | Done | Failed | Interrupted
Ending = Done | Failed | Interrupted
Message = Order | Telling

KINDS: Mapping[str, type[Message]] = {kind.__name__.lower(): kind for kind in (*get_args(Order), *get_args(Telling))}


def encode(message: Message) -> bytes:
    """One line, ASCII, with its line feed."""
    body = {"kind": type(message).__name__.lower(), **asdict(message)}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The inverse of encode; ProtocolError for anything else."""
    try:
        body = json.loads(line)
        kind = KINDS[body.pop("kind")]
        known = {field.name for field in fields(kind)}
        message = kind(**{name: value for name, value in body.items() if name in known})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"not a message: {line[:80]!r}") from error
    _check(message)
    return message


def _check(message: Message) -> None:
    """ProtocolError where a number is none: both sides count with them."""
    for name in ("job", "attempt", "step", "steps", "steps_done", "version", "resumed_at"):
        value = getattr(message, name, 0)
        if type(value) is not int or value < 0:
            raise ProtocolError(f"{name} is {value!r}")
    if isinstance(message, Failed) and message.code not in CODES:
        raise ProtocolError(f"there is no code {message.code!r}")
    if isinstance(message, Draw) and not (isinstance(message.config, dict) and isinstance(message.folder, str)):
        raise ProtocolError("a Draw needs a config and a folder")
