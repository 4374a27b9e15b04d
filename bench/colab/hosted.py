"""`dreamrig bench colab`: the same workload on a GPU of Google's, through Google's own command-line client.

The client (PyPI google-colab-cli, Python 3.12 or newer, Linux and macOS) is called as a program, never imported.
Its traps, and what is done about them: an unknown GPU word gives an A100, so words are checked here; it gives up
after 30 s without output, so the script prints a sign of life and a longer limit is asked for; a machine that is
left running costs units, so the list of those still on is shown however the run ended (none is stopped here: it
might be another one of the user's).
"""

import base64
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from bench.cli.run_words import writable
from bench.colab import form
from bench.colab.packing import needed_packages, pack
from bench.compare.cost import load_prices
from bench.measure.blocks import BUDGETS
from bench.measure.sessions import require_count
from bench.result.reading import parse_json
from bench.result.result import BenchResult, Effort, write_result
from bench.workloads import WORKLOADS, Workload, find_workload
from dreamrig import console, paths
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, FailedError, InterruptedByUser, NotReadyError, UsageError

GPUS = ("T4", "L4", "G4", "A100", "H100")
SILENCE_SECONDS = 600
BEGIN, END = "-----BEGIN DREAMRIG RESULT-----", "-----END DREAMRIG RESULT-----"
GIVEN_AS = {"G4": "RTX PRO 6000"}
"""Word of the client -> what the driver calls that GPU, where the word is no part of it."""


@dataclass(frozen=True, kw_only=True)
class HostedDoor:
    """What the command takes from outside; tests bring their own client."""

    which: Callable[[str], str | None] = shutil.which
    start: Callable[[list[str]], "subprocess.Popen[str]"] = lambda argv: subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, errors="replace"
    )
    call: Callable[[list[str]], int] = lambda argv: subprocess.run(argv, check=False).returncode
    confirm: Callable[[str], bool] = lambda question: input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def bench_colab(args: list[str], door: HostedDoor | None = None) -> int:
    """`dreamrig bench colab …`; returns the exit code."""
    import typer

    door = door or HostedDoor()

    def body(
        workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help=", ".join(WORKLOADS))] = "adafruit-480-pure",
        gpu: Annotated[str, typer.Option("--gpu", metavar="|".join(GPUS))] = "T4",
        effort: Annotated[str, typer.Option("--effort", metavar="quick|default|thorough")] = "default",
        sessions: Annotated[
            int | None,
            typer.Option(metavar="N", help=f"Fresh processes: 1, of a notebook {form.SESSIONS}; more tell more."),
        ] = None,
        out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where the result goes.")] = None,
        notebook: Annotated[
            Path | None,
            typer.Option("--notebook", metavar="FILE", help="Write one notebook that carries all it needs, and end."),
        ] = None,
        yes: Annotated[bool, typer.Option("--yes", help="Spend the units without asking.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON document.")] = False,
    ) -> int:
        """Run a workload on a GPU of Google Colab and bring its result here.

        Without Google's client: --notebook FILE, then open that file in Colab (File, Upload notebook).
        """
        chosen = find_workload(workload)
        count = None if sessions is None else require_count(sessions)
        if notebook is not None:
            return write_notebook(notebook, chosen, count or form.SESSIONS, as_json=as_json)
        name, known, count = _gpu(gpu), _effort(effort), count or 1
        client = _client(door)
        target = writable(out or Path.cwd() / f"{chosen.name}-colab-{name.lower()}.json")
        if not yes and not door.confirm(f"{_price(name, known, count)} Go on?"):
            raise InterruptedByUser("Nothing was started.")
        result = run_there(client, chosen, name, (known, count), door)
        write_result(result, target)
        if GIVEN_AS.get(name, name) not in result.device.name:
            console.print_note(f"warning: asked for a {name}, Colab gave {result.device.name}")
        if as_json:
            console.print_json("bench colab", {"result": result.to_dict(), "file": target})
        else:
            print(target)
            console.print_note(f"compare it: dreamrig bench compare {target} RESULT")
        return EXIT_GOOD

    return run_one("bench colab", body, args)


def write_notebook(file: Path, workload: Workload, sessions: int, *, as_json: bool) -> int:
    """Write a notebook that carries dreamrig; returns the exit code."""
    from bench.colab.carried import build

    if file.suffix != ".ipynb":
        raise UsageError(f"--notebook {file} does not end in .ipynb.", hint=f"use: {file.with_suffix('.ipynb')}")
    with_weights = workload.networks[0] == "starter"
    data = build(workload.name, with_weights=with_weights, sessions=sessions).encode()
    paths.write_atomic(file, data)
    if as_json:
        console.print_json("bench colab", {"file": file, "bytes": len(data)})
    else:
        print(file)
        console.print_note("open it in Colab: File, Upload notebook; choose a GPU; Runtime, Run all")
    return EXIT_GOOD


def _gpu(word: str) -> str:
    name = word.strip().upper()
    if name not in GPUS:
        raise UsageError(f"Colab has no GPU {word!r}.", hint=f"use one of: {', '.join(GPUS)}")
    return name


