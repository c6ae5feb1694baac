from .features import (
    dependence as dependence,
    hidden_states as hidden_states,
    image_features as image_features,
)
from .one_pair import Matches as Matches, match_pair as match_pair
from .predictor import latents_for as latents_for, predict as predict
