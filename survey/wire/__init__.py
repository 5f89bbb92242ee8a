"""The only sockets of the survey: questions in, exchanges out."""
