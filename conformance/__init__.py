"""What the server is held against: the official test engine, the official OpenAPI files, our reasoned deviations."""
