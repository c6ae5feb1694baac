"""The one exception that stands for a mistake its reader can mend."""


class SD4MatchError(Exception):
    """A problem with what the user gave: data, a name, a file, a setting.

    Its text is one line that says what is wrong, where, and what to do. Command lines print that
    line and exit with a non-zero status; anything else that escapes is a bug.
    """
