"""What the faults of both ends share: declaring and finding them, rewrites of events, packets and SDP."""
