"""The fake plays a recorded service: what it did, after what caused it, with all that was wrong with it."""
