"""`/api/v1`: operations, their types and their document, and the stream of events."""
