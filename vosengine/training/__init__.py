"""Offline training: data sets, synthetic frame pairs, and one file a trained thing."""
