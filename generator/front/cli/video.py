"""`dreamrig video timelapse | pictures | film | restyle | resume`: words in, the exit code out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from dreamrig.command import make_app, run_group
from generator.front.cli import flags
from generator.front.video.encode import DEFAULT_CRF, require_av
from generator.front.video.movement import BORDERS
from generator.presets import PRESETS
from generator.work.door import GeneratorDoor

if TYPE_CHECKING:
    import inspect

Values = Mapping[str, Any]
DEFAULT_FRAME_STEPS, DEFAULT_SMOOTHING = 5, 0.3


def video(args: list[str], door: GeneratorDoor | None = None) -> int:
    """`dreamrig video …`; returns the exit code."""
    from generator.front.cli.groups import GroupedCommand

    door = door or GeneratorDoor()
    app = make_app("Films of dreamt pictures.")
    for name, (body, parameters) in _commands(door).items():
        app.command(name, cls=GroupedCommand)(flags.make_command(body, parameters))
    return run_group(app, "video", args)


def _commands(door: GeneratorDoor) -> dict[str, tuple[Callable[[Values], int], list[inspect.Parameter]]]:
    """Name -> what it does, and its words."""
    began_at = door.clock()

    def timelapse(values: Values) -> int:
        """The growing of one picture, from the frames that its run kept (generate --frames-every 1)."""
        from generator.front.video.session import FilmPresentation
        from generator.front.video.timelapse import make_timelapse

        require_av()
        shown = FilmPresentation.from_values(values)
        more = {name: values[name] for name in ("seconds", "hold", "crf")}
        return make_timelapse(values["run"], shown, door, rate=values["fps"], **more)

    def pictures(values: Values) -> int:
        """A folder of pictures as a film, in the order of their names: picture9 comes before picture10."""
        from generator.front.video.joining import join_pictures
        from generator.front.video.session import FilmPresentation

        require_av()
        shown = FilmPresentation.from_values(values)
        more = {name: values[name] for name in ("seconds", "hold", "crf", "fit")}
        return join_pictures(values["folder"], shown, door, rate=values["fps"], **more)

    def film(values: Values) -> int:
        """A flight out of nothing: every frame grows from the one before, magnified, turned and shifted a little.

        Scenes of a story (`dawn ^ noon ^ night`) share the frames, or begin when the file of --keyframes says.
        Ctrl-C keeps the frames; `resume` goes on.
        """
        from generator.front.video.plan import plan_film

        return _make(plan_film(values, door.sources()), values, door, began_at)

    def restyle(values: Values) -> int:
        """A film painted anew: every frame grows from a frame of the film; its sound is kept.

        Ctrl-C keeps the frames; `resume` goes on.
        """
        from generator.front.video.plan import plan_restyle

        require_av()
        return _make(plan_restyle(values, door.sources()), values, door, began_at)

    def resume(values: Values) -> int:
        """The rest of a film that was interrupted, to the same bytes as if it had not been."""
        from generator.front.video.plan import plan_resume

        return _make(plan_resume(values["run"]), values, door, began_at)

    return {
        "timelapse": (timelapse, [_run_argument(), *_timelapse_options(), *_film_options(), *_talk_options()]),
        "pictures": (
            pictures,
            [_folder_argument(), *_joining_options(), *_film_options(), *_talk_options()],
        ),
        "film": (
            film,
            [_prompt_argument(None), *_movement_options(), *_frame_options(), *_film_options(), *_talk_options()],
        ),
        "restyle": (
            restyle,
            [
                _film_argument(),
                _prompt_argument(),
                *_source_options(),
                *_frame_options(),
                *_film_options(hold=0.0),
                *_talk_options(),
            ],
        ),
        "resume": (resume, [_run_argument(), *_talk_options()]),
    }


def _make(plan: Any, values: Values, door: GeneratorDoor, began_at: float) -> int:
    from generator.front.cli.offer import offer_missing
    from generator.front.video.session import FilmPresentation, FilmSession

    session = FilmSession(plan, FilmPresentation.from_values(values), door, began_at)
    session.check()  # before somebody waits for a download
    session.began_at += offer_missing([plan.plan], values, door)
    return session.run()


# ---- words


def _option(name: str, type_: Any, default: Any, *words: str, **more: Any) -> inspect.Parameter:
    import typer

    return flags.keyword(
        name, Annotated[type_, typer.Option(*words, show_default=default is not None, **more)], default
    )


def _argument(name: str, type_: Any, metavar: str, help_text: str, default: Any = ...) -> inspect.Parameter:
    import typer

    declared = typer.Argument(metavar=metavar, help=help_text, show_default=False)
    return flags.keyword(name, Annotated[type_, declared], default)


def _run_argument() -> inspect.Parameter:
    return _argument("run", str, "RUN", 'A run of dreamrig history, or "last".')


def _prompt_argument(default: Any = ...) -> inspect.Parameter:
    return _argument("words", list[str] | None, "PROMPT", 'e.g. "sunset over the sea"', default)


def _folder_argument() -> inspect.Parameter:
    return _argument("folder", str, "FOLDER", "A folder with PNG, JPEG or WebP files.")


def _film_argument() -> inspect.Parameter:
    return _argument("film", str, "FILM", "An MP4, WebM, MOV, MKV or GIF file, or a folder of pictures.")


def _timelapse_options() -> list[inspect.Parameter]:
    return [_option("seconds", float | None, None, "--seconds", help="How long the film is, instead of --fps.")]


def _joining_options() -> list[inspect.Parameter]:
    fit = "Fill pictures of other sizes into that of the first, their edges cut."
    return [*_timelapse_options(), _option("fit", bool, False, "--fit", help=fit)]


def _source_options() -> list[inspect.Parameter]:
    smoothing = "Share of the frame before in what each frame starts from: more flickers less, and smears more."
    return [
        _option("seconds", float | None, None, "--seconds", help="Only so much of the film's beginning."),
        _option("smoothing", float, DEFAULT_SMOOTHING, "--smoothing", help=smoothing),
    ]


def _movement_options() -> list[inspect.Parameter]:
    track = 'a number, or a track: "0:1, 24:1.05"'
    keyframes = 'Times and prompts, a line a scene: "12.5 a red house"; CSV and JSON too.'
    return [
        _option("frames", int | None, None, "--frames", help="How many: 48, or as long as the file of --keyframes."),
        _option("keyframes", str | None, None, "--keyframes", metavar="FILE", help=keyframes),
        _option(
            "zoom", str | None, None, "--zoom", metavar="TRACK", help=f"Magnification per frame, 1 = none; {track}."
        ),
        _option("rotate", str | None, None, "--rotate", metavar="TRACK", help="Degrees per frame, clockwise."),
        _option("shift_x", str | None, None, "--shift-x", metavar="TRACK", help="Pixels per frame to the right."),
        _option("shift_y", str | None, None, "--shift-y", metavar="TRACK", help="Pixels per frame down."),
        _option("border", str, BORDERS[0], "--border", metavar="|".join(BORDERS), help="What comes in from outside."),
    ]


def _frame_options() -> list[inspect.Parameter]:
    """How the pictures are made: the flags of generate."""
    preset_help = "A whole set of knobs, stronger than what the model likes, weaker than your own."
    steps_help = "Steps of every frame but a film's first, which has --steps."
    return [
        _option("frame_steps", int, DEFAULT_FRAME_STEPS, "--frame-steps", help=steps_help),
        _option("size", str | None, None, "--size", metavar="N|WxH", help="Pixels: one number, or WxH."),
        _option("preset", str | None, None, "--preset", metavar="|".join(PRESETS), help=preset_help),
        *flags.config_parameters(common=True),
        *flags.config_parameters(common=False),
    ]


def _film_options(hold: float = 1.0) -> list[inspect.Parameter]:
    return [
        _option("fps", str | None, None, "--fps", metavar="N", help="Frames per second."),
        _option("hold", float, hold, "--hold", help="Seconds for which the last frame stands still."),
        _option("crf", int, DEFAULT_CRF, "--crf", help="MP4's quality: 0 = lossless, 17 = very good, 51 = worst."),
    ]


def _talk_options() -> list[inspect.Parameter]:
    interpolate = "N times as many frames, by a program of your own: interpolate.command."
    return [
        _option(
            "out", str | None, None, "--out", "-o", metavar="FILE|FOLDER", help="A .mp4 or .webp file, or a folder."
        ),
        _option("force", bool, False, "--force", help="Overwrite the file of --out."),
        _option("interpolate", int | None, None, "--interpolate", metavar="N", help=interpolate),
        _option("as_json", bool, False, "--json", help="One JSON document on standard output."),
        _option("quiet", bool, False, "--quiet", "-q", help="Only the film's path."),
    ]
