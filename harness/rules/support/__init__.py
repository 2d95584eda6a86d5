"""What checks share: reading events, the course of a conversation, views of HTTP, SDP and audio, the notation of examples."""
