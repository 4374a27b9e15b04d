"""Stands in front of a library that jupyter brings and jsonschema picks up: its grammar is most of Ray's import."""

raise ImportError("not needed to start Ray")
