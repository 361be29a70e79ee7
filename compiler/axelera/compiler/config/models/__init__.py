"""Presets: one TOML file per network, found by its bare name from a model card."""
