"""How long a step takes beside others, in turn in one process, and how much memory each needs in a process of its own.

python -m bench.proofs.against_reference            our networks and those of taming-transformers and openai-clip
python -m bench.proofs.against_reference --loop     our whole step and the peer's own loop, with kornia
python -m bench.proofs.against_reference --loop --case 480/64 --pairs 5 --memory
python -m bench.proofs.against_reference --guides ViT-B/16 --case 256/32 --pairs 10
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.measure.peer.cases import PeerCase, memory_of, package_versions, pairs_of
from bench.measure.peer.turns import WARM_STEPS, StepPair, clock_for, engine_step, in_turn
from generator.config import GenerateConfig

BACKENDS = ("own", "reference")
NETWORK_CASES = ("128/8",)
LOOP_CASES = ("128/8", "256/16", "480/64")
GUIDES = ("ViT-B/32", "RN50", "ViT-B/16")


def step_pairs(config: GenerateConfig, count: int) -> Iterator[StepPair]:
    """Steps of the same run with either networks, after some that are not counted.

    On a CPU the processor's seconds of this process; elsewhere the clock's, the device waited for. NotReadyError where
    the reference packages are not installed.
    """
    from generator.devices import resolve_device
    from generator.models.choose import load_models

    both = (replace(config, backend=backend) for backend in BACKENDS)
    own, theirs = (engine_step(one, load_models(one), count + WARM_STEPS) for one in both)
    yield from in_turn(own, theirs, count, clock=clock_for(resolve_device(config.device)))


def row(guides: str, case: PeerCase, pairs: Sequence[StepPair]) -> str:
    """One row of a Markdown table: medians, and of the ratios the lowest and the highest too."""
    own = statistics.median(pair.own_seconds for pair in pairs)
    theirs = statistics.median(pair.reference_seconds for pair in pairs)
    ratios = [pair.ratio for pair in pairs]
    return (
        f"| {guides} | {case.side}x{case.side} | {case.cutouts} | {len(pairs)} | {own:.2f} | "
        f"{theirs:.2f} | {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |"
    )


def memory_row(case: PeerCase, repeats: int) -> str:
    """One row of a Markdown table: medians of the peaks of whole processes, and of what the steps took of them."""
    own, theirs = ([memory_of(who, case) for _ in range(repeats)] for who in ("own", "peer"))
    peaks = [statistics.median(one.peak_mib for one in found) for found in (own, theirs)]
    steps = [statistics.median(one.steps_mib for one in found) for found in (own, theirs)]
    return (
        f"| {case.side}x{case.side} | {case.cutouts} | {repeats} | {peaks[0]:,.0f} | {peaks[1]:,.0f} | "
        f"{peaks[0] / peaks[1]:.2f} | {steps[0]:,.0f} | {steps[1]:,.0f} | {steps[0] / steps[1]:.2f} |"
    )


def case_of(text: str, device: str) -> PeerCase:
    """ "SIDE/CUTOUTS" -> both."""
    side, _, cutouts = text.partition("/")
    return PeerCase(int(side), int(cutouts), device=device)


def network_rows(cases: Sequence[PeerCase], guides: Sequence[str], pairs: int, threads: int) -> Iterator[str]:
    """The same step with either networks."""
    yield "| guide | picture | cutouts | pairs | ours, s | reference, s | reference / ours |"
    yield "|:--|--:|--:|--:|--:|--:|--:|"
    for case in cases:
        for names in guides:
            config = GenerateConfig(
                prompt="sunset over the sea", model="imagenet-f16-1024", guides=names, random_weights=True,
                start="noise", device=case.device, threads=threads, width=case.side, height=case.side,
                cutouts=case.cutouts, preview_every=0, checkpoint_every=0,
            )  # fmt: skip
            yield row(names, case, list(step_pairs(config, pairs)))


def loop_rows(cases: Sequence[PeerCase], pairs: int) -> Iterator[str]:
    """Our whole step and the peer's own."""
    yield ", ".join(f"{name} {number}" for name, number in package_versions().items())
    yield "| guide | picture | cutouts | pairs | ours, s | peer's loop, s | peer / ours |"
    yield "|:--|--:|--:|--:|--:|--:|--:|"
    for case in cases:
        yield row("ViT-B/32", case, list(pairs_of(case, pairs)))


def memory_rows(cases: Sequence[PeerCase], repeats: int) -> Iterator[str]:
    """Both in processes of their own."""
    yield "| picture | cutouts | runs | ours, MiB | peer, MiB | ours / peer | steps alone: ours | peer | ours / peer |"
    yield "|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for case in cases:
        yield memory_row(case, repeats)


def main(words: Sequence[str]) -> int:
    """Print the table of one case, or of the usual ones."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.proofs.against_reference", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--loop", action="store_true", help="the peer's whole loop instead of its networks alone")
    parser.add_argument("--case", action="append", metavar="SIDE/CUTOUTS", help="pixels and cutouts, e.g. 256/16")
    parser.add_argument("--guides", action="append", help="CLIPs of the networks' table (ViT-B/32, RN50, ViT-B/16)")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="of the networks' table; the loop's has one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--memory", action="store_true", help="with --loop: peaks of processes instead of seconds")
    chosen = parser.parse_args(words)
    cases = [case_of(text, chosen.device) for text in chosen.case or (LOOP_CASES if chosen.loop else NETWORK_CASES)]
    if not chosen.loop:
        rows = network_rows(cases, chosen.guides or GUIDES, chosen.pairs, chosen.threads)
    else:
        rows = memory_rows(cases, min(chosen.pairs, 3)) if chosen.memory else loop_rows(cases, chosen.pairs)
    for line in rows:
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
