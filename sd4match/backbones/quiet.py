"""Loading and saving models without the libraries' own bars and reports."""

from collections.abc import Iterator
from contextlib import contextmanager

from diffusers.utils import logging as of_diffusers
from transformers.utils import logging


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers and diffusers: what a user should see, we say ourselves."""
    enabled, libraries = logging.is_progress_bar_enabled(), (logging, of_diffusers)
    verbosities = [library.get_verbosity() for library in libraries]
    logging.disable_progress_bar()
    for library in libraries:
        library.set_verbosity_error()
    try:
        yield
    finally:
        for library, verbosity in zip(libraries, verbosities, strict=True):
            library.set_verbosity(verbosity)
        if enabled:
            logging.enable_progress_bar()
