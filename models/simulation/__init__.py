"""Years of audit in fast motion: does learning from outcomes pay, and does exploring? On planted errors of made-up towns.

The real code values and lists the cases (models.uphold, models.lists); only the reviewers, the delays and the towns are made up.
"""
