"""How the user called this program: what we tell people to type has to exist where they are.

`./rig` hands its name over. Sentences say `dreamrig COMMAND`; at the edge that becomes `./rig COMMAND`, or the path of
rig where the user stands elsewhere.
"""

import os
import re
import shlex

VARIABLE = "DREAMRIG_CALLED"
# A command after the name: a word of ours or a flag; not the package, a folder or "dreamrig 0.1".
COMMAND = re.compile(r"(?<![\w./-])dreamrig(?= (?:--?[a-z]|[a-z]+\b))")


def name() -> str:
    """What starts this program, as one word for a shell."""
    return shlex.quote(os.environ.get(VARIABLE, "").strip() or "dreamrig")


def as_called(text: str) -> str:
    """The text with the commands in it as this user can type them."""
    called = name()
    return text if called == "dreamrig" else COMMAND.sub(lambda _: called, text)
