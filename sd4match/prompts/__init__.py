"""Prompts that condition the UNet, written or learned, and their files.

``create`` makes a prompt, ``save`` and ``load`` its file. A new family is a ``Prompt`` subclass in
``families.FAMILIES``, and its facts in ``family_facts.KNOWN``.

    >>> from sd4match import prompts
    >>> sorted(prompts.FAMILIES)[:2]
    ['class', 'class_hidden']
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
