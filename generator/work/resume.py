"""Where a run goes on: from its checkpoint, or from its beginning where that cannot be used.

What a checkpoint saves is time: one that is damaged, or belongs to something else, costs the steps before it and no
more. Who waits for a picture is told, and gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dreamrig.errors import FailedError, UsageError
from generator.config import GenerateConfig
from generator.runs.folder import CHECKPOINT, Run
from generator.sinks import Say

if TYPE_CHECKING:
    from generator.models.base import Models
    from generator.state import State


def usable_state(run: Run, config: GenerateConfig, models: Models, told: Say) -> State | None:
    """The state to continue from; None where the run has to begin anew.

    told: why, in a plain sentence; nothing where it died before its first checkpoint.
    """
    from generator.state import require_same_run

    try:
        state = load_checkpoint(run)
        if state is not None:
            require_same_run(state, config, models.name, models.sha256)
    except (FailedError, UsageError) as error:
        told(restart_words(error.message))
        return None
    return state


def load_checkpoint(run: Run) -> State | None:
    """The state in a run's folder, None where there is none; FailedError or UsageError for what is no state of ours."""
    from generator.state import state_from_bytes

    try:
        return state_from_bytes((run.folder / CHECKPOINT).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FailedError(f"The checkpoint cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError) as error:  # whole and ours by its checksum, with other facts in it
        raise UsageError("The checkpoint was written by another version of dreamrig.") from error


def restart_words(why: str) -> str:
    """That, and why, a run does not go on where it was: a sentence for a page and a terminal alike."""
    return f"{why} The run starts again at step 0."
