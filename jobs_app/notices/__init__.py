"""Notices: who wants to be told of what (`preferences`), what is told (`telling`), its way (`sending`)."""
