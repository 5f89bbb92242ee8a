"""An invented country on loopback: towns, mail servers, lists and traps, to learn on and to test against."""
