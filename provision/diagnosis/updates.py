"""Updates of Windows that broke WSL, and how long a Windows is supported: windows.json, where the next is one entry.

The dates of updates are those of the first report that is named; those of releases are for Home and Pro.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from provision.checked_json import Reader, read_json

NUMBER = re.compile(r"\bKB ?(\d{7})\b", re.IGNORECASE)
BUILD = re.compile(r"\b(?:10\.0\.|build:? ?)(\d{5})\b", re.IGNORECASE)
TOO_OLD = (
    "windows-build-too-old",
    "cuda-windows-build-too-old",
    "wsl-package-needs-newer-windows",
    "mirrored-networking-unsupported",
)
"""Causes that the age of Windows explains."""


@dataclass(frozen=True)
class WindowsUpdate:
    """An update and what it broke. kb, fixed_by: numbers of articles; causes: the slugs it is told with."""

    kb: int
    reported: str
    builds: tuple[str, ...]
    broke: str
    fixed_by: int | None
    advice: str
    causes: tuple[str, ...]
    sources: tuple[str, ...]

    def sentence(self) -> str:
        """What there is to say about it, for people."""
        mended = f" KB{self.fixed_by} mends it," if self.fixed_by else ""
        return f"KB{self.kb} is known (reported {self.reported}): {self.broke};{mended} {self.advice}."


@dataclass(frozen=True)
class WindowsRelease:
    """A Windows by its build number. supported_until: None where no source says it."""

    build: int
    name: str
    available: str
    supported_until: str | None
    sources: tuple[str, ...]


@functools.cache
def load_updates() -> tuple[WindowsUpdate, ...]:
    """The updates of windows.json, oldest first; KnowledgeError where it is damaged."""
    top = Reader(read_json("windows.json"), "windows.json")
    return tuple(
        WindowsUpdate(
            kb=item.get("kb", "a whole number"),
            reported=item.get("reported", "a text"),
            builds=item.texts("builds"),
            broke=item.get("broke", "a text"),
            fixed_by=item.get("fixed_by", "a whole number", optional=True),
            advice=item.get("advice", "a text"),
            causes=item.texts("causes"),
            sources=item.texts("sources"),
        )
        for item in top.objects("updates")
    )


@functools.cache
def load_releases() -> tuple[WindowsRelease, ...]:
    """The releases of windows.json, oldest first; KnowledgeError where it is damaged."""
    top = Reader(read_json("windows.json"), "windows.json")
    return tuple(
        WindowsRelease(
            build=item.get("build", "a whole number"),
            name=item.get("name", "a text"),
            available=item.get("available", "a text"),
            supported_until=item.get("supported_until", "a text", optional=True),
            sources=item.texts("sources"),
        )
        for item in top.objects("releases")
    )


def tell_updates(text: str) -> Mapping[str, str]:
    """Slug of a cause -> a sentence about the first known update that the text names."""
    named = {int(number) for number in NUMBER.findall(text)}
    known = [update for update in load_updates() if update.kb in named] if named else []
    return {slug: update.sentence() for update in reversed(known) for slug in update.causes}


def tell_release(text: str) -> Mapping[str, str]:
    """Slug of a cause -> until when the Windows is supported that the text names; empty where it names two."""
    builds = {int(number) for number in BUILD.findall(text)}
    known = [release for release in load_releases() if release.build in builds] if builds else []
    if len(known) != 1 or known[0].supported_until is None:
        return {}
    told = f"Build {known[0].build} is {known[0].name}: supported until {known[0].supported_until} (Home and Pro)."
    return dict.fromkeys(TOO_OLD, told)
