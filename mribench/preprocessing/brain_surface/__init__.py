"""A surface that grows from the middle of the brain to its rim, as BET does."""
