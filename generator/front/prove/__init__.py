"""One command proves a machine: fixed prompts in every preset, compared with what was recorded, and one file of it."""
