"""Which runs to make, one run, many of them spread over processes, and the clock they run on."""
