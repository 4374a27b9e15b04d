"""Under which heading of --help a flag stands: some eighty in one list are more than anybody reads."""

from __future__ import annotations

from typing import Any

import typer.core


class GroupedCommand(typer.core.TyperCommand):
    """A command whose help puts options under the heading they name as their `rich_help_panel`.

    typer does that in boxes only, and those cut long flags off at 80 columns.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, options without a heading, then heading after heading.

        Both are click's, which lies inside of typer in some versions and beside it in others.
        """
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            if record is not None:
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
