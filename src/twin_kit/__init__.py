"""What the imitations share: how their processes start, listen and stop, and the frame of their pages.

It knows nothing of what they imitate, and neither the product nor its client may use it.
"""
