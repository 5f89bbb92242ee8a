"""The relay dialogue without a socket: grammar, forms, the machine that speaks, and what is read from what was said."""
