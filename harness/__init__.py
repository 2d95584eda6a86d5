"""A headless conformance checker for realtime voice APIs over WebRTC."""

__version__ = "0.1.0"
