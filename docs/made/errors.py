"""docs/errors.md (an index by code and by words) and a page per layer in docs/errors/, from the knowledge base.

`python -m docs.made.errors` writes it anew; a test keeps it current.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from provision.checked_json import read_json
from provision.diagnosis.literals import required_literals
from provision.diagnosis.predicate import Predicate, comparisons
from provision.diagnosis.updates import load_releases, load_updates

PAGE = Path(__file__).parents[1] / "errors.md"
FOLDER = PAGE.with_suffix("")
FEWEST_LETTERS = 12
"""Of words that stand in the index."""
WORDS_PER_CAUSE = 4
LAYERS: Mapping[str, str] = {
    "firmware": "Processor and firmware",
    "windows": "Windows: hypervisor, features, services, policies",
    "wsl": "WSL: package, versions, configuration",
    "network": "Network and downloads",
    "disk": "Disks",
    "guest": "Inside the distribution",
    "driver": "NVIDIA driver",
    "cuda": "CUDA libraries",
    "torch": "PyTorch",
    "python": "Python packages, weights, notebooks",
    "container": "Containers",
    "usage": "Commands",
}
PLACES: Mapping[str, str] = {
    "windows": "Windows",
    "wsl": "in WSL",
    "linux": "Linux",
    "firmware": "firmware set-up",
    "host": "on the host",
}
SHELLS: Mapping[str, str] = {
    "windows": "powershell",
    "wsl": "bash",
    "linux": "bash",
    "firmware": "powershell",
    "host": "powershell",
}
EFFECTS: Mapping[str, str] = {
    "degrades": "Things work in part.",
    "harmless": "Harmless: nothing has to be done.",
}
INTRODUCTION = """\
# Errors and what is behind them

Every error on the way from a bare Windows PC to a CUDA kernel in WSL that dreamrig knows: what it means, how to tell
it from its neighbours, what to do. The same message often has several causes; paste it, and dreamrig ranks them:

```bash
dreamrig diagnose "WslRegisterDistribution failed with error: 0x80370102"
```

On Windows without Python: `powershell -ExecutionPolicy Bypass -File powershell\\doctor.ps1`.

Commands for Windows are for PowerShell; "elevated" means: run as administrator. NAME, FOLDER and other words in
capitals are to be filled in.

