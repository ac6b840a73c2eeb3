"""What the labels cost, what they bought, and how long the budget lasts.

`spent` and `price` say what was and will be spent, `points` what a point of accuracy cost,
`forecast` when the budget is gone, `saved` what random labels would have cost instead.
"""
