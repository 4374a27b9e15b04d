"""The pages of docs/ as a static site with a search: `python -m docs.made.site` (into `dreamrig-site`).

README and docs/ are laid out as MkDocs wants them, links to files that are no pages become their words, and Material
for MkDocs (the extra [dev]) builds them with its strict checks: a link or an anchor that leads nowhere ends it. The
board of results/ lies beside the pages. Nobody else is asked for anything by them. To look at it with its search:
`python -m http.server --directory dreamrig-site`.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUT = Path("dreamrig-site")
TITLE = "dreamrig"
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
ELSEWHERE = re.compile(r"^([a-z]+:|#)")
PAGES: Mapping[str, str] = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "THIRD-PARTY.md": "third-party.md",
    "results/README.md": "results.md",
}
"""Pages outside of docs/, and where they lie in the site."""
SEPARATOR = r"[\s\-,:!=\[\]()\"`/]+|\.(?!\d)"
"""What stands between two words for the search: a code and a version are one word."""
SECTIONS: Sequence[tuple[str, Sequence[str]]] = (
    (
        "Start",
        (
            "index.md",
            "windows.md",
            "full-size.md",
            "weights.md",
            "presets.md",
            "losses.md",
            "films.md",
            "gallery.md",
            "features.md",
        ),
    ),
    ("For friends", ("serve.md", "scale.md")),
    ("How fast", ("performance.md", "benchmark-expected.md", "benchmark-intervals.md", "memory.md", "results.md")),
    ("How it works", ("starter-model.md", "architecture.md", "reliability.md", "security.md")),
    ("The project", ("contributing.md", "changelog.md", "third-party.md")),
)
STYLE = """
:root { --md-text-font: system-ui; --md-code-font: ui-monospace, monospace; }
[data-md-color-primary="custom"] {
  --md-primary-fg-color: #15110F; --md-primary-bg-color: #F3ECE2; --md-accent-fg-color: #A23B00;
}
[data-md-color-scheme="default"][data-md-color-primary="custom"] { --md-typeset-a-color: #A23B00; }
[data-md-color-scheme="slate"][data-md-color-primary="custom"] {
  --md-default-bg-color: #15110F; --md-default-fg-color: #F3ECE2; --md-code-bg-color: #221C18;
  --md-typeset-a-color: #FF8A4C; --md-accent-fg-color: #FF8A4C;
}
"""


class SiteError(RuntimeError):
    """A page, a link or an anchor that leads nowhere."""


def places() -> dict[Path, str]:
    """Every file that travels -> where it lies in the site."""
    docs = ROOT / "docs"
    found = {ROOT / name: place for name, place in PAGES.items()}
    for file in sorted([*docs.rglob("*.md"), *docs.rglob("*.png"), *docs.rglob("*.svg"), *docs.rglob("*.webp")]):
        found[file] = file.relative_to(docs).as_posix()
    return found


def lay_out(folder: Path) -> None:
    """Pages and pictures, with links that fit, in an empty folder."""
    travels = places()
    for file, place in travels.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".md":
            text = fitted(file.read_text(encoding="utf-8"), file, travels)
            target.write_text(_weighed(text, place), encoding="utf-8")
        else:
            shutil.copyfile(file, target)
    (folder / "style.css").write_text(STYLE, encoding="utf-8")


def fitted(text: str, file: Path, travels: Mapping[Path, str]) -> str:
    """The page with its links as they are in the site; SiteError where one leads nowhere in the repository."""

    def fit(link: re.Match[str]) -> str:
        picture, words, address = link.groups()
        inner = LINK.sub(fit, words)
        if ELSEWHERE.match(address):
            return f"{picture}[{inner}]({address})"
        path, mark, anchor = address.partition("#")
        target = (file.parent / path).resolve()
        if target in travels:
            near = os.path.relpath(travels[target], Path(travels[file]).parent).replace(os.sep, "/")
            return f"{picture}[{inner}]({near}{mark}{anchor})"
        if not target.exists():
            raise SiteError(f"{file.relative_to(ROOT)} leads to {address}, which is not there.")
        return inner

    return LINK.sub(fit, text)


def _weighed(text: str, place: str) -> str:
    """A cause before the index that names it, when its code is searched for."""
    return f"---\nsearch:\n  boost: 4\n---\n{text}" if place.startswith("errors/") else text


def settings(pages: Path, out: Path) -> dict[str, Any]:
    """What MkDocs is told."""
    return {
        "site_name": TITLE,
        "docs_dir": str(pages),
        "site_dir": str(out),
        "use_directory_urls": False,
        "strict": True,
        "nav": navigation(pages),
        "theme": {
            "name": "material",
            "font": False,
            "palette": [palette("dark", "slate", "weather-sunny"), palette("light", "default", "weather-night")],
            "features": ["navigation.indexes", "search.suggest", "search.highlight", "navigation.top"],
        },
        "extra_css": ["style.css"],
        "plugins": [{"material/search": {"separator": SEPARATOR}}],
        "markdown_extensions": ["tables", "fenced_code", "md_in_html", "sane_lists", {"toc": {"permalink": True}}],
        "validation": {
            "nav": {"omitted_files": "warn", "not_found": "warn"},
            "links": {"not_found": "warn", "anchors": "warn", "absolute_links": "warn"},
        },
    }


def navigation(pages: Path) -> list[dict[str, list[str]]]:
    """The headings on the left; a page under none of them is one that MkDocs complains about."""
    known = {file.relative_to(pages).as_posix() for file in pages.rglob("*.md")}
    sections = [{name: [page for page in wanted if page in known]} for name, wanted in SECTIONS]
    errors = ["errors.md", *sorted(page for page in known if page.startswith("errors/"))]
    return [sections[0], {"Errors": errors}, *sections[1:]]


def palette(wanted: str, scheme: str, icon: str) -> dict[str, Any]:
    """Colours for who prefers `wanted`, and the switch to the others."""
    switch = {"icon": f"material/{icon}", "name": "light" if wanted == "dark" else "dark"}
    return {
        "media": f"(prefers-color-scheme: {wanted})", "scheme": scheme, "primary": "custom", "toggle": switch
    }  # fmt: skip


def build(pages: Path, out: Path) -> None:
    """The site of pages that were laid out, in `out`, which is emptied first; SiteError where MkDocs refuses."""
    from mkdocs.commands.build import build as build_pages
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    from bench.cli.board import write_board

    file = pages.with_name("mkdocs.yml")
    file.write_text("{}", encoding="utf-8")
    try:
        build_pages(load_config(str(file), **settings(pages, out.resolve())))
    except MkDocsException as error:
        raise SiteError(str(error)) from error
    write_board(ROOT / "results", out / "board")


def main() -> None:
    """Build, and say where."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        with tempfile.TemporaryDirectory() as folder:
            pages = Path(folder) / "pages"
            lay_out(pages)
            build(pages, out)
    except SiteError as error:
        sys.exit(f"error: {error}")
    print(f"{out / 'index.html'}")


if __name__ == "__main__":
    main()
