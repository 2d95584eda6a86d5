"""The catalogue of numbered conformance rules. Pure functions of a trace."""
