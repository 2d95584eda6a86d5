"""The emulated network: pure chances by seed, and the link that holds datagrams until they arrive."""
