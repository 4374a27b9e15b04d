"""What `dreamrig weights` says: tables, terms and facts as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from dreamrig.words import MIB, memory
from generator.weights import registry
from generator.weights.fetch import import_only, other_ways
from generator.weights.registry import Entry, Installed, Source
from generator.weights.store import Status

KINDS = {
    "vqgan": "VQGAN, which paints",
    "clip": "CLIP, which looks",
    "tokenizer": "Tokenizer, which reads for SigLIP 2",
    "upscaler": "Upscaler, which enlarges",
    "head": "Aesthetic head, which judges",
}
USUAL_CLIP, USUAL_VQGAN = "ViT-B/32", "imagenet-f16-16384"
NEARLY = 1.01
"""How many times as large another address's file may be without a word."""
GOOD_FOR: Mapping[str, str] = {
    "RN50": "a ResNet: another eye beside ViT-B/32",
    "RN101": "a ResNet of more layers: another eye beside ViT-B/32",
    "RN50x4": "a ResNet that reads 288 pixels, more work",
    "RN50x16": "a ResNet that reads 384 pixels, much more work",
    "RN50x64": "the largest ResNet: reads 448 pixels",
    "ViT-B/32": "what the pictures of 2021 look like: every preset was made for it",
    "ViT-B/16": "finer patches than ViT-B/32, so finer detail; four times the work",
    "ViT-L/14": "OpenAI's strong one for 12 GB; on 8 GB with few cutouts at a time",
    "ViT-L/14@336px": "OpenAI's strongest: reads 336 pixels, over twice the work of ViT-L/14",
    "ViT-B/32-laion2b": "as fast as ViT-B/32, another eye: one of the first to put beside it",
    "ViT-B/16-laion2b": "finer detail than ViT-B/32; four times the work, comfortable on 8 GB",
    "ViT-L/14-laion2b": "a strong CLIP for 12 GB; on 8 GB with few cutouts at a time",
    "ViT-H/14-laion2b": "the largest CLIP here; for 24 GB, slower on 12 GB",
    "ViT-B/32-datacomp": "as fast as ViT-B/32, another eye: one of the first to put beside it",
    "ViT-B/16-datacomp": "finer detail than ViT-B/32; four times the work, comfortable on 8 GB",
    "ViT-L/14-datacomp": "the best CLIP for 12 GB; on 8 GB with few cutouts at a time",
    "SigLIP2-B/32@256px": "texts in many languages; about as fast as ViT-B/32, for 8 GB",
    "SigLIP2-B/16": "texts in many languages; names as well as ViT-H/14, for 8 GB",
    "SigLIP2-L/16@256px": "texts in many languages; for 24 GB, on 12 GB with few cutouts at a time",
    "SigLIP2-SO400M/14": "the strongest here; for 24 GB, slower on 12 GB",
}
"""What a guide is for, shorter than docs/full-size.md has it; only what follows from sizes and published figures."""


def describe(one: Status) -> dict[str, Any]:
    """A model as `list --json` tells it."""
    return {
        "name": one.entry.name,
        "kind": one.entry.kind,
        "state": one.state,
        "licence": one.entry.licence,
        "trained_on": one.entry.trained_on,
        "good_for": GOOD_FOR.get(one.entry.name),
        "terms": one.entry.terms,
        "download_mib": one.entry.approximate_mib,
        "part_bytes": one.part_bytes,
        "original_bytes": one.original_bytes,
        "sources": one.entry.sources,
        "installed": one.installed,
    }


def render_list(found: Sequence[Status], base: Path) -> str:
    """A table by kind, then how to go on."""
    width = max(len(one.entry.name) for one in found)
    lines = []
    for kind, title in KINDS.items():
        rows = [one for one in found if one.entry.kind == kind]
        lines += [f"{title}:"] if rows else []
        for one in rows:
            about = GOOD_FOR.get(one.entry.name, "") if kind == "clip" else one.entry.trained_on
            lines.append(f"  {one.entry.name:<{width}}  {_state_words(one):<22}  {about}".rstrip())
    lines += ["", f"folder: {base}", "fetch one: dreamrig weights fetch NAME"]
    if any(_hangs_on_one(one) for one in found):
        lines.append(
            "from 1 host: nobody else was found to give it; dreamrig weights show NAME says what else there is"
        )
    if any(one.state == "import only" for one in found):
        why = "no address of it is known to answer, or nobody tells its SHA-256; fetch NAME says which"
        lines += ["import only: dreamrig weights import FILE --as NAME", f"  ({why})"]
    return "\n".join(lines)


