"""Two samples of runs compared: what changed in verdicts, rules, causes, steps, order of events and latencies."""
