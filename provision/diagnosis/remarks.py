"""What a text says beyond its cause: memory that was missing, updates that are known; and what it is about at all.

Words for people; they take no part in finding a cause.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from provision.diagnosis.updates import tell_release, tell_updates

UNITS = {"K": 1 / 1024, "M": 1.0, "G": 1024.0}
ASKED = re.compile(r"Tried to allocate ([\d.]{1,8}) ([KMG])iB", re.IGNORECASE)
FREE = re.compile(r"([\d.]{1,8}) ([KMG])iB (?:is )?free|\b(0) bytes free", re.IGNORECASE)
TROUBLE = re.compile(
    r"error|exception|fail|fatal|cannot|can't|could not|unable|denied|refused|not found|no such|missing|invalid|killed"
    r"|timed? ?out|0x[89a-f][0-9a-f]{7}|fehler|erreur|errore|ошибка|错误|エラー|오류",
    re.IGNORECASE,
)
LINE_CHARACTERS = 160


@dataclass(frozen=True)
class Subject:
    """What a text is about. advice: what to try where no cause fits."""

    name: str
    signs: re.Pattern[str]
    advice: str


DOCTOR = "run dreamrig doctor, which looks at Windows, WSL, the GPU and PyTorch of this machine"
SUBJECTS = (
    Subject(
        "containers",
        re.compile(r"docker|containerd|podman|\bOCI\b", re.IGNORECASE),
        "try the same without the container, then run dreamrig doctor outside and inside of it",
    ),
    Subject(
        "the GPU, its driver or CUDA",
        re.compile(r"cuda|nvidia|cudnn|cublas|nvml|\bGPU\b", re.IGNORECASE),
        DOCTOR,
    ),
    Subject(
        "Python and its packages",
        re.compile(r"Traceback|\b\w{3,40}(?:Error|Exception|Warning):|\bpip\b|\bconda\b|\.py\b|site-packages"),
        "search for the last line of the message, or draw with dreamrig itself, which needs none of these packages: "
        './rig generate "sunset over the sea"',
    ),
    Subject("WSL", re.compile(r"\bWSL|wslconfig|Wsl/|wsl\.exe", re.IGNORECASE), f"run wsl --update, then {DOCTOR}"),
    Subject(
        "the network",
        re.compile(r"https?://|resolv|connect|\bDNS\b|proxy|certificate", re.IGNORECASE),
        "try the same address in a browser, and from another network",
    ),
    Subject(
        "Windows",
        re.compile(r"0x[89][0-9a-f]{7}|windows|hyper-v|dism|powershell", re.IGNORECASE),
        f"look into Event Viewer at the time of the message, and {DOCTOR}",
    ),
)
"""The first whose signs stand in the text."""


@dataclass(frozen=True)
class Unexplained:
    """A text that no cause fits. subject, line: None where nothing in it says what it is about, or that it failed."""

    subject: Subject | None
    line: str | None


def read_unexplained(text: str) -> Unexplained:
    """What a normalised text is about, and the last line in it that speaks of trouble."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    line = next((line for line in reversed(lines) if TROUBLE.search(line)), None)
    subject = next((subject for subject in SUBJECTS if subject.signs.search(text)), None)
    return Unexplained(subject, line[:LINE_CHARACTERS] if line else None)


def read_remarks(text: str) -> Mapping[str, str]:
    """Slug of a cause -> a sentence about this very text."""
    shortage = tell_shortage(text)
    told = {"cuda-out-of-memory": shortage} if shortage else {}
    return {**tell_release(text), **tell_updates(text), **told}


def tell_shortage(text: str) -> str | None:
    """How many MiB a program asked for and how many were free; None where the text does not count."""
    asked, free = ASKED.search(text), FREE.search(text)
    if asked is None:
        return None
    wanted = _mebibytes(asked)
    if free is None:
        return f"It asked for {wanted:.0f} MiB more than there was room for."
    left = 0.0 if free[3] else _mebibytes(free)
    missing = max(wanted - left, 0.0)
    less = "fragments of free memory were too small" if not missing else f"{missing:.0f} MiB were missing"
    return (
        f"It asked for {wanted:.0f} MiB, and {left:.0f} MiB were free: {less}. dreamrig generate looks before it "
        "starts; --size 256 and --cutouts 16 save most, --cut-batch 8 draws the same picture with less."
    )


def _mebibytes(match: re.Match[str]) -> float:
    return float(match[1]) * UNITS[match[2].upper()]