def _client(door: HostedDoor) -> str:
    found = door.which("colab")
    if found is None:
        raise NotReadyError(
            "Google's Colab client is not here.",
            hint="run: uv tool install google-colab-cli; or: dreamrig bench colab --notebook bench.ipynb",
        )
    return found


def _effort(word: str) -> Effort:
    found = next((effort for effort in BUDGETS if effort == word), None)
    if found is None:
        raise UsageError(f"There is no effort {word!r}.", hint=f"use one of: {', '.join(BUDGETS)}")
    return found


def _price(gpu: str, effort: Effort, sessions: int) -> str:
    """What it will cost, as far as that is known, and what several sessions would."""
    about = form.minutes(effort, sessions)
    more = f" One session; --sessions {form.SESSIONS} takes {form.minutes(effort, form.SESSIONS)} min and tells more."
    return _units(gpu, about) + (more if sessions == 1 else f" {sessions} sessions.")


def _units(gpu: str, about: int) -> str:
    units = {row["gpu"]: row["value"] for row in load_prices()["units_per_hour"]}.get(gpu)
    if units is None:
        return f"A {gpu} costs compute units by the hour (how many is shown in Colab only); about {about} min."
    spent = units * about / 60
    return f"A {gpu} was seen to cost {units:.2f} units an hour; about {about} min, {spent:.1f} units."


def run_there(client: str, workload: Workload, gpu: str, how: tuple[Effort, int], door: HostedDoor) -> BenchResult:
    """Run the workload on Colab and return its result; machines still on are listed whatever happens.

    how: the effort, and the number of sessions.
    """
    with tempfile.TemporaryDirectory(prefix="dreamrig-colab-") as folder:
        script = Path(folder) / "bench_there.py"
        script.write_text(make_script(workload, *how), encoding="utf-8")
        argv = [client, "run", "--gpu", gpu, "--timeout", str(SILENCE_SECONDS), str(script)]
        try:
            text, code = _listen(door.start(argv))
        finally:  # the client releases its machine by itself; what is still on costs units, so it is shown
            if door.call([client, "sessions"]):
                console.print_note(f"warning: look whether a machine is still on: {client} sessions")
    if code:
        raise FailedError(f"Google's client ended with exit code {code}.", hint="its last lines stand above")
    return parse_output(text)


def _listen(process: "subprocess.Popen[str]") -> tuple[str, int]:
    """Everything it printed, shown on standard error as it came; the result itself is not shown."""
    assert process.stdout is not None
    kept, is_result = [], False
    for line in process.stdout:
        kept.append(line)
        is_result = (is_result or BEGIN in line) and END not in line
        if not is_result and END not in line:
            console.print_note(line.rstrip("\n"))
    return "".join(kept), process.wait()


def parse_output(text: str) -> BenchResult:
    """The result between the markers; FailedError where there is none that can be read."""
    _, found, rest = text.partition(BEGIN)
    body, ended, _ = rest.partition(END)
    if not found or not ended:
        raise FailedError("The run on Colab printed no result.", hint="its last lines stand above")
    source = "the result from Colab"
    try:
        return BenchResult.from_dict(parse_json(body.encode(errors="replace"), source), source)
    except UsageError as error:  # nothing that was typed here is wrong
        raise FailedError(error.message, hint="run it again, or: dreamrig bench colab --notebook bench.ipynb") from None


def make_script(workload: Workload, effort: Effort, sessions: int = 1) -> str:
    """A Python file that carries our sources, runs the workload and prints its result between markers."""
    with_weights = workload.networks[0] == "starter"
    archive = base64.b64encode(pack(with_weights=with_weights)).decode()
    return SCRIPT.format(
        archive=archive,
        needed=needed_packages(),
        workload=workload.name,
        effort=effort,
        sessions=sessions,
        begin=BEGIN,
        end=END,
        place="colab-hosted",
    )


SCRIPT = '''
import base64, importlib.util, io, json, os, pathlib, subprocess, sys, threading, time, zipfile

folder = pathlib.Path("dreamrig-bench").absolute()
zipfile.ZipFile(io.BytesIO(base64.b64decode("""{archive}"""))).extractall(folder)
needed = {needed}
missing = [package for module, package in needed.items() if importlib.util.find_spec(module) is None]
if missing:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *missing], check=True)


def sign_of_life():
    while True:
        time.sleep(10)
        print("still measuring", flush=True)


threading.Thread(target=sign_of_life, daemon=True).start()
out = folder / "result.json"
flags = dict(quick=["--quick"], default=[], thorough=["--thorough"])["{effort}"]
words = [sys.executable, "-m", "dreamrig", "bench", "run", "{workload}", *flags, "--out", str(out),
         "--place", "{place}", "--sessions", "{sessions}"]
environ = dict(os.environ, PYTHONPATH=str(folder), DREAMRIG_HOME=str(folder / "home"))
ended = subprocess.run(words, cwd=folder, env=environ)
if ended.returncode:
    sys.exit(ended.returncode)
print("{begin}")
print(json.dumps(json.loads(out.read_text())))
print("{end}", flush=True)
'''
