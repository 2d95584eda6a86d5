"""One end of a call over aiortc; the only package that touches private parts of aiortc and aioice."""
