"""`COMMAND -h` is short and has examples; `COMMAND --help` is all of it, with the examples at its end.

Both are made from what a command prints for `--help`, so no command has to know of either.
"""

import contextlib
import io
import re
import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence

from dreamrig.called import as_called
from dreamrig.errors import EXIT_GOOD

SHORT, LONG = "-h", "--help"
KEPT = ("Arguments:", "Options:", "Commands:")
"""Headings of the short form: what stands under others few people need."""
HEADING = re.compile(r"^[A-Z][^\n]*:$")
ROW = re.compile(r"^  (?P<head>\S(?:.*?\S)?)(?:  +(?P<about>\S.*))?$")
SENTENCE = re.compile(r"^.*?[.!?](?= [A-Z]|$)")
WIDEST_HEAD, COLUMN = 26, 30

EXAMPLES: Mapping[str, Sequence[tuple[str, str]]] = {
    "doctor": (("doctor", "the first broken link, and its fix"), ("doctor --check torch-cuda", "one link alone")),
    "diagnose": (
        ('diagnose "Error: 0x80370102"', "what it means, and what to do"),
        ("diagnose --file log.txt", "a whole log"),
    ),
    "setting": (("setting wsl.conf boot.systemd true", "one key; the rest of the file stays"),),
    "facts": (("facts --json", "everything the doctor knows, for a program"),),
    "generate": (
        ('generate "a castle in the snow at night"', "a picture"),
        ('generate "a {red,blue} house" --seed 7', "two pictures from the same seed"),
        ('generate "a red house" --count 4', "four pictures, four seeds, and a contact sheet"),
        ('generate "a fox" --start photo.jpg --open', "from your own picture, and show it"),
    ),
    "again": (("again last --seed 8", "the last picture with another seed"), ("again picture.png", "the same one")),
    "video": (("video timelapse last", "how a picture grew"), ('video film "the sea" --zoom 1.02', "a flight")),
    "video timelapse": (("video timelapse last --seconds 10", "how the last picture grew"),),
    "video pictures": (("video pictures holiday --fps 2 --fit", "a film out of a folder"),),
    "video film": (
        ('video film "a forest" --frames 48 --zoom 1.02', "a flight of two seconds"),
        ("video film --keyframes beats.txt --zoom 1.02", "a scene a line: 12.5 a red house"),
    ),
    "video restyle": (('video restyle holiday.mp4 "an oil painting"', "a film painted anew"),),
    "video resume": (("video resume last", "go on with a film that was stopped"),),
    "history": (("history --star last", "keep it"), ("history --prune --keep-last 100", "what would go, first")),
    "open": (("open", "the last picture"),),
    "rm": (("rm 20260102T101156Z-sea-1a2b", "a run, by the name that history shows"),),
    "prompts": (("prompts", "what it can draw, by theme"), ("prompts fox", "is it known, and what is near")),
    "weights": (("weights list", "what there is"), ("weights fetch --preset adafruit", "all that a preset needs")),
    "weights list": (("weights list", "what there is and what is here"),),
    "weights fetch": (("weights fetch --preset adafruit", "all that a preset needs"),),
    "weights verify": (("weights verify", "is every file what it was"),),
    "weights import": (("weights import vqgan.ckpt --as imagenet-f16-16384", "a file that you have"),),
    "weights remove": (("weights remove ViT-B/32", "give the room back"),),
    "prove": (("prove --starter", "without any download"), ("prove --yes", "all of it, and a file to send")),
    "bench": (("bench run --quick", "half a minute, anywhere"), ("bench compare a.json b.json", "which is faster")),
    "bench run": (
        ("bench run --quick", "half a minute, anywhere"),
        ("bench run adafruit-480-pure --sessions 5", "the notebook's own work, from five fresh starts"),
        ("bench run --suite speed", "the table of goals: what is reached here, and what cannot be measured"),
    ),
    "bench compare": (("bench compare mine.json theirs.json", "how much faster, and is it certain"),),
    "bench ceiling": (("bench ceiling", "what the device can do at most"),),
    "bench report": (("bench report mine.json t4.json --out page.html", "a page to share"),),
    "bench history": (("bench history", "the results of this machine"),),
    "bench list": (("bench list", "the workloads and what they pin"),),
    "bench validate": (("bench validate --strict results", "what the repository asks of a result"),),
    "bench submit": (("bench submit last", "see it first, then three commands"),),
    "bench board": (("bench board results --out board", "a leaderboard of static pages"),),
    "bench merge": (("bench merge results", "many people's results as one table"),),
    "bench baselines": (("bench baselines", "what comes with dreamrig, with its sources"),),
    "bench colab": (("bench colab --notebook bench.ipynb", "the same on Google's GPU"),),
    "colab": (("colab", "the Colab page, on this machine's own card"),),
    "serve": (("serve", "prints your own link, once"), ("serve friends invite ben", "and one for a friend")),
    "serve pause": (
        ("serve pause --for 3h", "the card is yours until then"),
        ("serve pause --until 23:00", "the same, by the clock"),
    ),
    "serve friends": (("serve friends invite ben", "a link that works once"),),
    "serve install": (("serve install --dry-run", "what it would do"), ("serve install", "up from your logon on")),
    "serve check": (("serve check", "what is wrong, and the next command"),),
    "serve reach": (("serve reach", "how friends get here, and whether it works"),),
    "serve sweep": (("serve sweep --days 90", "which old pictures would go"),),
    "serve discord": (("serve discord", "the clicks in Discord's portal, and the settings here"),),
    "serve backup": (("serve backup", "database and pictures, beside a running server"),),
    "crew": (("crew start", "this machine is the head"), ("crew join 192.168.1.20:8701", "on the other one")),
    "crew start": (("crew start", "this machine is the head, and draws too"),),
    "crew check": (("crew check 192.168.1.20:8701", "what would be in the way, and how to mend it"),),
    "crew join": (("crew join 192.168.1.20:8701 --token-file crew.token", "draw for that head"),),
    "notebook": (("notebook dreamrig.ipynb", "one file for Colab that carries dreamrig"),),
    "bench sweep": (("bench sweep grid.toml", "what each setting of a grid costs"),),
    "submit": (('submit "a fox in the snow"', "into the running server's line"),),
    "queue": (("queue", "who waits, and how long"),),
    "cancel": (("cancel 4f2k9xQm", "a picture by its key, as queue shows it"),),
    "where": (("where", "folders with their sizes"),),
    "config": (("config show --origin", "what is set, and by what"),),
    "config show": (("config show > dreamrig.toml", "all settings as a file that can be read back"),),
    "complete": (("complete bash >> ~/.bashrc", "the tab key"),),
}  # fmt: skip
"""Command -> command lines without the program's name, and what each is for."""


