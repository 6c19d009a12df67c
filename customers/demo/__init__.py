"""A store to look at: people who do not exist, and what they bought."""
