"""Delivery to registries: signing, the client, and the reference registry."""
