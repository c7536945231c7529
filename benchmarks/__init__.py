"""circle15 beside its peers: same graph, same question, same run. `python -m benchmarks` from the project's folder."""
