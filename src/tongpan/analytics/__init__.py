"""The lake, the metric catalogue and its compiler."""