Three ways in: [by layer](#contents), [by the words of the message](#index-of-words), [by code](#index-of-codes).

These pages are made from `provision/knowledge/causes.json` by `python -m docs.made.errors`."""


def render_pages(document: Mapping[str, Any]) -> dict[Path, str]:
    """Path -> content: the index, and a page for every layer that has causes; for the parsed causes.json."""
    layers = {cause["layer"] for cause in document["causes"]}
    pages = {FOLDER / f"{layer}.md": _layer_page(layer, document) for layer in LAYERS if layer in layers}
    return {PAGE: render_index(document), **pages}


def render_index(document: Mapping[str, Any]) -> str:
    """docs/errors.md. Every cause has its anchor here too, so that old links still land."""
    global_links = {cause["slug"]: f"errors/{cause['layer']}.md#{cause['slug']}" for cause in document["causes"]}
    parts = [INTRODUCTION, _contents(document["causes"], global_links), _words(document, global_links)]
    return "\n\n".join([*parts, _index(document, global_links), _other_codes(document)]) + "\n"


def _layer_page(layer: str, document: Mapping[str, Any]) -> str:
    causes = document["causes"]
    inside = [cause for cause in causes if cause["layer"] == layer]
    lines = [f"- [{cause['title']}](#{cause['slug']})" for cause in inside]
    parts = [f"# {LAYERS[layer]}", "[All errors](../errors.md)", "\n".join(lines)]
    parts += [_cause(cause, document["queries"], causes) for cause in inside]
    return "\n\n".join([*parts, *(_windows() if layer == "windows" else ())]) + "\n"


def _windows() -> list[str]:
    """The tables of windows.json: updates that broke WSL, and until when a Windows is supported."""
    broke = ["## Updates of Windows that broke WSL", "", "| reported | update | what broke | what helps |"]
    broke.append("|---|---|---|---|")
    for one in load_updates():
        mended = f"KB{one.fixed_by}, " if one.fixed_by else ""
        links = ", ".join(f"[{number}]({source})" for number, source in enumerate(one.sources, 1))
        broke.append(f"| {one.reported} | KB{one.kb} ({links}) | {one.broke} | {mended}{one.advice} |")
    ends = [
        "## Which Windows is supported",
        "",
        "| build | Windows | since | until (Home and Pro) |",
        "|---|---|---|---|",
    ]
    ends += [
        f"| {one.build} | [{one.name}]({one.sources[0]}) | {one.available} | {one.supported_until or 'no source yet'} |"
        for one in load_releases()
    ]
    return ["\n".join(broke), "\n".join(ends)]


def _words(document: Mapping[str, Any], links: Mapping[str, str]) -> str:
    """Words of messages, each with the causes that they point to."""
    rows: dict[str, list[str]] = {}
    for cause in document["causes"]:
        for words in words_of(cause):
            rows.setdefault(words, []).append(cause["slug"])
    lines = ["## Index of words", "", "| the message says | may be |", "|---|---|"]
    lines += [f"| {words} | {', '.join(_link(slug, links) for slug in rows[words])} |" for words in sorted(rows)]
    return "\n".join(lines)


def words_of(cause: Mapping[str, Any]) -> list[str]:
    """Some words, in lower case, that messages of a cause contain; English ones, the telling signatures first."""
    telling = [entry for entry in cause["signatures"] if not entry.get("raises")]
    found = [text for entry in telling for text in required_literals(entry["regex"])]
    plain = [" ".join(text.replace("|", " ").split()).strip("'\"-.,:;([<> ") for text in found if text.isascii()]
    return list(dict.fromkeys(text for text in plain if " " in text and len(text) >= FEWEST_LETTERS))[:WORDS_PER_CAUSE]


def _index(document: Mapping[str, Any], links: Mapping[str, str]) -> str:
    """Codes and names, each with the causes that carry it."""
    rows: dict[str, list[str]] = {}
    for cause in document["causes"]:
        for code in cause["codes"]:
            slugs = rows.setdefault(_code_words(code), [])
            if cause["slug"] not in slugs:
                slugs.append(cause["slug"])
    lines = ["## Index of codes", "", "| code | may be |", "|---|---|"]
    lines += [f"| {words} | {', '.join(_link(slug, links) for slug in rows[words])} |" for words in sorted(rows)]
    return "\n".join(lines)


def _code_words(code: Mapping[str, Any]) -> str:
    """`0x80370102` HCS_E_HYPERV_NOT_INSTALLED (-2143878910)."""
    words = [f"`{code['hex']}`"] if code.get("hex") else []
    words += [f"`{code['name']}`"] if code.get("name") else []
    decimal = code.get("decimal")
    return " ".join(words) + (f" ({decimal})" if decimal is not None else "")


def _contents(causes: Sequence[Mapping[str, Any]], links: Mapping[str, str]) -> str:
    lines = ["## Contents"]
    for layer, heading in LAYERS.items():
        inside = [cause for cause in causes if cause["layer"] == layer]
        if inside:
            rows = [f'- <a id="{one["slug"]}"></a>[{one["title"]}]({links[one["slug"]]})' for one in inside]
            lines.append(f"**[{heading}](errors/{layer}.md)**\n\n" + "\n".join(rows))
    return "\n\n".join(lines)


def _link(slug: str, links: Mapping[str, str]) -> str:
    return f"[{slug}]({links[slug]})"


def _cause(cause: Mapping[str, Any], queries: Sequence[Mapping[str, Any]], causes: Sequence[Mapping[str, Any]]) -> str:
    links = {other["slug"]: f"[{other['title']}]({_near(other, cause['layer'])})" for other in causes}
    meaning = " ".join(filter(None, (cause["explanation"], EFFECTS.get(cause["effect"]))))
    parts = [f'<a id="{cause["slug"]}"></a>\n\n### {cause["title"]}', meaning]
    if cause["codes"]:
        parts.append("Codes: " + ", ".join(_code_words(code) for code in cause["codes"]) + ".")
    parts.append("\n".join(("**How to tell**", "", *_telling(cause, queries, links))))
    parts.append("**What to do**\n\n" + "\n".join(_steps(cause["fix"])))
    parts.append("Sources: " + ", ".join(f"<{source}>" for source in cause["sources"]))
    return "\n\n".join(parts)


def _near(cause: Mapping[str, Any], layer: str) -> str:
    """Where a cause stands, from the page of a layer."""
    page = "" if cause["layer"] == layer else f"{cause['layer']}.md"
    return f"{page}#{cause['slug']}"


def _telling(cause: Mapping[str, Any], queries: Sequence[Mapping[str, Any]], links: Mapping[str, str]) -> Iterator[str]:
    """What the facts must be, how to read them, and what tells the cause from its neighbours."""
    if cause["when"] is not None:
        yield f"- Facts: {in_words(cause['when'])}."
    read = {leaf["fact"] for leaf in comparisons(cause["when"])}
    for query in queries:
        if read & set(query["facts"]):
            elevated = " (elevated)" if query["needs_admin"] else ""
            yield f"- {_inline(query['command'])}{elevated}: {query['reading']}"
    for other in cause["differs"]:
        yield f"- Not {links[other['from']]}: {other['by']}"


def in_words(predicate: Predicate) -> str:
    """A predicate as a phrase. What only lets an unknown fact pass is left out."""
    if "all" in predicate:
        return "; ".join(_grouped(part) for part in predicate["all"])
    if "any" in predicate:
        told = [part for part in predicate["any"] if "unknown" not in part]
        return " or ".join(_grouped(part) for part in told) if told else "not known"
    if "not" in predicate:
        inner = predicate["not"]
        return _leaf(inner, negated=True) if "fact" in inner else f"not ({in_words(inner)})"
    return _leaf(predicate, negated=False)


def _grouped(part: Predicate) -> str:
    words = in_words(part)
    return f"({words})" if " or " in words or "; " in words else words


def _leaf(leaf: Predicate, *, negated: bool) -> str:
    fact, negation = f"`{leaf['fact']}`", "not " if negated else ""
    if "is" in leaf:
        return f"{fact} is {negation}{_value(leaf['is'])}"
    if "one_of" in leaf:
        return f"{fact} is {negation}{' or '.join(_value(value) for value in leaf['one_of'])}"
    if "less_than" in leaf:
        return f"{fact} is {negation}below {leaf['less_than']}"
    if "contains" in leaf:
        return f"{fact} has {negation}`{leaf['contains']}` in it"
    return f"{fact} is {negation}{'empty' if 'absent' in leaf else 'unknown'}"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _steps(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        needs = ("elevated" if step["needs_admin"] else "", "restart" if step["needs_restart"] else "")
        where = ", ".join(filter(None, (PLACES[step["where"]], *needs)))
        yield f"{number}. {step['text']} _({where})_"
        if step["command"]:
            yield f"\n   ```{SHELLS[step['where']]}\n   {step['command']}\n   ```\n"
        if step["risk"]:
            yield f"   Beware: {step['risk']}"
        if step["undo"]:
            yield f"   Undo: {_undo(step['undo'])}"


def _undo(words: str) -> str:
    """A sentence as it is, a command as code."""
    return words if words.endswith(".") else _inline(words)


def _inline(command: str) -> str:
    return f"`` {command} ``" if "`" in command else f"`{command}`"


def _other_codes(document: Mapping[str, Any]) -> str:
    """The codes that no cause carries, with their meaning."""
    carried = set(_carried(document["causes"]))
    lines = ["## Other codes", "", "| code | kind | meaning |", "|---|---|---|"]
    others = [code for code in document["codes"] if (code["hex"] or code["name"]) not in carried]
    lines += [f"| {_code_words(code)} | {code['kind']} | {code['meaning']} |" for code in others]
    return "\n".join(lines)


def _carried(causes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for cause in causes:
        for code in cause["codes"]:
            yield from filter(None, (code["hex"], code["name"]))


def main() -> None:
    """Write the pages, and take those away whose layer has no causes any more."""
    FOLDER.mkdir(exist_ok=True)
    pages = render_pages(read_json("causes.json"))
    for path in set(FOLDER.glob("*.md")) - set(pages):
        path.unlink()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