def _state_words(one: Status) -> str:
    if one.installed is not None:
        kept = f" + {one.original_bytes / MIB:.0f} original" if one.original_bytes else ""
        return f"ready, {memory(one.installed.bytes / MIB)}{kept}"
    if one.state == "part":
        return f"{max(one.part_bytes, one.original_bytes) / MIB:.0f} of ~{one.entry.approximate_mib} MiB"
    if one.state == "import only":
        return "import only"
    return f"~{memory(one.entry.approximate_mib)} {'from 1 host' if _hangs_on_one(one) else 'to fetch'}"


def _hangs_on_one(one: Status) -> bool:
    """Whether it is still to be fetched, and only one machine is known to give it."""
    return one.state == "absent" and one.entry.only_host is not None


def render_show(one: Status, known: Iterable[Entry]) -> str:
    """All that is known of one network: its state, its terms, every address, and what else there is besides it."""
    lines = [render_terms(one.entry), f"  {'state':<11} {_state_words(one)}"]
    if (name := one.entry.name) in GOOD_FOR:
        lines.append(f"  {'good for':<11} {GOOD_FOR[name]}")
    lines.append("addresses, in the order in which they are asked:")
    for source in one.entry.sources:
        lines += [f"  {source.page}", f"    {'; '.join(_about(source))}"]
    if one.state == "import only":
        error = import_only(one.entry)
        lines += [error.message, *error.hint.splitlines()]
    elif one.entry.only_host is not None:
        lines.append(f"nobody but {one.entry.only_host} is known to give it; where that fails:")
        ways = [*other_ways(one.entry, known), f"have the file from somebody: dreamrig weights import FILE --as {name}"]
        lines += [f"  {way}" for way in ways]
    return "\n".join(lines)


def _about(source: Source) -> list[str]:
    checked = "SHA-256 known" if source.sha256 is not None else "nobody tells its SHA-256"
    size = [] if source.bytes is None else [f"{source.bytes:,} bytes"]
    gone = [f"reported dead: {source.gone}"] if source.gone else []
    return [*gone, checked, *size, *([source.note] if source.note else [])]


def most_mib(entry: Entry) -> int:
    """The size of the largest file that may come: of the one that is asked for first, or of another address's."""
    others = (source.bytes for source in entry.sources[1:])
    return max(entry.approximate_mib, *(round(size / MIB) for size in others if size is not None), 0)


def up_to(mib: int, most: int) -> str:
    """ " (up to 577 MiB from another address)" where that is more; "" where it is not."""
    return f" (up to {memory(most)} from another address)" if most > NEARLY * mib else ""


def render_terms(entry: Entry) -> str:
    """What somebody should know before downloading."""
    mib = entry.approximate_mib
    rows = {
        "size": f"about {memory(mib)}{up_to(mib, most_mib(entry))}, of which only what drawing needs is kept",
        "from": f"{', then '.join(dict.fromkeys(source.host for source in entry.sources))}{_alone(entry)}",
        "licence": entry.licence,
        "trained on": entry.trained_on,
        "terms": entry.terms,
    }
    return "\n".join([entry.name, *(f"  {title:<11} {words}" for title, words in rows.items())])


def _alone(entry: Entry) -> str:
    return "" if entry.only_host is None else " alone: nobody else is known to give it"


def render_ready(
    facts: Installed,
    base: Path,
    how: Literal["fetched and converted", "imported", "already here"],
    *,
    needs: Sequence[str] = (),
) -> str:
    """What is here now, how it came here, how to use it, and what of its needs is not here yet."""
    known = "as published" if facts.is_published else "not one the registry lists"
    lines = [
        f"{facts.name}: {how}, {memory(facts.bytes / MIB)}",
        f"  file      {registry.folder_of(facts.name, base) / registry.MODEL}",
        f"  SHA-256   {facts.sha256}",
        f"  original  {facts.original_sha256} ({known})",
        f"  use it    {_use(facts)}",
    ]
    if facts.kind == "vqgan" and not registry.is_ready(USUAL_CLIP, base):
        lines.append(f"  needs     a CLIP too: dreamrig weights fetch {USUAL_CLIP}")
    absent = [name for name in needs if not registry.is_ready(name, base)]
    lines += [f"  needs     {name} too: dreamrig weights fetch {name}" for name in absent]
    return "\n".join(lines)


def _use(facts: Installed) -> str:
    if facts.kind == "tokenizer":
        return "with a guide that reads by it: dreamrig weights list"
    if facts.kind == "head":
        return f'dreamrig generate "sunset over the sea" --model {USUAL_VQGAN} --aesthetic 1'
    if facts.kind == "upscaler":
        return f'dreamrig generate "sunset over the sea" --upscale-with {facts.name}'
    model = facts.name if facts.kind == "vqgan" else USUAL_VQGAN
    guides = f" --guides {facts.name}" if facts.kind == "clip" and facts.name != USUAL_CLIP else ""
    return f'dreamrig generate "sunset over the sea" --model {model}{guides}'
