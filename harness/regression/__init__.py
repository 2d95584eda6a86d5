"""What becomes of a recording: a cassette to hand on, and a scenario that asks for the same again."""
