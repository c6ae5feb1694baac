from .features import dependence as dependence
from .features import hidden_states as hidden_states
from .features import image_features as image_features
from .one_pair import Matches as Matches
from .one_pair import match_pair as match_pair
from .predictor import latents_for as latents_for
from .predictor import predict as predict

__all__ = [
    "Matches",
    "dependence",
    "hidden_states",
    "image_features",
    "latents_for",
    "match_pair",
    "predict",
]
