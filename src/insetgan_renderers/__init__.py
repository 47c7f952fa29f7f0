"""Renderers of people and of flowers: data sources that are built on insetgan and reached by its entry point group."""