def run_with_help(run: Callable[[list[str]], int], name: str, words: Sequence[str], options: Sequence[str]) -> int:
    """Run a command; where it was asked for help, in the form that was asked for.

    name: the command.   words: after it.   options: those of the words that may be flags.
    """
    if SHORT in options:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = run([LONG if word == SHORT else word for word in words])
        print(as_called(shorten(said.getvalue(), shutil.get_terminal_size().columns)))
    else:
        code = run(list(words)) or EXIT_GOOD
    if code == EXIT_GOOD and (SHORT in options or LONG in options):
        print(as_called("\n".join(closing(_path(name, options), is_short=SHORT in options))), end="")
    return code


def _path(name: str, options: Sequence[str]) -> str:
    """The longest name with examples: "bench run" rather than "bench"."""
    path, known = name, name
    for word in options:
        path = f"{path} {word}"
        known = path if path in EXAMPLES else known
    return known


def closing(path: str, *, is_short: bool) -> list[str]:
    """The lines that end a help text: examples, and where the rest is."""
    rows = EXAMPLES.get(path, ())
    width = max((len(line) for line, _ in rows), default=0)
    lines = ["", "Examples:", *(f"  dreamrig {line:<{width}}  {about}" for line, about in rows)] if rows else []
    return [*lines, *(["", f"All of it: dreamrig {path} {LONG}"] if is_short else []), ""]


def shorten(text: str, width: int) -> str:
    """A help text cut to usage, first sentence, and the first lists with a sentence a row."""
    lines, kept, about, under = text.splitlines(), [], "", ""
    if not any(line in KEPT for line in lines):
        return text.rstrip()
    rows: list[list[str]] = []
    for line in lines:
        if HEADING.match(line):
            kept += _shown(rows, width)
            rows, under = [], line
            if line in KEPT:
                kept += ["", line]
        elif not under and line.startswith("  "):
            about += f" {line.strip()}" if line.strip() else ""
        elif not under and line.strip():
            kept.append(line)
        elif under in KEPT and (row := ROW.match(line)) and not line.startswith("   "):
            rows.append([row["head"], row["about"] or ""])
        elif under in KEPT and rows and line.strip():
            rows[-1][1] += f" {line.strip()}"
        if not under and about and not line.strip() and len(kept) == 1:
            kept += ["", *textwrap.wrap(_first_sentence(about), width)]
    return "\n".join(kept + _shown(rows, width))


def _shown(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    shown = []
    for head, about in rows:
        short = head if len(head) <= WIDEST_HEAD else f"{head.split()[0]} …"
        said = textwrap.wrap(_first_sentence(about), max(20, width - COLUMN)) or [""]
        shown.append(f"  {short:<{COLUMN - 2}}{said[0]}".rstrip())
        shown += [f"{'':<{COLUMN}}{line}" for line in said[1:]]
    return shown


def _first_sentence(text: str) -> str:
    found = SENTENCE.match(text.strip())
    return found[0] if found else text.strip()
