"""The bot on Discord: a task of the server's process that dials out, and a client of its service as the pages are."""
