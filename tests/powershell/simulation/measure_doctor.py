"""How much processor time doctor.ps1 takes beside starting PowerShell.

    python tests/powershell/simulation/measure_doctor.py [--rounds 7] [--edition powershell] [NAME=FOLDER ...]

Runs the doctor on a simulated PC on which all is well, and on one whose hypervisor is off, in turns with a PowerShell
that only gives the simulated commands what the doctor gave them; every process tells its own processor time, without
that of the programs it starts. NAME=FOLDER is another checkout, or a released `powershell` folder, to compare with; all
take turns. What is printed are medians of the differences, and of the ratios in the same turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import simulated_machine as machine
from simulated_pc import EDITIONS, ROOT, SimulatedWindows, quote

MARK = "processor seconds: "
TELL = (
    f'[Console]::Out.WriteLine("{MARK}" + '
    "[System.Diagnostics.Process]::GetCurrentProcess().TotalProcessorTime.TotalSeconds)"
)
REPLAY = """
foreach ($call in [System.IO.File]::ReadAllText({file}) | ConvertFrom-Json | ForEach-Object {{ $_ }}) {{
    $given = @{{}}
    foreach ($one in $call.arguments.PSObject.Properties) {{ $given[$one.Name] = $one.Value }}
    try {{ $null = & $call.command @given }} catch {{ $null = $_ }}
}}
"""
PCS: Mapping[str, machine.State] = {
    "all is well": machine.ready(),
    "hypervisor off": machine.ready(elevated=True, boot={"hypervisorlaunchtype": "Off"}),
}


def processor_seconds(pc: SimulatedWindows, lines: str) -> float:
    """What one PowerShell process used to run some lines."""
    pc.forget_calls()
    out = pc.execute(lines + TELL).out
    return float(out.rpartition(MARK)[2].strip())


def visit(script: Path) -> str:
    """A line that runs the doctor."""
    return f"$null = & {quote(str(script))}\n"


def replay(pc: SimulatedWindows, script: Path) -> str:
    """Lines that ask the simulated commands of PowerShell what the doctor asks them: their own time is not its."""
    processor_seconds(pc, visit(script))
    asked = [call for call in pc.calls if not isinstance(call.arguments, list)]
    file = pc.folder / "asked.json"
    file.write_text(json.dumps([call._asdict() for call in asked]), "utf-8")
    return REPLAY.format(file=quote(str(file)))


def measure(scripts: Mapping[str, Path], edition: str, rounds: int) -> dict[tuple[str, str], list[float]]:
    """(PC, name of the checkout) -> processor seconds beside the start, one for each round."""
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        pcs = {name: SimulatedWindows(Path(folder) / name, edition, state) for name, state in PCS.items()}
        beside = {name: replay(pc, scripts["this"]) for name, pc in pcs.items()}
        for _ in range(rounds):
            for pc_name, pc in pcs.items():
                start = processor_seconds(pc, beside[pc_name])
                for name, script in scripts.items():
                    found.setdefault((pc_name, name), []).append(processor_seconds(pc, visit(script)) - start)
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("others", nargs="*", metavar="NAME=FOLDER")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--edition", choices=EDITIONS, default="powershell")
    asked = parser.parse_args(arguments)
    scripts = {"this": ROOT / "powershell" / "doctor.ps1"}
    for other in asked.others:
        name, _, folder = other.partition("=")
        places = [Path(folder) / "powershell" / "doctor.ps1", Path(folder) / "doctor.ps1"]
        there = [place.resolve() for place in places if place.is_file()]
        if not there:
            parser.error(f"no doctor.ps1 in {folder}, nor in its folder powershell")
        scripts[name] = there[0]
    found = measure(scripts, asked.edition, asked.rounds)
    for (pc, name), seconds in found.items():
        ratios = [mine / its for mine, its in zip(found[pc, "this"], seconds, strict=True)]
        print(
            f"{pc:15} {name:12} median {statistics.median(seconds):.2f} s"
            f"  (least {min(seconds):.2f}, most {max(seconds):.2f}, {len(seconds)} rounds)"
            + (f"; this takes {statistics.median(ratios):.2f} times as long" if name != "this" else "")
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
