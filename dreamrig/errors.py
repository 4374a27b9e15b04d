"""Errors the user can act on: one sentence, one hint, one exit code. Everything else is a bug.

Only `dreamrig.cli.main` catches them. The exit codes of the tool:

0 good, 1 failed, 2 usage or configuration, 3 a check or comparison found a problem,
4 machine not ready (weights, CUDA, memory, disk), 130 interrupted.

A sentence and its hint are for a terminal. A program that has words of its own, such as a page, goes by the code.
"""

import errno
from typing import Literal

EXIT_GOOD = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_PROBLEM_FOUND = 3
EXIT_NOT_READY = 4
EXIT_INTERRUPTED = 130


Code = Literal[
    "out_of_memory",
    "device_lost",
    "not_finite",
    "weights_missing",
    "disk_full",
    "bad_request",
    "not_ready",
    "failed",
    "interrupted",
    "bug",
]
"""What went wrong: not_ready, failed = something else that the machine lacks, or that did not succeed; bug = our slip.

After device_lost nothing in the process can use the device again: it has to end.
"""


class RigError(Exception):
    """Something went wrong that a sentence and a next step can explain.

    message: one full sentence.   hint: the next command or step, without the word "hint"; "" = none known.
    code: None = that of the class.
    """

    exit_code = EXIT_FAILED
    code: Code = "failed"

    def __init__(self, message: str, *, hint: str = "", code: Code | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = self.code if code is None else code

    def to_dict(self) -> dict[str, str | int]:
        """The error as it stands in a `--json` document."""
        return {"message": self.message, "hint": self.hint, "exit_code": self.exit_code}


class FailedError(RigError):
    """The work was possible and did not succeed."""

    exit_code = EXIT_FAILED


class UsageError(RigError):
    """The command line or the configuration asks for something impossible."""

    exit_code = EXIT_USAGE
    code: Code = "bad_request"


class NotReadyError(RigError):
    """The machine lacks something: weights, CUDA, memory, disk, permission."""

    exit_code = EXIT_NOT_READY
    code: Code = "not_ready"


class MissingWeightsError(NotReadyError):
    """Weights are not here, or are not what they should be."""

    code: Code = "weights_missing"


class InterruptedByUser(RigError):
    """Ctrl-C: the work stopped because it was told to."""

    exit_code = EXIT_INTERRUPTED
    code: Code = "interrupted"


NO_ROOM_WORDS = (
    "out of memory",  # CUDA, HIP and MPS, the driver's "CUDA error: out of memory" too
    "status_alloc_failed",  # cuBLAS and cuDNN
    "allocation_failed",  # cuDNN 9
    "not enough memory",  # torch on Windows
    "can't allocate memory",  # torch elsewhere
    "cannot allocate memory",
    "bad_alloc",
    "could not create a memory object",  # oneDNN
)
"""What torch and the layers below it say when there is no room, in small letters."""


def code_of(error: BaseException) -> Code:
    """The code of any exception, also of those that no sentence was found for. Knows torch's errors by their words."""
    if isinstance(error, RigError):
        return error.code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out_of_memory"
    return _code_by_words(str(error)) if isinstance(error, RuntimeError) else "bug"


def _code_by_words(words: str) -> Code:
    """The code of a RuntimeError of torch's, which has no class for what happened."""
    if any(phrase in words.lower() for phrase in NO_ROOM_WORDS):
        return "out_of_memory"
    return "device_lost" if "CUDA error:" in words else "bug"
