"""The company's promotions system, as a stand-in: a small real service that takes offers and keeps them.

It shares no code with the client that talks to it; what both keep to is written in docs/promotions-api.md.
"""
