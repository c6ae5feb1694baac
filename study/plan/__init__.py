"""What must be computed: stages under content addresses, the index of results, and the cost.

`Planner` turns configurations into a `Plan`; `estimate` says what it costs and what is already
computed. Never opens a store: what a store holds of a plan is a value, `Stored`, that the store
hands over.

>>> from study import plan, space
>>> quickstart = space.load("quickstart", ["data.root=nowhere"])
>>> planned = plan.Planner(quickstart).plan(space.configurations(quickstart))
>>> plan.estimate(planned, plan.Stored(), quickstart.rule, {}).trials
18
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
