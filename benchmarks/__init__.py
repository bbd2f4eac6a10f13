"""What the server costs, measured: CPU time per request beside nginx on the same machine in the same run."""
