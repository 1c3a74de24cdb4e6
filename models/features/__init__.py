"""Units of the month and their features, computed from tables only, never from rules."""

from models.features.build import build_features
from models.spec import UNIT_COLUMNS, feature_names, features_of

__all__ = ["UNIT_COLUMNS", "build_features", "feature_names", "features_of"]
