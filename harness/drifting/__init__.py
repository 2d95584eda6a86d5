"""What the vendor's SDK models, our schemas, our fake and recordings of live calls say of the protocol, and where they differ."""
