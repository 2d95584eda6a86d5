"""The fake service: a pure conversation engine with an HTTP and WebRTC rim."""
