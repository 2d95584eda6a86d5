"""The caller: token request, offer, answer, channel, and the player of a scenario."""
