"""Errors the user can act on: one sentence, one hint, one exit code. Everything else is a bug.

Only `dreamrig.cli.main` catches them. The exit codes of the tool:

0 good, 1 failed, 2 usage or configuration, 3 a check or comparison found a problem,
4 machine not ready (weights, CUDA, memory, disk), 130 interrupted.
"""

EXIT_GOOD = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_PROBLEM_FOUND = 3
EXIT_NOT_READY = 4
EXIT_INTERRUPTED = 130


class RigError(Exception):
    """Something went wrong that a sentence and a next step can explain.

    message: one full sentence.   hint: the next command or step, without the word "hint"; "" = none known.
    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def to_dict(self) -> dict[str, str | int]:
        """The error as it stands in a `--json` document."""
        return {"message": self.message, "hint": self.hint, "exit_code": self.exit_code}


class FailedError(RigError):
    """The work was possible and did not succeed."""

    exit_code = EXIT_FAILED


class UsageError(RigError):
    """The command line or the configuration asks for something impossible."""

    exit_code = EXIT_USAGE


class NotReadyError(RigError):
    """The machine lacks something: weights, CUDA, memory, disk, permission."""

    exit_code = EXIT_NOT_READY


class InterruptedByUser(RigError):
    """Ctrl-C: the work stopped because it was told to."""

    exit_code = EXIT_INTERRUPTED
