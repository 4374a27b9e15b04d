"""The front door (cli) and the floor (errors, paths, console, settings) that every other folder stands on.

Nothing in here imports torch; rich, typer and platformdirs are imported only by the function that needs them, so that
`dreamrig --help` answers at once.
"""

__version__ = "0.1.0"
