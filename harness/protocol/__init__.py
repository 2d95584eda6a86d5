"""What the wire says: dialects, events, SDP, lifecycles. Pure."""
