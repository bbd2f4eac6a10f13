"""What happens here, told to whoever wants to know: CloudEvents made from the log, for readers and brokers.

One follower reads the log and hands each change to all readers; storing is announcing, nobody calls it.
"""
