"""`dreamrig submit`, `queue` and `cancel`: pictures of the running server, from a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from dreamrig import console
from dreamrig.errors import EXIT_GOOD
from generator.serve.client import call


def submit(args: list[str]) -> int:
    """`dreamrig submit PROMPT`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.command()
    def command(prompt: list[str], preset: str = "quick", shape: str = "square", style: str = "none") -> int:
        """Put a picture into the running server's line."""
        made = call(
            "POST", "/api/v1/jobs", {"prompt": " ".join(prompt), "preset": preset, "shape": shape, "style": style}
        )
        print(f"{made['key']}  {where(made)}")
        return EXIT_GOOD

    return app(args, prog_name="dreamrig submit", standalone_mode=False) or EXIT_GOOD


def where(made: Mapping[str, Any]) -> str:
    """Where a picture that was just asked for stands, in words."""
    if made["state"] == "held":
        return "held: the owner has to look at this prompt first"
    if not made["number"]:
        return "is drawn now" if made["state"] == "running" else str(made["state"])
    left = made.get("left")
    return f"number {made['number']}, {left}" if left else f"number {made['number']}"


def show_queue(args: list[str]) -> int:
    """`dreamrig queue`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.command()
    def command(as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> int:
        """The line of the running server."""
        state = call("GET", "/api/v1/queue")
        if as_json:
            console.print_json("queue", state)
            return EXIT_GOOD
        counts = state["counts"]
        print(f"{state['mode']}, worker {state['worker']}: {counts['running']} running, {counts['queued']} waiting")
        for one in state["line"]:
            place = "now" if one["state"] == "running" else one["number"]
            print(f"{place}  {one['key']}  {one['friend']}  {one['prompt'] or '(not shown)'}  {one.get('left', '')}")
        return EXIT_GOOD

    return app(args, prog_name="dreamrig queue", standalone_mode=False) or EXIT_GOOD


def cancel(args: list[str]) -> int:
    """`dreamrig cancel KEY`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.command()
    def command(key: str) -> int:
        """End a picture of the running server for good."""
        print(call("POST", f"/api/v1/jobs/{key}/cancel", {})["state"])
        return EXIT_GOOD

    return app(args, prog_name="dreamrig cancel", standalone_mode=False) or EXIT_GOOD
