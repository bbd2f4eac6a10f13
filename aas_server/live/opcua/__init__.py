"""OPC UA: a session with a server, its items, methods and address space. Built on asyncua."""
