"""AASX packages (Part 5) and environments in JSON or XML ↔ documents and files."""
