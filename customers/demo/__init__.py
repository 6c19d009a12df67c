"""Generated customers, for a store to try out."""
