"""The commands of `python -m survey`: one module per command, or per few that belong together, each with an `add`.

`add(commands)` adds the parser and sets `run_command`, a function from the options to the exit code. Rooms of the house
are imported where a command needs them, so that `--help` and small commands start at once.

A command that works in a run folder sets `logged` too (`options.in_run`): where its log lies. What it says goes through
`screen`, which notes it there; what it cannot do it raises, and `__main__` makes the line and the exit code of it.
"""

from __future__ import annotations

DONE, DECIDE, COULD_NOT = 0, 1, 2
"""Exit codes: done; a person must decide; could not."""
