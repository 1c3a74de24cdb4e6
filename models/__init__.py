"""Which cases first: features against peers, an additive tail score, a forest as second opinion, ranking, samples.

Nothing here decides anything, and nothing here reads a rule's hit as a feature.
"""
