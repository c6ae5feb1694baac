"""Computing the pending work of plans on Ray: workers, queue, faults, early stops. Ray only here.

The engine is handed plans and never makes one: `outstanding` turns plans into `Work`, and needs no
Ray; `launch` computes it on a cluster, or on this machine. Every result is in the store as soon as
it is computed, so a launch that is killed anywhere continues from there, with the same results.
A failed item fails what needs it and nothing else (`Outcome`).

Example:
    >>> from study import engine
    >>> engine.Work("latents", "4f2a", "latents spair val", ()).needs
    ()
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
