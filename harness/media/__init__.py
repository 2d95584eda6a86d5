"""Audio: recordings in, Opus packets, captures, levels."""
